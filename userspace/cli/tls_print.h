/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for people: a line for each and name, and below the table what to do. */
#ifndef GWBPF_CLI_TLS_PRINT_H
#define GWBPF_CLI_TLS_PRINT_H

#include <jansson.h>

#define TLS_OWNER_MAX 320

struct cli;

struct tls_printing {
	const char *title;  /* of the column that says whose certificate it is */
	const char *prefix; /* before that in a sentence */
	/* Writes it to buf, or returns what is in the item. */
	const char *(*owner)(const json_t *item, char buf[TLS_OWNER_MAX]);
};

/*
 * items: what `gwbpf tls -o json` has. "names" are all that a certificate carries, if that is known;
 * "wanted" those that it must, null where it is none of a server; "missing" what it lacks of these.
 * "message" says what is wrong, "" if nothing is. Returns the exit status of printing.
 */
int tls_print(const struct cli *cli, const struct tls_printing *printing, const json_t *items);

#endif
