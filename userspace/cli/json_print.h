/* SPDX-License-Identifier: Apache-2.0 */
/* An answer on standard output, as JSON, or as YAML. */
#ifndef GWBPF_CLI_JSON_PRINT_H
#define GWBPF_CLI_JSON_PRINT_H

#include <jansson.h>

struct cli;

/* As -o json or -o yaml asks for. answer is taken over; NULL stands for want of memory. Returns the exit status, having said why if
 * it is not 0. */
int json_print(const struct cli *cli, json_t *answer);

/* The same of one that is rendered already. Returns whether standard output failed. */
int json_print_text(const char *text);

#endif
