// SPDX-License-Identifier: Apache-2.0
/* `gwbpf help`: the table of commands, for people. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/usage.h"
#include "cli/say.h"

static int explain(const struct cli *cli, const char *name)
{
	const struct command *command = cli_find_command(cli, name);
	char *argv[] = {(char *)name, (char *)"--help", NULL};
	struct cli other = *cli;

	if (!command) {
		const struct command *nearest = cli_nearest_command(cli, name);

		say_error("there is no command '%s': %s%s%s", name,
			  nearest ? "did you mean '" : "'gwbpf help' lists them",
			  nearest ? nearest->name : "", nearest ? "'?" : "");
		return ARGS_EXIT_USAGE;
	}
	if (command->main)
		return command->main(2, argv);
	/* Ends the program after --help. */
	return usage_parse(&other, command, 2, argv) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int help_run(const struct cli *cli)
{
	size_t i;

	if (cli->argument_count)
		return explain(cli, cli->arguments[0]);
	puts("Usage: gwbpf [OPTION...] COMMAND [OPTION...]\n"
	     "Spread the connections to a Kubernetes Service over its endpoints, in the kernel.\n");
	for (i = 0; i < cli->command_count; i++) {
		const struct command *command = &cli->commands[i];
		const char *arguments = command->arguments ? command->arguments : "";

		printf("  %-11s %-14s %s\n", command->name, arguments, command->help);
	}
	puts("\n'gwbpf help COMMAND' explains one; gwbpf(8) explains all.\n"
	     "Exit status: 0 yes, 1 no or failed, 2 wrong usage.");
	return EXIT_SUCCESS;
}
