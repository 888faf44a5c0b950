/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the commands: their keys, and how they get into struct cli. */
#ifndef GWBPF_CLI_USAGE_H
#define GWBPF_CLI_USAGE_H

#include <stdbool.h>

#include <argp.h>

#include "base/args.h"

struct cli;
struct command;

enum option_key {
	OPTION_ALL_NAMESPACES = 'A',
	OPTION_NAMESPACE = 'n',
	OPTION_OUTPUT = 'o',
	OPTION_WATCH = 'w',
	OPTION_PIN_DIR = 256,
	OPTION_NO_HEADERS,
	OPTION_COLOR,
	OPTION_BACKEND,
	OPTION_CGROUP,
	OPTION_NODE_NAME,
	OPTION_ZONE,
	OPTION_FORCE,
	OPTION_STRICT,
	OPTION_MANIFESTS,
	OPTION_CONTROL,
	OPTION_DEADLINE,
	OPTION_DRY_RUN,
	OPTION_SORT,
	OPTION_WIDE,
	OPTION_FROM,
	OPTION_FOR,
	OPTION_FILE,
	OPTION_NAMES,
	OPTION_CLIENTS,
	OPTION_NO_CLIENTS,
};

/* For tables of options: which Services are meant. */
#define USAGE_NAMESPACE_OPTIONS                                                                    \
	{.name = "namespace",                                                                      \
	 .key = OPTION_NAMESPACE,                                                                  \
	 .arg = "NAMESPACE",                                                                       \
	 .doc = "only what belongs to Services of this namespace"},                                \
	{                                                                                          \
		.name = "all-namespaces", .key = OPTION_ALL_NAMESPACES,                            \
		.doc = "of every namespace (the default)"                                          \
	}

/* Of each command that reads. */
#define USAGE_WATCH_OPTION                                                                         \
	{                                                                                          \
		.name = "watch", .key = OPTION_WATCH,                                              \
		.doc = "print again every second, until Ctrl-C"                                    \
	}

/* Of each that lists. */
#define USAGE_SORT_OPTION                                                                          \
	{                                                                                          \
		.name = "sort", .key = OPTION_SORT, .arg = "COLUMN",                               \
		.doc = "order by this column: the largest number first, names by the alphabet"     \
	}

/* A command's own options and those of every command, ended by an empty one. A command that reads
 * its options itself has only its own. */
void usage_options(const struct command *command, struct argp_option ret[ARGS_OPTIONS_MAX]);

/* The option that this word of a command line gives, "--pin-dir=DIR" or "-o", its name cut short
 * or not; NULL: there is none of that name. has_value: whether its value is the next word. */
const struct argp_option *usage_find_option(const struct argp_option *options, const char *word,
					    bool *has_value);

/* Fill cli from the command line and the environment; ends the program on wrong usage. -ENOMEM.
 * usage_done() frees what it holds. */
int usage_parse(struct cli *cli, const struct command *command, int argc, char **argv);
void usage_done(struct cli *cli);

#endif
