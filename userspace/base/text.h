/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a stranger on its way into a message, and the time as text. */
#ifndef GWBPF_BASE_TEXT_H
#define GWBPF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define TEXT_EXCERPT_MAX 64

/* As much of text as a message has room for, cut between two characters of UTF-8. Returns buf. */
const char *text_excerpt(const char *text, char buf[TEXT_EXCERPT_MAX]);

#define TEXT_ESCAPE_MAX 6 /* bytes that one becomes at most: \u0000 */

/* The same in size bytes, four at least. */
const char *text_cut(const char *text, char *buf, size_t size);

/*
 * Whether the character at text, which is not at its end, may be shown as it is: a control
 * character, one that turns the order of text around or cannot be seen, and what is no UTF-8 may
 * not. Its bytes go to length, 1 for what is no UTF-8.
 */
bool text_is_shown(const char *text, size_t *length);

/*
 * Write the character at *text to to, as it is or as "\n" or "\u202e", and step over it. Returns
 * the place behind it. to has room for TEXT_ESCAPE_MAX bytes. Everything that people read on a
 * terminal goes through this.
 */
char *text_escape(char *to, const char **text);

#define TEXT_TIME_MAX 32

/* A time of CLOCK_REALTIME by RFC 3339, to the millisecond: "2026-01-31T09:30:00.250Z". Returns buf. */
const char *text_time(const struct timespec *time, char buf[TEXT_TIME_MAX]);

#endif
