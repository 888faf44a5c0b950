// SPDX-License-Identifier: Apache-2.0
/* Tables: texts side by side. What strangers wrote into a cell cannot command the terminal. */
#include "cli/table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/say.h"
#include "cli/shorten.h"

#define CELL_MAX 4096
#define SEPARATOR "  "

struct cell {
	char *text;
	char *instead;     /* NULL: nothing stands in */
	const char *color; /* NULL: none */
};

/* A line before the row of this number. */
struct heading {
	size_t row;
	char *text;
};

struct table {
	const struct table_column **columns; /* those that are shown */
	size_t column_count;
	const struct table_column *all;
	size_t next;        /* of all: column of the next cell */
	struct cell *cells; /* a row behind the other */
	size_t cell_count;
	struct heading *headings;
	size_t heading_count;
	const char *sign;
	bool is_wide, has_titles, has_color, is_fit;
	int err; /* the first one, told by table_print() */
};

static const char *const mood_colors[] = {
	[TABLE_GOOD] = "\033[32m",
	[TABLE_DOUBTFUL] = "\033[33m",
	[TABLE_BAD] = "\033[31m",
};

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static const char *const mood_signs[] = {
	[TABLE_GOOD] = "  ",
	[TABLE_DOUBTFUL] = "~ ",
	[TABLE_BAD] = "! ",
};

static int refuse(void)
{
	say_error("cannot print the table: out of memory");
	return EXIT_FAILURE;
}

static bool is_shown(const struct table *table, const struct table_column *column)
{
	return table->is_wide || !(column->flags & TABLE_WIDE);
}

int table_new(const struct cli *cli, const struct table_column *columns, size_t count,
	      struct table **ret)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table)
		table->columns = calloc(count, sizeof(*table->columns));
	if (!table || !table->columns) {
		table_free(table);
		refuse();
		return -ENOMEM;
	}
	table->all = columns;
	table->is_wide = cli->output == CLI_OUTPUT_WIDE;
	table->has_titles = cli->headers;
	table->has_color = cli->color;
	for (size_t i = 0; i < count; i++)
		if (is_shown(table, &columns[i]))
			table->columns[table->column_count++] = &columns[i];
	*ret = table;
	return 0;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->cell_count; i++) {
		free(table->cells[i].text);
		free(table->cells[i].instead);
	}
	for (size_t i = 0; i < table->heading_count; i++)
		free(table->headings[i].text);
	free(table->cells);
	free(table->headings);
	free(table->columns);
	free(table);
}

void table_fit(struct table *table)
{
	table->is_fit = true;
}

static size_t row_count(const struct table *table)
{
	return table->cell_count / table->column_count;
}

/* A copy of sign and text with what could command the terminal made visible; "-" for "" and NULL.
 * What does not fit is cut: no name is that long. */
static char *escape(struct table *table, const char *sign, const char *text)
{
	char buf[CELL_MAX], *to = stpcpy(buf, sign), *copy;

	if (!text || !*text)
		text = "-";
	while (*text && to - buf < CELL_MAX - TEXT_ESCAPE_MAX)
		to = text_escape(to, &text);
	*to = '\0';
	copy = strdup(buf);
	if (!copy)
		table->err = -ENOMEM;
	return copy;
}

/* Room for one more in an array of count, which grows by doubling: at 0, 1, 2, 4 and so on. */
static void *grow(struct table *table, void *array, size_t count, size_t size)
{
	void *grown = array;

	if (!(count & (count - 1)))
		grown = reallocarray(array, count ? 2 * count : 1, size);
	if (!grown)
		table->err = -ENOMEM;
	return grown;
}

void table_heading(struct table *table, const char *text)
{
	struct heading *headings =
		grow(table, table->headings, table->heading_count, sizeof(*headings));

	if (!headings)
		return;
	table->headings = headings;
	headings[table->heading_count++] = (struct heading){
		.row = row_count(table),
		.text = escape(table, "", text),
	};
}

void table_row(struct table *table)
{
	table->next = 0;
	table->sign = mood_signs[TABLE_GOOD];
}

void table_mark(struct table *table, enum table_mood mood)
{
	table->sign = mood_signs[mood];
}

static void put_cell(struct table *table, const char *text, const char *color, const char *instead)
{
	const struct table_column *column = &table->all[table->next++];
	const char *sign = column->flags & TABLE_MARK ? table->sign : "";
	struct cell *cells;

	if (!is_shown(table, column) || table->err)
		return;
	cells = grow(table, table->cells, table->cell_count, sizeof(*cells));
	if (!cells)
		return;
	table->cells = cells;
	cells[table->cell_count++] = (struct cell){
		.text = escape(table, sign, text),
		.instead = instead ? escape(table, sign, instead) : NULL,
		.color = color,
	};
}

void table_text(struct table *table, const char *text)
{
	put_cell(table, text, NULL, NULL);
}

void table_text_or(struct table *table, const char *text, const char *instead)
{
	put_cell(table, text, NULL, instead);
}

void table_number(struct table *table, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	put_cell(table, text, NULL, NULL);
}

void table_state(struct table *table, const char *text, enum table_mood mood)
{
	put_cell(table, text, mood_colors[mood], NULL);
}

static struct cell *cell_at(const struct table *table, size_t row, size_t column)
{
	return &table->cells[row * table->column_count + column];
}

/* A title stands above the texts: behind the signs. */
static size_t title_indent(const struct table_column *column)
{
	return column->flags & TABLE_MARK ? strlen(mood_signs[TABLE_GOOD]) : 0;
}

static void measure(const struct table *table, size_t *widths)
{
	for (size_t column = 0; column < table->column_count; column++) {
		const struct table_column *of = table->columns[column];
		size_t widest = table->has_titles ? title_indent(of) + strlen(of->title) : 0;

		for (size_t row = 0; row < row_count(table); row++) {
			size_t width = shorten_width(cell_at(table, row, column)->text);

			widest = width > widest ? width : widest;
		}
		widths[column] = widest;
	}
}

static int shorten_column(struct table *table, size_t column, size_t width)
{
	for (size_t row = 0; row < row_count(table); row++) {
		struct cell *cell = cell_at(table, row, column);
		char *buf = malloc(strlen(cell->text) + SHORTEN_SIGN_MAX);

		if (!buf)
			return -ENOMEM;
		if (shorten_middle(cell->text, width, buf) == buf) {
			free(cell->text);
			cell->text = buf;
		} else {
			free(buf);
		}
	}
	return 0;
}

/* Columns that may be shortened get what the others leave. widths is what they have now. */
static int fit(struct table *table, size_t *widths)
{
	size_t room = TABLE_COLUMNS_MAX - (table->column_count - 1) * strlen(SEPARATOR);
	size_t *least = calloc(table->column_count, sizeof(*least));
	int err = 0;

	if (!least)
		return -ENOMEM;
	for (size_t i = 0; i < table->column_count; i++) {
		least[i] = table->columns[i]->flags >> 8;
		if (!least[i])
			least[i] = widths[i];
	}
	shorten_fit(widths, least, table->column_count, room);
	for (size_t i = 0; i < table->column_count && !err; i++)
		if (table->columns[i]->flags >> 8)
			err = shorten_column(table, i, widths[i]);
	free(least);
	return err;
}

static int compare_cells(const void *a, const void *b)
{
	const struct cell *x = *(struct cell *const *)a, *y = *(struct cell *const *)b;
	int order = strcmp(x->text, y->text);

	return order ? order : strcmp(x->instead, y->instead);
}

static void put_instead(struct cell *cell)
{
	free(cell->text);
	cell->text = cell->instead;
	cell->instead = NULL;
}

/* Of count cells below one heading: where different things say the same, what is there instead. */
static void tell_apart(struct cell **cells, size_t count)
{
	size_t first, end;

	qsort(cells, count, sizeof(struct cell *), compare_cells);
	for (first = 0; first < count; first = end) {
		for (end = first + 1; end < count && !strcmp(cells[first]->text, cells[end]->text);)
			end++;
		if (!strcmp(cells[first]->instead, cells[end - 1]->instead))
			continue;
		for (size_t i = first; i < end; i++)
			put_instead(cells[i]);
	}
}

static int tell_column_apart(struct table *table, size_t column)
{
	size_t rows = row_count(table), heading = 0, count = 0;
	struct cell **cells = calloc(rows + 1, sizeof(struct cell *));

	if (!cells)
		return -ENOMEM;
	for (size_t row = 0; row < rows; row++) {
		while (heading < table->heading_count && table->headings[heading].row <= row) {
			tell_apart(cells, count);
			count = 0;
			heading++;
		}
		if (cell_at(table, row, column)->instead)
			cells[count++] = cell_at(table, row, column);
	}
	tell_apart(cells, count);
	free(cells);
	return 0;
}

static void print_text(const struct table *table, const char *color, const char *text)
{
	if (table->has_color && color)
		printf("%s%s" PLAIN, color, text);
	else
		fputs(text, stdout);
}

static void print_cell(const struct table *table, size_t column, const char *text,
		       const char *color, size_t width)
{
	size_t own = shorten_width(text);
	int padding = own < width ? (int)(width - own) : 0;
	bool is_last = column + 1 == table->column_count;

	if (table->columns[column]->flags & TABLE_RIGHT)
		printf("%*s", padding, "");
	print_text(table, color, text);
	if (!(table->columns[column]->flags & TABLE_RIGHT) && !is_last)
		printf("%*s", padding, "");
	fputs(is_last ? "\n" : SEPARATOR, stdout);
}

static void print_titles(const struct table *table, const size_t *widths)
{
	char title[64];

	for (size_t i = 0; i < table->column_count; i++) {
		snprintf(title, sizeof(title), "%*s%s", (int)title_indent(table->columns[i]), "",
			 table->columns[i]->title);
		print_cell(table, i, title, NULL, widths[i]);
	}
}

static void print_rows(const struct table *table, const size_t *widths)
{
	const struct heading *heading = table->headings;
	const struct heading *end = heading + table->heading_count;

	for (size_t row = 0; row < row_count(table); row++) {
		for (; heading < end && heading->row <= row; heading++) {
			print_text(table, BOLD, heading->text);
			putchar('\n');
		}
		for (size_t column = 0; column < table->column_count; column++) {
			const struct cell *cell = cell_at(table, row, column);

			print_cell(table, column, cell->text, cell->color, widths[column]);
		}
	}
}

int table_print(struct table *table)
{
	size_t *widths = calloc(table->column_count, sizeof(*widths));

	if (!table->err && !widths)
		table->err = -ENOMEM;
	if (!table->err && table->is_fit) {
		measure(table, widths);
		table->err = fit(table, widths);
	}
	for (size_t i = 0; i < table->column_count && !table->err; i++)
		table->err = tell_column_apart(table, i);
	if (!table->err) {
		measure(table, widths);
		if (table->cell_count && table->has_titles)
			print_titles(table, widths);
		else if (table->has_titles)
			puts("(none)");
		print_rows(table, widths);
	}
	free(widths);
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
		fputs(PLAIN, stdout);
}
