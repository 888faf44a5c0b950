/* SPDX-License-Identifier: Apache-2.0 */
/* An answer in JSON on standard output. */
#ifndef GWBPF_CLI_JSON_PRINT_H
#define GWBPF_CLI_JSON_PRINT_H

#include <jansson.h>

/* answer is taken over; NULL stands for want of memory. Returns the exit status, having said why if
 * it is not 0. */
int json_print(json_t *answer);

/* The same of one that is rendered already. Returns whether standard output failed. */
int json_print_text(const char *text);

#endif
