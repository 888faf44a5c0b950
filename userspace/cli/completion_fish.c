// SPDX-License-Identifier: Apache-2.0
/* Completion of fish: a line for each word. */
#include "cli/completion.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cli/completion_words.h"
#include "cli/usage.h"

static void print_fish_value(const struct cli *cli, const struct command *command, const char *text)
{
	enum offer kind = completion_kind(text);

	switch (kind) {
	case OFFER_WORDS:
		printf(" -xa '");
		completion_print_words(text);
		printf("'");
		break;
	case OFFER_DIRECTORY:
		printf(" -xa '(__fish_complete_directories)'");
		break;
	case OFFER_FILE:
		printf(" -rF");
		break;
	case OFFER_COLUMN:
		printf(" -xa '");
		completion_print_columns(command);
		printf("'");
		break;
	case OFFER_COMMAND:
		printf(" -xa '");
		completion_print_names(cli);
		printf("'");
		break;
	case OFFER_NONE:
		fputs(text ? " -x" : "", stdout);
		break;
	default:
		printf(" -xa '(__gwbpf_%s)'", completion_find_list(kind)->name);
	}
}

static void print_fish_text(const char *text)
{
	printf(" -d '");
	completion_print_quoted(text, "\\", "\\'");
	printf("'\n");
}

static void print_fish_command(const struct cli *cli, const struct command *command)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	size_t count, i;

	printf("complete -c gwbpf -n __fish_use_subcommand -a %s", command->name);
	print_fish_text(command->help);
	usage_options(command, options);
	count = completion_count_options(options);
	for (i = 0; i < count; i++) {
		if (!options[i].name)
			continue;
		printf("complete -c gwbpf -n '__fish_seen_subcommand_from %s' -l %s", command->name,
		       options[i].name);
		if (options[i].key < 128)
			printf(" -s %c", options[i].key);
		print_fish_value(cli, command, options[i].arg);
		print_fish_text(options[i].doc);
	}
	if (!command->arguments)
		return;
	printf("complete -c gwbpf -n '__fish_seen_subcommand_from %s'", command->name);
	print_fish_value(cli, command, command->arguments);
	putchar('\n');
}

void completion_print_fish(const struct cli *cli)
{
	size_t i;

	puts("# fish completion of gwbpf");
	for (const struct completion_list *list = completion_lists(); list->name; list++)
		printf("function __gwbpf_%s\n\t%s\nend\n", list->name, list->commands);
	puts("complete -c gwbpf -f");
	for (i = 0; i < cli->command_count; i++)
		print_fish_command(cli, &cli->commands[i]);
}
