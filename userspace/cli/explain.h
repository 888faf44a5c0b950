/* SPDX-License-Identifier: Apache-2.0 */
/* The two parts of `gwbpf explain`: what there is to say, and how people read it. */
#ifndef GWBPF_CLI_EXPLAIN_H
#define GWBPF_CLI_EXPLAIN_H

#include <jansson.h>

struct cli;

/* Print an explanation for people; it is taken over. Returns the exit status. */
int explain_print(const struct cli *cli, json_t *value);

#endif
