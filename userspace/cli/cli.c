// SPDX-License-Identifier: Apache-2.0
/* From argv to the command that runs. */
#include "cli/cli.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/usage.h"
#include "cli/say.h"

const struct command *cli_find_command(const struct cli *cli, const char *name)
{
	size_t i;

	for (i = 0; i < cli->command_count; i++)
		if (!strcmp(cli->commands[i].name, name))
			return &cli->commands[i];
	return NULL;
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
	else
		status = finish(command->run(cli));
	usage_done(cli);
	return status;
}

static int refuse(const char *what, const char *word)
{
	if (*word)
		say_error("%s '%s'", what, word);
	else
		say_error("no command is given");
	fputs("Try `gwbpf help'.\n", stderr);
	return ARGS_EXIT_USAGE;
}

int cli_main(const struct command *commands, size_t count, int argc, char **argv)
{
	struct cli cli = { .commands = commands, .command_count = count };
	const struct command *command;
	const char *name = argc > 1 ? argv[1] : "";

	/* What is shown may hold any letters; numbers keep their form, which JSON needs. */
	setlocale(LC_CTYPE, "");
	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		name = "help";
	else if (!strcmp(name, "--version"))
		name = "version";
	command = cli_find_command(&cli, name);
	if (!command && *name == '-')
		return refuse("give the command first, then options such as", name);
	if (!command)
		return refuse("there is no command", name);
	return run(&cli, command, argc - 1, argv + 1);
}
