// SPDX-License-Identifier: Apache-2.0
/* `gwbpf completion`: scripts for shells, made from the table of commands. */
#include "cli/completion.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/commands.h"

int completion_run(const struct cli *cli)
{
	static const struct {
		const char *name;
		void (*print)(const struct cli *cli);
	} shells[] = {
		{"bash", completion_print_bash},
		{"zsh", completion_print_zsh},
		{"fish", completion_print_fish},
	};
	size_t i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (!strcmp(shells[i].name, cli->arguments[0]))
			shells[i].print(cli);
	return EXIT_SUCCESS;
}
