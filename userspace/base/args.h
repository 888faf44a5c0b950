/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of a command: glibc's argp with this project's rules. Each long option is also an
 * environment variable ("pin-dir" is GWBPF_PIN_DIR); the command line overrules the environment.
 */
#ifndef GWBPF_BASE_ARGS_H
#define GWBPF_BASE_ARGS_H

#include <stddef.h>

#include <argp.h>

#define ARGS_EXIT_USAGE 2
#define ARGS_OPTIONS_MAX 64
#define ARGS_ARGUMENT 0 /* the key of what is no option */

/*
 * Take one option or argument. value is NULL for an option that takes none. 0; -EINVAL if the value
 * is not what the option asks for; -ENOMEM.
 */
typedef int (*args_set)(int key, const char *value, void *arg);

struct args {
	const char *name;      /* "gwbpf services" */
	const char *help;      /* what it does, in a line */
	const char *arguments; /* "[SERVICE]", or the allowed words: "bash|zsh"; NULL: none */
	unsigned int arguments_min;
	unsigned int arguments_max;
	/* Ended by an empty one. .arg is what follows the option: "DIR", or the words that are
	 * allowed, such as "table|wide|json", or NULL. */
	const struct argp_option *options;
	args_set set;
	void *arg;
	const char *more; /* lines that the help ends with; NULL: none */
};

/* Parse. On wrong usage, and for --help, this writes the message and ends the program. */
void args_parse(const struct args *args, int argc, char **argv);

/* The environment variable of a long option: "GWBPF_PIN_DIR". Returns buf. */
#define ARGS_VARIABLE_MAX 64
const char *args_variable(const char *option, char buf[ARGS_VARIABLE_MAX]);

#endif
