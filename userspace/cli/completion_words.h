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

/* The Services and the backends that there are, whatever the environment asks for otherwise. The shells
 * expand words: let nothing through that they could. */
#define COMPLETION_QUIET(list)                                                                     \
	"env GWBPF_WATCH= GWBPF_SORT= GWBPF_WIDE= gwbpf " list " -o table --no-headers 2>/dev/null |\n"
#define COMPLETION_LIST_SERVICES                                                                   \
	COMPLETION_QUIET("services")                                                               \
	"\t\tawk '{ print $1 \"/\" $2 }' | grep -x '[a-z0-9./-]*' | sort -u"
#define COMPLETION_LIST_BACKENDS                                                                   \
	COMPLETION_QUIET("backends")                                                               \
	"\t\tawk '{ print $4 \"\\n\" $5 }' | grep -x '[][a-z0-9.:-]*[a-z0-9]' | sort -u"

#endif
