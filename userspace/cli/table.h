/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people: columns that only `-o wide` shows, states in colour, the node above them. Where
 * that is asked for, they fit 80 columns and have headings between their rows. */
#ifndef GWBPF_CLI_TABLE_H
#define GWBPF_CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct cli;
struct table;

enum table_flags {
	TABLE_RIGHT = 1, /* numbers */
	TABLE_WIDE = 2,  /* only with -o wide */
	TABLE_MARK = 4,  /* has the sign of the row before its text */
};

/* A flag: table_fit() may shorten what is in the column, but leaves so many letters. */
#define TABLE_SHORTEN(letters) ((unsigned int)(letters) << 8)

#define TABLE_COLUMNS_MAX 80 /* of a terminal */

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

/* Shorten what may be shortened, so that the table fits TABLE_COLUMNS_MAX. */
void table_fit(struct table *table);

/* A line between the rows, before the one that is begun next. */
void table_heading(struct table *table, const char *text);

/* A row is begun, then its cells are given one by one, also those that are not shown. */
void table_row(struct table *table);
void table_text(struct table *table, const char *text); /* "-" stands for "" and NULL */
/* instead stands in its place if, shortened or not, a row below the same heading says the same, but
 * not the same instead: two things are never mistaken for one. */
void table_text_or(struct table *table, const char *text, const char *instead);
void table_number(struct table *table, uint64_t number);
void table_state(struct table *table, const char *text, enum table_mood mood);

/* The sign of the row: "!" if it is bad, "~" if it is doubtful. Before its first cell. */
void table_mark(struct table *table, enum table_mood mood);

/* Returns the exit status, having said why if it is not 0. */
int table_print(struct table *table);

/* "NODE: n1 (this node only)": what is shown is not the cluster. */
void table_print_node(const struct cli *cli, const char *node);

/* text in the colour of a mood, if cli wants colours. */
void table_print_state(const struct cli *cli, const char *text, enum table_mood mood);

#endif
