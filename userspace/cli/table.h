/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns that only `-o wide` shows, states in colour, the node above them. */
#ifndef GWBPF_CLI_TABLE_H
#define GWBPF_CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct cli;
struct table;

enum table_flags {
	TABLE_RIGHT = 1, /* numbers */
	TABLE_WIDE = 2,  /* only with -o wide */
};

struct table_column {
	const char *title;
	unsigned int flags;
};

enum table_mood {
	TABLE_GOOD,
	TABLE_DOUBTFUL,
	TABLE_BAD,
};

/* columns must outlive the table. -ENOMEM, said. */
int table_new(const struct cli *cli, const struct table_column *columns, size_t count,
	      struct table **ret);
void table_free(struct table *table); /* takes NULL */

/* A row is begun, then its cells are given one by one, also those that are not shown. */
void table_row(struct table *table);
void table_text(struct table *table, const char *text); /* "-" stands for "" and NULL */
void table_number(struct table *table, uint64_t number);
void table_state(struct table *table, const char *text, enum table_mood mood);

/* Returns the exit status, having said why if it is not 0. */
int table_print(struct table *table);

/* "NODE: n1 (this node only)": what is shown is not the cluster. */
void table_print_node(const struct cli *cli, const char *node);

/* text in the colour of a mood, if cli wants colours. */
void table_print_state(const struct cli *cli, const char *text, enum table_mood mood);

#endif
