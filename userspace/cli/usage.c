// SPDX-License-Identifier: Apache-2.0
/* Options into struct cli, for every command: the keys are the same everywhere. */
#include "cli/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/cli.h"
#include "cli/nearest.h"
#include "cli/say.h"
#include "report/columns.h"

static const struct argp_option common_options[] = {
	{.doc = "Options of every command:", .group = 1},
	{.name = "pin-dir",
	 .key = OPTION_PIN_DIR,
	 .arg = "DIR",
	 .doc = "where programs and maps are pinned (default " CLI_PIN_DIR ")",
	 .group = 1},
	{.name = "control",
	 .key = OPTION_CONTROL,
	 .arg = "PATH",
	 .doc = "the agent's control socket (default " CLI_CONTROL ")",
	 .group = 1},
	{.name = "output",
	 .key = OPTION_OUTPUT,
	 .arg = "table|wide|json|yaml",
	 .doc = "how to print (default table)",
	 .group = 1},
	{.name = "no-headers",
	 .key = OPTION_NO_HEADERS,
	 .doc = "a line for each thing and no others, for scripts",
	 .group = 1},
	{.name = "color",
	 .key = OPTION_COLOR,
	 .arg = "auto|always|never",
	 .doc = "colour states (default auto, on a terminal unless NO_COLOR is set)",
	 .group = 1},
	{0},
};

void usage_options(const struct command *command, struct argp_option ret[ARGS_OPTIONS_MAX])
{
	size_t own = 0;

	for (; command->options && command->options[own].name; own++)
		ret[own] = command->options[own];
	if (command->main)
		ret[own] = (struct argp_option){0};
	else
		memcpy(&ret[own], common_options, sizeof(common_options));
}

const struct argp_option *usage_find_option(const struct argp_option *options, const char *word,
					    bool *has_value)
{
	bool is_long = word[1] == '-';
	size_t length = is_long ? strcspn(word + 2, "=") : 1;

	for (; options->name || options->key || options->doc; options++) {
		if (!options->name)
			continue;
		if (is_long ? strncmp(options->name, word + 2, length) != 0
			    : options->key != word[1])
			continue;
		*has_value = options->arg && !word[is_long ? length + 2 : 2];
		return options;
	}
	return NULL;
}

static void set_output(struct cli *cli, const char *value)
{
	cli->is_yaml = !strcmp(value, "yaml");
	if (cli->is_yaml || !strcmp(value, "json"))
		cli->output = CLI_OUTPUT_JSON;
	else
		cli->output = !strcmp(value, "wide") ? CLI_OUTPUT_WIDE : CLI_OUTPUT_TABLE;
}

static unsigned int topic_from(const char *value)
{
	if (!strcmp(value, "failures"))
		return COLUMN_FAILURES;
	if (!strcmp(value, "traffic"))
		return COLUMN_TRAFFIC;
	return !strcmp(value, "checks") ? COLUMN_CHECKS : COLUMN_ALL;
}

static bool is_color_wanted(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return isatty(STDOUT_FILENO) && terminal && strcmp(terminal, "dumb");
}

static void set_for_file(struct cli *cli, int key, const char *value)
{
	if (key == OPTION_FILE)
		cli->file = value;
	else if (key == OPTION_NAMES)
		cli->names = value;
}

/* What is printed, and how. Returns whether the option is one of these. */
static bool set_printing(struct cli *cli, int key, const char *value)
{
	switch (key) {
	case OPTION_OUTPUT:
		set_output(cli, value);
		return true;
	case OPTION_NO_HEADERS:
		cli->headers = false;
		return true;
	case OPTION_COLOR:
		if (strcmp(value, "auto"))
			cli->color = !strcmp(value, "always");
		return true;
	case OPTION_NAMESPACE:
		/* The environment is read after the command line. */
		if (!cli->all_namespaces)
			cli->namespace = value;
		return true;
	case OPTION_ALL_NAMESPACES:
		cli->all_namespaces = true;
		cli->namespace = NULL;
		return true;
	case OPTION_WATCH:
		cli->is_watching = true;
		return true;
	case OPTION_SORT:
		cli->sort = value;
		return true;
	case OPTION_WIDE:
		cli->topic = topic_from(value);
		return true;
	default:
		return false;
	}
}

static int set(int key, const char *value, void *arg)
{
	struct cli *cli = arg;

	if (set_printing(cli, key, value))
		return 0;
	switch (key) {
	case OPTION_PIN_DIR:
		cli->pin_dir = value;
		break;
	case OPTION_BACKEND:
		cli->backend = value;
		break;
	case OPTION_NO_CLIENTS:
		cli->no_clients = true;
		break;
	case OPTION_CLIENTS:
		cli->clients = true;
		break;
	case OPTION_FROM:
		cli->from = value;
		break;
	case OPTION_CGROUP:
		cli->cgroup = value;
		break;
	case OPTION_NODE_NAME:
		cli->node_name = value;
		break;
	case OPTION_ZONE:
		cli->zone = value;
		break;
	case OPTION_FORCE:
		cli->force = true;
		break;
	case OPTION_STRICT:
		cli->strict = true;
		break;
	case OPTION_CONTROL:
		cli->control = value;
		break;
	case OPTION_DEADLINE:
		return parse_duration_ms(value, &cli->deadline_ms);
	case OPTION_FOR:
		return parse_duration_ms(value, &cli->for_ms);
	case OPTION_DRY_RUN:
		cli->is_dry = true;
		break;
	case OPTION_MANIFESTS:
		cli->manifests[cli->manifest_count++] = value;
		break;
	case ARGS_ARGUMENT:
		cli->arguments[cli->argument_count++] = value;
		break;
	default:
		set_for_file(cli, key, value);
	}
	return 0;
}

/* Ends the program if there is no such column. */
static void check_sort(const struct command *command, const char *title)
{
	struct nearest nearest;
	size_t i;

	if (!title || columns_find(command->columns, title))
		return;
	nearest_begin(&nearest, title);
	for (i = 0; i < command->columns->count; i++)
		if (command->columns->items[i].title)
			nearest_offer(&nearest, command->columns->items[i].title);
	say_error("cannot sort by '%s': there is no such column%s%s%s", title,
		  nearest.found ? ": did you mean '" : "", nearest.found ? nearest.found : "",
		  nearest.found ? "'?" : "");
	fprintf(stderr, "Try `gwbpf help %s', which lists them.\n", command->name);
	exit(ARGS_EXIT_USAGE);
}

/* "Columns:", and a line for each. */
static void describe_columns(const struct columns *columns, char *buf, size_t size)
{
	size_t length = (size_t)snprintf(buf, size, "Columns:");

	for (size_t i = 0; i < columns->count && length < size; i++) {
		const struct column *column = &columns->items[i];

		if (column->title)
			length += (size_t)snprintf(buf + length, size - length, "\n  %-16s %s",
						   column->title, column->help);
	}
}

int usage_parse(struct cli *cli, const struct command *command, int argc, char **argv)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	char name[64], described[4096];
	struct args args = {
		.name = name,
		.help = command->help,
		.arguments = command->arguments,
		.arguments_min = command->arguments_min,
		.arguments_max = command->arguments_max,
		.options = options,
		.set = set,
		.arg = cli,
	};

	/* No more than argc of each, and one from the environment. */
	cli->manifests = calloc((size_t)argc + 1, sizeof(*cli->manifests));
	cli->arguments = calloc((size_t)argc + 1, sizeof(*cli->arguments));
	if (!cli->manifests || !cli->arguments)
		return -ENOMEM;
	cli->pin_dir = CLI_PIN_DIR;
	cli->control = CLI_CONTROL;
	cli->headers = true;
	cli->color = is_color_wanted();
	snprintf(name, sizeof(name), "gwbpf %s", command->name);
	usage_options(command, options);
	if (command->columns) {
		describe_columns(command->columns, described, sizeof(described));
		args.more = described;
	}
	args_parse(&args, argc, argv);
	check_sort(command, cli->sort);
	return 0;
}

void usage_done(struct cli *cli)
{
	free(cli->manifests);
	free(cli->arguments);
}
