// SPDX-License-Identifier: Apache-2.0
/* Tables by libsmartcols. What strangers wrote into a cell cannot command the terminal. */
#include "cli/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <libsmartcols.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/say.h"

#define CELL_MAX 4096

struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	const struct table_column *columns;
	size_t next;  /* column of the next cell */
	size_t shown; /* the same, counting only what is shown */
	bool wide;
	int err; /* the first one, told by table_print() */
};

static const char *const mood_colors[] = {
	[TABLE_GOOD] = "\033[32m",
	[TABLE_DOUBTFUL] = "\033[33m",
	[TABLE_BAD] = "\033[31m",
};

static int refuse(void)
{
	say_error("cannot print the table: out of memory");
	return EXIT_FAILURE;
}

static bool is_shown(const struct table *table, size_t column)
{
	return table->wide || !(table->columns[column].flags & TABLE_WIDE);
}

int table_new(const struct cli *cli, const struct table_column *columns, size_t count,
	      struct table **ret)
{
	struct table *table = calloc(1, sizeof(*table));
	size_t i;

	if (!table)
		goto no_memory;
	table->columns = columns;
	table->wide = cli->output == CLI_OUTPUT_WIDE;
	table->scols = scols_new_table();
	if (!table->scols)
		goto no_memory;
	scols_table_enable_noheadings(table->scols, !cli->headers);
	scols_table_enable_colors(table->scols, cli->color);
	if (scols_table_set_column_separator(table->scols, "  "))
		goto no_memory;
	for (i = 0; i < count; i++) {
		int flags = columns[i].flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0;

		if (is_shown(table, i) &&
		    !scols_table_new_column(table->scols, columns[i].title, 0, flags))
			goto no_memory;
	}
	*ret = table;
	return 0;

no_memory:
	table_free(table);
	refuse();
	return -ENOMEM;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->scols);
	free(table);
}

void table_row(struct table *table)
{
	table->next = 0;
	table->shown = 0;
	table->line = scols_table_new_line(table->scols, NULL);
	if (!table->line)
		table->err = -ENOMEM;
}

/* What does not fit is cut: no name is that long. */
static const char *escape_cell(const char *text, char buf[CELL_MAX])
{
	char *to = buf;

	while (*text && to - buf < CELL_MAX - TEXT_ESCAPE_MAX)
		to = text_escape(to, &text);
	*to = '\0';
	return buf;
}

static void put_cell(struct table *table, const char *text, const char *color)
{
	size_t column = table->shown;
	char escaped[CELL_MAX];

	if (!is_shown(table, table->next++) || table->err)
		return;
	table->shown++;
	text = text && *text ? escape_cell(text, escaped) : "-";
	if (scols_line_set_data(table->line, column, text))
		table->err = -ENOMEM;
	else if (color)
		scols_cell_set_color(scols_line_get_cell(table->line, column), color);
}

void table_text(struct table *table, const char *text)
{
	put_cell(table, text, NULL);
}

void table_number(struct table *table, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	put_cell(table, text, NULL);
}

void table_state(struct table *table, const char *text, enum table_mood mood)
{
	put_cell(table, text, mood_colors[mood]);
}

int table_print(struct table *table)
{
	/* Of an empty table libsmartcols prints nothing: right for a script, not for a person. */
	if (scols_table_is_empty(table->scols) && !scols_table_is_noheadings(table->scols))
		puts("(none)");
	if (!table->err)
		table->err = scols_print_table(table->scols);
	return table->err ? refuse() : EXIT_SUCCESS;
}

void table_print_node(const struct cli *cli, const char *node)
{
	if (!cli->headers)
		return;
	fputs("NODE: ", stdout);
	say_text(stdout, node);
	puts(" (this node only)");
}

void table_print_state(const struct cli *cli, const char *text, enum table_mood mood)
{
	if (cli->color)
		fputs(mood_colors[mood], stdout);
	say_text(stdout, text);
	if (cli->color)
		fputs("\033[0m", stdout);
}
