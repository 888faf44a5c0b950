// SPDX-License-Identifier: Apache-2.0
#include "cli/listing.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/say.h"
#include "cli/shorten.h"
#include "report/columns_text.h"
#include "report/json.h"

#define NOTES_MAX 12 /* below a table */
#define BAR_WIDTH 6

/* A row on its way to its place. */
struct item {
	const void *row;
	size_t index;     /* its place until now */
	size_t group;     /* the place of its heading among headings */
	struct value key; /* of --sort */
};

static int compare_keys(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = value_compare(&x->key, &y->key);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static int compare_groups(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = (x->group > y->group) - (x->group < y->group);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static bool is_for_people(const struct cli *cli)
{
	return cli->output != CLI_OUTPUT_JSON && cli->headers;
}

/* Headings come in the order in which their first rows do; below each the rows stay in order. */
static int gather(const struct listing *listing, struct item *items)
{
	size_t *places = calloc(listing->count + 1, sizeof(*places)), next = 1;

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < listing->count; i++) {
		size_t group = listing->group(items[i].row);

		if (!places[group])
			places[group] = next++;
		items[i].group = places[group];
		items[i].index = i;
	}
	free(places);
	qsort(items, listing->count, sizeof(*items), compare_groups);
	return 0;
}

static int order(const struct cli *cli, const struct listing *listing, struct item *items)
{
	const struct column *by = cli->sort ? columns_find(listing->columns, cli->sort) : NULL;

	for (size_t i = 0; i < listing->count; i++) {
		items[i].row = (const char *)listing->rows + i * listing->row_size;
		items[i].index = i;
		if (by)
			items[i].key = by->read(items[i].row);
	}
	if (by)
		qsort(items, listing->count, sizeof(*items), compare_keys);
	return listing->group && is_for_people(cli) ? gather(listing, items) : 0;
}

static int print_tree(const struct cli *cli, const struct listing *listing,
		      const struct item *items)
{
	json_t *array = json_array();

	for (size_t i = 0; i < listing->count; i++)
		json_add(&array, columns_to_json(listing->columns, items[i].row));
	return json_print(cli, json_list(listing->columns->list, listing->node, array));
}

static const void *row_at(size_t place, const void *arg)
{
	const struct item *items = arg;

	return items[place].row;
}

/* Ten thousand rows as a tree took most of the time of the command. */
static int print_json(const struct cli *cli, const struct listing *listing,
		      const struct item *items)
{
	char *text;
	int err;

	if (cli->is_yaml)
		return print_tree(cli, listing, items);
	text = columns_render(listing->columns, listing->node, row_at, items, listing->count);
	if (!text) {
		say_error("cannot print the answer: out of memory");
		return EXIT_FAILURE;
	}
	err = json_print_text(text);
	free(text);
	if (!err)
		return EXIT_SUCCESS;
	say_error("cannot print the answer: standard output is closed");
	return EXIT_FAILURE;
}

static unsigned int topic(const struct cli *cli)
{
	if (cli->topic)
		return cli->topic;
	return cli->output == CLI_OUTPUT_WIDE ? COLUMN_ALL : COLUMN_MAIN;
}

/* Scripts get what is read as it is, and always the names of the row. */
static bool is_shown(const struct cli *cli, const struct column *column)
{
	unsigned int shown = topic(cli);

	if (is_for_people(cli))
		return column->shown & shown;
	if (column->shown & COLUMN_PEOPLE)
		return false;
	return column->shown & (shown == COLUMN_MAIN ? COLUMN_PLAIN : shown | COLUMN_KEY);
}

/* A bar and a number: what is most is seen at once. */
static const char *draw_share(const struct value *value, char buf[VALUE_TEXT_MAX])
{
	char number[VALUE_TEXT_MAX];
	bool is_utf8 = shorten_is_utf8();
	int eighths = (int)(value->number * BAR_WIDTH * 8 + 0.5), i;
	char *to = buf;

	for (i = 0; i < BAR_WIDTH; i++, eighths -= 8) {
		if (eighths >= 8)
			to = stpcpy(to, is_utf8 ? "\xe2\x96\x88" : "#");
		else if (is_utf8 && eighths > 0)
			to += sprintf(to, "\xe2\x96%c", 0x90 - eighths);
		else
			to = stpcpy(to, !is_utf8 && eighths >= 4 ? "#" : " ");
	}
	sprintf(to, " %4.8s", value_print(value, number));
	return buf;
}

static void add_cell(struct table *table, const struct listing *listing,
		     const struct column *column, const void *row)
{
	struct value value = column->read(row), other;
	char buf[VALUE_TEXT_MAX], instead[VALUE_TEXT_MAX];
	const char *text = value_print(&value, buf);

	if (value.kind == VALUE_SHARE) {
		table_text(table, draw_share(&value, buf));
	} else if (column->shown & COLUMN_MOOD) {
		table_state(table, text, listing->mood(row));
	} else if (listing->instead && column == &listing->columns->items[0]) {
		other = columns_find(listing->columns, listing->instead)->read(row);
		table_text_or(table, text, value_print(&other, instead));
	} else {
		table_text(table, text);
	}
}

static void add_row(struct table *table, const struct cli *cli, const struct listing *listing,
		    const void *row)
{
	table_row(table);
	table_mark(table, listing->mood(row));
	for (size_t i = 0; i < listing->columns->count; i++)
		if (is_shown(cli, &listing->columns->items[i]))
			add_cell(table, listing, &listing->columns->items[i], row);
}

static void add_rows(struct table *table, const struct cli *cli, const struct listing *listing,
		     const struct item *items)
{
	bool has_headings = listing->group && is_for_people(cli);
	char text[LISTING_TEXT_MAX];

	for (size_t i = 0; i < listing->count; i++) {
		if (has_headings && (!i || items[i].group != items[i - 1].group)) {
			listing->heading(items[i].row, text);
			table_heading(table, text);
		}
		add_row(table, cli, listing, items[i].row);
	}
}

/* What is bad comes before what is doubtful. */
static size_t print_notes(const struct listing *listing, const struct item *items,
			  enum table_mood mood, size_t said)
{
	char text[LISTING_TEXT_MAX];

	for (size_t i = 0; i < listing->count; i++) {
		if (listing->mood(items[i].row) != mood)
			continue;
		listing->note(items[i].row, text);
		if (!*text)
			continue;
		if (said++ >= NOTES_MAX)
			continue;
		fputs(mood == TABLE_BAD ? "! " : "~ ", stdout);
		say_text(stdout, text);
		putchar('\n');
	}
	return said;
}

static void print_all_notes(const struct listing *listing, const struct item *items)
{
	size_t said = print_notes(listing, items, TABLE_BAD, 0);

	said = print_notes(listing, items, TABLE_DOUBTFUL, said);
	if (said > NOTES_MAX)
		printf("and %zu more: name a Service to see those of it\n", said - NOTES_MAX);
}

static int print_table(const struct cli *cli, const struct listing *listing,
		       const struct item *items)
{
	struct table_column *columns = calloc(listing->columns->count, sizeof(*columns));
	bool for_people = is_for_people(cli);
	struct table *table;
	int status = EXIT_FAILURE;
	size_t count = 0;

	for (size_t i = 0; i < listing->columns->count && columns; i++) {
		const struct column *column = &listing->columns->items[i];

		if (!is_shown(cli, column))
			continue;
		columns[count] = (struct table_column){
			.title = column->title,
			.flags = (column->shown & COLUMN_NUMBER ? TABLE_RIGHT : 0u) |
				 (for_people && !count ? TABLE_MARK : 0u) |
				 TABLE_SHORTEN(column->width),
		};
		count++;
	}
	if (!columns)
		say_error("cannot print the table: out of memory");
	if (!columns || table_new(cli, columns, count, &table))
		goto out;
	if (for_people && topic(cli) == COLUMN_MAIN)
		table_fit(table);
	add_rows(table, cli, listing, items);
	table_print_node(cli, listing->node);
	status = table_print(table);
	table_free(table);
	if (for_people && listing->note)
		print_all_notes(listing, items);
out:
	free(columns);
	return status;
}

int listing_print(const struct cli *cli, const struct listing *listing)
{
	struct item *items = calloc(listing->count + 1, sizeof(*items));
	int status = EXIT_FAILURE;

	if (!items || order(cli, listing, items))
		say_error("cannot list: out of memory");
	else if (cli->output == CLI_OUTPUT_JSON)
		status = print_json(cli, listing, items);
	else
		status = print_table(cli, listing, items);
	free(items);
	return status;
}
