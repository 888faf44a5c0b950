/* SPDX-License-Identifier: Apache-2.0 */
/* What the scripts for the shells have in common: all of it comes from the table of commands. */
#ifndef GWBPF_CLI_COMPLETION_WORDS_H
#define GWBPF_CLI_COMPLETION_WORDS_H

#include <stddef.h>

#include <argp.h>

struct cli;

/* What a shell offers for a value, by the text that stands for it in the help. */
enum value_kind {
	VALUE_NONE,
	VALUE_WORDS,
	VALUE_DIRECTORY,
	VALUE_FILE,
	VALUE_SERVICE,
	VALUE_COMMAND,
};

enum value_kind completion_kind(const char *text); /* NULL: there is no value */

/* The words of "table|wide|json", and the names of all commands, with spaces between. */
void completion_print_words(const char *text);
void completion_print_names(const struct cli *cli);

/* For use between single quotes: a backslash before what is special, quote in place of one. */
void completion_print_quoted(const char *text, const char *special, const char *quote);

/* How many options there are with the titles of groups, which have no name. */
size_t completion_count_options(const struct argp_option *options);

/* The Services that there are. The shells expand words: let nothing through that they could. */
#define COMPLETION_LIST_SERVICES                                                                   \
	"gwbpf services -o table --no-headers 2>/dev/null |\n"                                     \
	"\t\tawk '{ print $1 \"/\" $2 }' | grep -x '[a-z0-9./-]*' | sort -u"

#endif
