/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: a table of commands, and what every command is given. It reads the pins and
 * manifests; it does not know the agent.
 */
#ifndef GWBPF_CLI_CLI_H
#define GWBPF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <argp.h>

#define CLI_PIN_DIR "/sys/fs/bpf/gwbpf"
#define CLI_CONTROL "/run/gwbpf/control.sock"

enum cli_output {
	CLI_OUTPUT_TABLE,
	CLI_OUTPUT_WIDE,
	CLI_OUTPUT_JSON, /* or YAML */
};

struct columns;
struct command;

struct cli {
	const struct command *commands;
	size_t command_count;

	/* Of every command. */
	const char *pin_dir;
	enum cli_output output;
	bool is_yaml;
	bool headers;
	bool color;

	/* Of some; NULL and 0: not given. */
	bool is_watching;
	unsigned int topic; /* of --wide: an enum column_shown */
	const char *sort;   /* title of a column of the command */
	const char *namespace;
	bool all_namespaces; /* whatever namespace is given besides */
	const char *backend;
	const char *from;
	const char *cgroup;
	const char *node_name;
	const char *zone;
	bool force;
	bool strict;
	const char *control;
	const char *file;
	const char *names;
	bool is_dry;
	bool clients;
	bool no_clients;
	uint32_t deadline_ms; /* 0: none */
	uint32_t for_ms;      /* 0: until it is interrupted */
	const char **manifests;
	size_t manifest_count;
	const char **arguments;
	size_t argument_count;
};

/* arguments is "[SERVICE]", "[COMMAND]", "[PATH...]", or the allowed words: "bash|zsh|fish". */
struct command {
	const char *name;
	const char *help; /* a line */
	const char *arguments;
	unsigned int arguments_min;
	unsigned int arguments_max;
	/* Beside those of every command; all there are of one that reads its options itself. */
	const struct argp_option *options;
	const struct columns *columns;     /* of what it lists; NULL: it lists nothing */
	int (*run)(const struct cli *cli); /* returns the exit status */
	/* In place of run: a command that reads its options itself. argv[0] is its name. */
	int (*main)(int argc, char **argv);
};

/* Find the command that argv names and run it. Returns the exit status. */
int cli_main(const struct command *commands, size_t count, int argc, char **argv);

const struct command *cli_find_command(const struct cli *cli, const char *name);

/* The command whose name is most like this word; NULL: none is. */
const struct command *cli_nearest_command(const struct cli *cli, const char *word);

#endif
