// SPDX-License-Identifier: Apache-2.0
/* Completion of zsh: _arguments, where brackets and colons have a meaning. */
#include "cli/completion.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cli/completion_words.h"
#include "cli/usage.h"

static void print_zsh_text(const char *text)
{
	completion_print_quoted(text, "[]:\\", "'\\''");
}

static void print_zsh_value(const struct cli *cli, const struct command *command, const char *text)
{
	enum offer kind = completion_kind(text);

	switch (kind) {
	case OFFER_WORDS:
		printf("(");
		completion_print_words(text);
		printf(")");
		break;
	case OFFER_DIRECTORY:
		printf("_directories");
		break;
	case OFFER_FILE:
		printf("_files");
		break;
	case OFFER_COLUMN:
		printf("(");
		completion_print_columns(command);
		printf(")");
		break;
	case OFFER_COMMAND:
		printf("(");
		completion_print_names(cli);
		printf(")");
		break;
	case OFFER_NONE:
		printf(" ");
		break;
	default:
		printf("_gwbpf_%s", completion_find_list(kind)->name);
	}
}

static void print_zsh_option(const struct cli *cli, const struct command *command,
			     const struct argp_option *option)
{
	if (option->key < 128)
		printf(" \\\n\t\t\t'(-%c --%s)'{-%c+,--%s=}", option->key, option->name,
		       option->key, option->name);
	else
		printf(" \\\n\t\t\t'*--%s%s'", option->name, option->arg ? "=" : "");
	printf("'[");
	print_zsh_text(option->doc);
	printf("]");
	if (option->arg) {
		printf(":value:");
		print_zsh_value(cli, command, option->arg);
	}
	printf("'");
}

static void print_zsh_command(const struct cli *cli, const struct command *command)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	size_t count, i;

	usage_options(command, options);
	count = completion_count_options(options);
	printf("\t%s)\n\t\t_arguments '--help[explain the command]'", command->name);
	for (i = 0; i < count; i++)
		if (options[i].name)
			print_zsh_option(cli, command, &options[i]);
	if (command->arguments) {
		printf(" \\\n\t\t\t'%s:argument:", command->arguments_max > 1 ? "*" : "1");
		print_zsh_value(cli, command, command->arguments);
		printf("'");
	}
	printf("\n\t\t;;\n");
}

static void print_zsh_name(const struct command *command)
{
	printf("\t\t'%s:", command->name);
	print_zsh_text(command->help);
	printf("'\n");
}

void completion_print_zsh(const struct cli *cli)
{
	size_t i;

	puts("#compdef gwbpf");
	for (const struct completion_list *list = completion_lists(); list->name; list++)
		printf("_gwbpf_%s()\n{\n\tlocal -a names=(${(f)\"$(%s)\"})\n\tcompadd -a names\n}\n\n",
		       list->name, list->commands);
	puts("_gwbpf()\n"
	     "{\n"
	     "\tlocal -a commands=(");
	for (i = 0; i < cli->command_count; i++)
		print_zsh_name(&cli->commands[i]);
	puts("\t)\n"
	     "\tif ((CURRENT == 2)); then\n"
	     "\t\t_describe command commands\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\tshift words\n"
	     "\t((CURRENT--))\n"
	     "\tcase $words[1] in");
	for (i = 0; i < cli->command_count; i++)
		print_zsh_command(cli, &cli->commands[i]);
	puts("\tesac\n"
	     "}\n"
	     "\n"
	     "# Sourced, or loaded by zsh as the function of this name?\n"
	     "if [ \"$funcstack[1]\" = _gwbpf ]; then\n"
	     "\t_gwbpf \"$@\"\n"
	     "else\n"
	     "\tcompdef _gwbpf gwbpf\n"
	     "fi");
}
