// SPDX-License-Identifier: Apache-2.0
/* From argv to the command that runs. */
#include "cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "cli/usage.h"
#include "cli/say.h"
#include "cli/watch.h"

const struct command *cli_find_command(const struct cli *cli, const char *name)
{
	size_t i;

	for (i = 0; i < cli->command_count; i++)
		if (!strcmp(cli->commands[i].name, name))
			return &cli->commands[i];
	return NULL;
}

const struct command *cli_nearest_command(const struct cli *cli, const char *word)
{
	struct nearest nearest;
	size_t i;

	nearest_begin(&nearest, word);
	for (i = 0; i < cli->command_count; i++)
		nearest_offer(&nearest, cli->commands[i].name);
	return nearest.found ? cli_find_command(cli, nearest.found) : NULL;
}

/* What was printed may not have arrived: a full disk shows at the end. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	say_error("cannot write to standard output: %s", strerror(errno));
	return EXIT_FAILURE;
}

static int run(struct cli *cli, const struct command *command, int argc, char **argv)
{
	int status = EXIT_FAILURE;

	if (command->main)
		return command->main(argc, argv);
	if (usage_parse(cli, command, argc, argv))
		say_error("cannot read the options: out of memory");
	else if (cli->is_watching)
		status = watch_run(cli, command);
	else
		status = finish(command->run(cli));
	usage_done(cli);
	return status;
}

static int refuse(const struct cli *cli, const char *word)
{
	const struct command *nearest = cli_nearest_command(cli, word);

	if (!*word)
		say_error("no command is given");
	else if (nearest)
		say_error("there is no command '%s': did you mean '%s'?", word, nearest->name);
	else
		say_error("there is no command '%s'", word);
	fputs("Try `gwbpf help'.\n", stderr);
	return ARGS_EXIT_USAGE;
}

/* Whether the value of the option in this word is the next word, by any command's options. */
static bool takes_next_word(const struct cli *cli, const char *word)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	bool has_value = false;
	size_t i;

	for (i = 0; i < cli->command_count; i++) {
		usage_options(&cli->commands[i], options);
		if (usage_find_option(options, word, &has_value))
			return has_value;
	}
	return false;
}

/* Options may stand before the command: it is moved to the front. */
static void put_command_first(const struct cli *cli, int argc, char **argv)
{
	char *command;
	int at = 1;

	while (at < argc && argv[at][0] == '-' && argv[at][1])
		at += takes_next_word(cli, argv[at]) ? 2 : 1;
	if (at >= argc)
		return;
	command = argv[at];
	memmove(&argv[2], &argv[1], (size_t)(at - 1) * sizeof(*argv));
	argv[1] = command;
}

int cli_main(const struct command *commands, size_t count, int argc, char **argv)
{
	struct cli cli = {.commands = commands, .command_count = count};
	const struct command *command;
	const char *name;

	/* What is shown may hold any letters; numbers keep their form, which JSON needs. */
	setlocale(LC_CTYPE, "");
	name = argc > 1 ? argv[1] : "";
	if (!strcmp(name, "--help") || !strcmp(name, "-h")) {
		name = "help";
	} else if (!strcmp(name, "--version")) {
		name = "version";
	} else {
		put_command_first(&cli, argc, argv);
		name = argc > 1 && argv[1][0] != '-' ? argv[1] : "";
	}
	command = cli_find_command(&cli, name);
	if (!command)
		return refuse(&cli, name);
	return run(&cli, command, argc - 1, argv + 1);
}
