/* SPDX-License-Identifier: Apache-2.0 */
/* How wide texts are on a terminal, and how they become narrower. Pure, but for the locale. */
#ifndef GWBPF_CLI_SHORTEN_H
#define GWBPF_CLI_SHORTEN_H

#include <stdbool.h>
#include <stddef.h>

#define SHORTEN_SIGN_MAX 4 /* bytes of the sign for what is left out, and a final zero */

/* Whether the terminal shows UTF-8, as the locale says. */
bool shorten_is_utf8(void);

/* Columns of text, which is printable UTF-8. */
size_t shorten_width(const char *text);

/*
 * Leave out the middle of text, so that it has width columns: what tells names of pods apart stands at
 * their beginning and at their end. buf has room for strlen(text) + SHORTEN_SIGN_MAX bytes. Returns
 * buf; text itself if it is not wider.
 */
const char *shorten_middle(const char *text, size_t width, char *buf);

/* Make columns narrower until they have room together: first the one that has the most beyond its
 * least width, and none narrower than that, also if there is no room for these. */
void shorten_fit(size_t *widths, const size_t *least, size_t count, size_t room);

#endif
