/* SPDX-License-Identifier: Apache-2.0 */
/* What the scripts for the shells have in common: all of it comes from the table of commands. */
#ifndef GWBPF_CLI_COMPLETION_WORDS_H
#define GWBPF_CLI_COMPLETION_WORDS_H

#include <stddef.h>

#include <argp.h>

struct cli;
struct command;

/* What a shell offers for a value, by the text that stands for it in the help. */
enum offer {
	OFFER_NONE,
	OFFER_WORDS,
	OFFER_DIRECTORY,
	OFFER_FILE,
	OFFER_SERVICE,
	OFFER_BACKEND,
	OFFER_NAMESPACE,
	OFFER_POD,
	OFFER_NODE,
	OFFER_ZONE,
	OFFER_COLUMN,
	OFFER_COMMAND,
};

enum offer completion_kind(const char *text); /* NULL: there is no value */

/* The words of "table|wide|json", the names of all commands, and the titles of the columns that a
 * command has, in small letters; with spaces between. */
void completion_print_words(const char *text);
void completion_print_names(const struct cli *cli);
void completion_print_columns(const struct command *command);

/* For use between single quotes: a backslash before what is special, quote in place of one. */
void completion_print_quoted(const char *text, const char *special, const char *quote);

/* How many options there are with the titles of groups, which have no name. */
size_t completion_count_options(const struct argp_option *options);

/* The kinds of things that this node has: what the script's function that lists them is called, and
 * the commands of it, which every shell understands. NULL after the last one. */
struct completion_list {
	enum offer kind;
	const char *name;
	const char *commands;
};

const struct completion_list *completion_lists(void);

/* The one of this kind; NULL: it is not one of them. */
const struct completion_list *completion_find_list(enum offer kind);

#endif
