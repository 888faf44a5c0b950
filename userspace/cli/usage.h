/* SPDX-License-Identifier: Apache-2.0 */
/* The options of the commands: their keys, and how they get into struct cli. */
#ifndef GWBPF_CLI_USAGE_H
#define GWBPF_CLI_USAGE_H

#include <argp.h>

#include "base/args.h"

struct cli;
struct command;

enum option_key {
	OPTION_OUTPUT = 'o',
	OPTION_PIN_DIR = 256,
	OPTION_NO_HEADERS,
	OPTION_COLOR,
	OPTION_BACKEND,
	OPTION_CGROUP,
	OPTION_NODE_NAME,
	OPTION_ZONE,
	OPTION_FORCE,
	OPTION_MANIFESTS,
};

/* A command's own options and those of every command, ended by an empty one. A command that reads
 * its options itself has only its own. */
void usage_options(const struct command *command, struct argp_option ret[ARGS_OPTIONS_MAX]);

/* Fill cli from the command line and the environment; ends the program on wrong usage. -ENOMEM.
 * usage_done() frees what it holds. */
int usage_parse(struct cli *cli, const struct command *command, int argc, char **argv);
void usage_done(struct cli *cli);

#endif
