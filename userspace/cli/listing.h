/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a kind, printed as the options say: JSON, YAML, a table for people that fits a terminal, or
 * a line for each row for scripts. Which columns there are, the kind says.
 */
#ifndef GWBPF_CLI_LISTING_H
#define GWBPF_CLI_LISTING_H

#include <stddef.h>

#include "cli/table.h"
#include "report/columns.h"

#define LISTING_TEXT_MAX 2048

struct cli;

struct listing {
	const struct columns *columns;
	const char *node;
	const void *rows; /* an array of count, each of row_size bytes */
	size_t row_size;
	size_t count;

	/* Of its state, and the sign before the row. */
	enum table_mood (*mood)(const void *row);

	/* Rows of one number, below count, have a heading in common. NULL: no headings. */
	size_t (*group)(const void *row);
	void (*heading)(const void *row, char buf[LISTING_TEXT_MAX]);

	/* Why a row is not as it should be, and what to do; "": nothing is to be said. NULL: never. */
	void (*note)(const void *row, char buf[LISTING_TEXT_MAX]);

	/* The column that stands in for the first one where that says the same of two things. NULL: none
	 * has to. */
	const char *instead;
};

/* Returns the exit status, having said why if it is not 0. */
int listing_print(const struct cli *cli, const struct listing *listing);

#endif
