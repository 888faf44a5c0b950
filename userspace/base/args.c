// SPDX-License-Identifier: Apache-2.0
/* Options from the command line and the environment. Knows of no option itself. */
#include "base/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char footer[] =
	"\vEach option can also be given in the environment: --pin-dir as GWBPF_PIN_DIR.\n"
	"Exit status: 0 yes, 1 no or failed, 2 wrong usage.";

struct parse {
	const struct args *args;
	bool seen[ARGS_OPTIONS_MAX]; /* on the command line, by the option's place in the table */
};

const char *args_variable(const char *option, char buf[ARGS_VARIABLE_MAX])
{
	size_t i;

	snprintf(buf, ARGS_VARIABLE_MAX, "GWBPF_%s", option);
	for (i = 0; buf[i]; i++)
		buf[i] = buf[i] == '-' ? '_' : (char)toupper((unsigned char)buf[i]);
	return buf;
}

static bool is_last(const struct argp_option *option)
{
	return !option->name && !option->key && !option->doc;
}

/* Is value one of words ("table|wide|json")? */
static bool is_among(const char *value, const char *words)
{
	size_t length = strlen(value);
	const char *word = words;

	for (;;) {
		size_t end = strcspn(word, "|");

		if (end == length && !memcmp(word, value, end))
			return true;
		if (!word[end])
			return false;
		word += end + 1;
	}
}

/* A word that stands for a form says little to whoever has just got it wrong. */
static const char *form_of(const char *arg)
{
	static const struct {
		const char *arg;
		const char *form;
	} forms[] = {
		{"DURATION", "a duration, such as 250ms, 10s or 5m"},
		{"ADDR:PORT",
		 "ADDR:PORT, such as 127.0.0.1:9451 (--listen: on loopback alone), or off"},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(forms[i].arg, arg))
			return forms[i].form;
	return arg;
}

/* origin: the option or the variable, as the message shall name it. */
static void set_option(struct argp_state *state, const struct argp_option *option,
		       const char *origin, const char *value)
{
	const struct parse *parse = state->input;
	int err = 0;

	if (option->arg && strchr(option->arg, '|') && !is_among(value, option->arg))
		err = -EINVAL;
	if (!err)
		err = parse->args->set(option->key, value, parse->args->arg);
	if (err == -EINVAL)
		argp_error(state, "%s cannot be '%s': it takes %s", origin, value,
			   form_of(option->arg));
	else if (err)
		argp_failure(state, EXIT_FAILURE, -err, "%s", origin);
}

/* An option without a value is "true" or "false" in the environment. */
static void set_flag(struct argp_state *state, const struct argp_option *option,
		     const char *variable, const char *value)
{
	if (!is_among(value, "true|false"))
		argp_error(state, "%s cannot be '%s': it takes true|false", variable, value);
	if (!strcmp(value, "true"))
		set_option(state, option, variable, NULL);
}

static void set_from_environment(struct argp_state *state)
{
	const struct parse *parse = state->input;
	const struct argp_option *options = parse->args->options;
	char variable[ARGS_VARIABLE_MAX];
	const char *value;
	size_t i;

	for (i = 0; !is_last(&options[i]); i++) {
		if (!options[i].name || parse->seen[i])
			continue;
		value = getenv(args_variable(options[i].name, variable));
		if (!value || !*value)
			continue;
		if (options[i].arg)
			set_option(state, &options[i], variable, value);
		else
			set_flag(state, &options[i], variable, value);
	}
}

static void set_argument(struct argp_state *state, const char *value)
{
	const struct args *args = ((const struct parse *)state->input)->args;
	int err = 0;

	if (state->arg_num >= args->arguments_max)
		argp_error(state, "unexpected argument '%s'", value);
	if (strchr(args->arguments, '|') && !is_among(value, args->arguments))
		err = -EINVAL;
	if (!err)
		err = args->set(ARGS_ARGUMENT, value, args->arg);
	if (err == -EINVAL)
		argp_error(state, "argument '%s' is not %s", value, args->arguments);
	else if (err)
		argp_failure(state, EXIT_FAILURE, -err, "'%s'", value);
}

static error_t set_key(struct argp_state *state, int key, const char *value)
{
	struct parse *parse = state->input;
	const struct argp_option *options = parse->args->options;
	char origin[ARGS_VARIABLE_MAX];
	size_t i;

	for (i = 0; !is_last(&options[i]); i++) {
		if (!options[i].name || options[i].key != key)
			continue;
		parse->seen[i] = true;
		snprintf(origin, sizeof(origin), "--%s", options[i].name);
		set_option(state, &options[i], origin, value);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t on_key(int key, char *value, struct argp_state *state)
{
	const struct parse *parse = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		set_argument(state, value);
		return 0;
	case ARGP_KEY_END:
		if (state->arg_num < parse->args->arguments_min)
			argp_error(state, "missing argument: %s", parse->args->arguments);
		set_from_environment(state);
		return 0;
	default:
		return set_key(state, key, value);
	}
}

void args_parse(const struct args *args, int argc, char **argv)
{
	struct parse parse = {.args = args};
	char doc[8192];
	struct argp argp = {
		.options = args->options,
		.parser = on_key,
		.args_doc = args->arguments,
		.doc = doc,
	};
	char *name = argv[0];

	snprintf(doc, sizeof(doc), "%s%s%s%s", args->help, footer, args->more ? "\n\n" : "",
		 args->more ? args->more : "");
	argp_err_exit_status = ARGS_EXIT_USAGE;
	setenv("ARGP_HELP_FMT", "no-dup-args-note,opt-doc-col=42,rmargin=99", 0);
	/* argp names the program by the first word, in usage and in errors. */
	argv[0] = (char *)args->name;
	argp_parse(&argp, argc, argv, 0, NULL, &parse);
	argv[0] = name;
}
