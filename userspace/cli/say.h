/* SPDX-License-Identifier: Apache-2.0 */
/* What a command has to say to a person. */
#ifndef GWBPF_CLI_SAY_H
#define GWBPF_CLI_SAY_H

#include <stdio.h>

/* "gwbpf: cannot …" on standard error. The message may hold what a stranger wrote. */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Write text with its control characters as \u001b, so that it cannot command the terminal. */
void say_text(FILE *file, const char *text);

#endif
