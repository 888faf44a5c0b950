/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for people: a line for each and name, and below the table what to do. */
#ifndef GWBPF_CLI_TLS_PRINT_H
#define GWBPF_CLI_TLS_PRINT_H

#include <jansson.h>

struct cli;

/*
 * items: what `gwbpf tls --file -o json` has. "names" are all that a certificate carries, "wanted"
 * those that it must, "missing" what it lacks of these: null where nothing is wanted of it.
 * "message" says what is wrong, "" if nothing is. Returns the exit status of printing.
 */
int tls_print(const struct cli *cli, const json_t *items);

#endif
