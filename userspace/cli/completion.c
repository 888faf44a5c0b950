// SPDX-License-Identifier: Apache-2.0
/* `gwbpf completion`: scripts for shells, made from the table of commands. */
#include "cli/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/options.h"

/* What a shell offers for a value, by the text that stands for it in the help. */
enum value_kind {
	VALUE_NONE,
	VALUE_WORDS,
	VALUE_DIRECTORY,
	VALUE_FILE,
	VALUE_SERVICE,
	VALUE_COMMAND,
};

static enum value_kind value_kind(const char *text)
{
	static const struct {
		const char *part;
		enum value_kind kind;
	} kinds[] = {
		{ "|", VALUE_WORDS },	     { "DIR", VALUE_DIRECTORY },
		{ "PATH", VALUE_FILE },	     { "SERVICE", VALUE_SERVICE },
		{ "COMMAND", VALUE_COMMAND },
	};
	size_t i;

	for (i = 0; text && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strstr(text, kinds[i].part))
			return kinds[i].kind;
	return VALUE_NONE;
}

static void print_words(const char *text)
{
	for (; *text; text++)
		putchar(*text == '|' ? ' ' : *text);
}

static void print_names(const struct cli *cli)
{
	size_t i;

	for (i = 0; i < cli->command_count; i++)
		printf("%s%s", i ? " " : "", cli->commands[i].name);
}

/* An option, and not the title of a group of them. The last one is empty too. */
static bool is_option(const struct argp_option *option)
{
	return option->name;
}

static size_t count_options(const struct argp_option *options)
{
	size_t count = 0;

	while (options[count].name || options[count].doc)
		count++;
	return count;
}

/* bash: words of the line, without the package bash-completion. */

static void print_bash_value(const struct cli *cli, const char *text)
{
	switch (value_kind(text)) {
	case VALUE_WORDS:
		printf("_gwbpf_words '");
		print_words(text);
		printf("'");
		break;
	case VALUE_DIRECTORY:
		printf("_gwbpf_files -d");
		break;
	case VALUE_FILE:
		printf("_gwbpf_files -f");
		break;
	case VALUE_SERVICE:
		printf("_gwbpf_words \"$(_gwbpf_services)\"");
		break;
	case VALUE_COMMAND:
		printf("_gwbpf_words '");
		print_names(cli);
		printf("'");
		break;
	case VALUE_NONE:
		printf(":");
		break;
	}
}

static void print_bash_option(const struct cli *cli, const struct argp_option *option)
{
	printf("\t\t--%s", option->name);
	if (option->key < 128)
		printf(" | -%c", option->key);
	printf(") ");
	print_bash_value(cli, option->arg);
	printf("; return ;;\n");
}

static void print_bash_command(const struct cli *cli, const struct command *command)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	size_t count, i;

	options_list(command, options);
	count = count_options(options);
	printf("\t%s)\n\t\tcase $prev in\n", command->name);
	for (i = 0; i < count; i++)
		if (is_option(&options[i]) && options[i].arg)
			print_bash_option(cli, &options[i]);
	printf("\t\tesac\n\t\tcase $cur in\n\t\t-*) _gwbpf_words '--help");
	for (i = 0; i < count; i++)
		if (is_option(&options[i]))
			printf(" --%s", options[i].name);
	printf("' ;;\n\t\t*) ");
	print_bash_value(cli, command->arguments);
	printf(" ;;\n\t\tesac\n\t\t;;\n");
}

static void print_bash(const struct cli *cli)
{
	size_t i;

	puts("# bash completion of gwbpf\n"
	     "_gwbpf_services()\n"
	     "{\n"
	     "\tgwbpf services -o table --no-headers 2>/dev/null | awk '{ print $1 \"/\" $2 }'\n"
	     "}\n"
	     "\n"
	     "_gwbpf_words()\n"
	     "{\n"
	     "\tCOMPREPLY=($(compgen -W \"$1\" -- \"$cur\"))\n"
	     "}\n"
	     "\n"
	     "_gwbpf_files()\n"
	     "{\n"
	     "\tcompopt -o filenames 2>/dev/null\n"
	     "\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
	     "}\n"
	     "\n"
	     "_gwbpf()\n"
	     "{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\n"
	     "\t# bash takes --output=json apart.\n"
	     "\tif [ \"$cur\" = = ]; then\n"
	     "\t\tcur=\n"
	     "\telif [ \"$prev\" = = ]; then\n"
	     "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	     "\tfi\n"
	     "\tCOMPREPLY=()\n"
	     "\tif [ \"$COMP_CWORD\" -eq 1 ]; then");
	printf("\t\t_gwbpf_words '");
	print_names(cli);
	puts("'\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in");
	for (i = 0; i < cli->command_count; i++)
		print_bash_command(cli, &cli->commands[i]);
	puts("\tesac\n}\n\ncomplete -F _gwbpf gwbpf");
}

/* zsh: _arguments. Texts hold no quotes, colons or brackets (cli.h). */

static void print_zsh_value(const struct cli *cli, const char *text)
{
	switch (value_kind(text)) {
	case VALUE_WORDS:
		printf("(");
		print_words(text);
		printf(")");
		break;
	case VALUE_DIRECTORY:
		printf("_directories");
		break;
	case VALUE_FILE:
		printf("_files");
		break;
	case VALUE_SERVICE:
		printf("_gwbpf_services");
		break;
	case VALUE_COMMAND:
		printf("(");
		print_names(cli);
		printf(")");
		break;
	case VALUE_NONE:
		printf(" ");
		break;
	}
}

static void print_zsh_option(const struct cli *cli, const struct argp_option *option)
{
	if (option->key < 128)
		printf(" \\\n\t\t\t'(-%c --%s)'{-%c+,--%s=}", option->key, option->name,
		       option->key, option->name);
	else
		printf(" \\\n\t\t\t'*--%s%s'", option->name, option->arg ? "=" : "");
	printf("'[%s]", option->doc);
	if (option->arg) {
		printf(":value:");
		print_zsh_value(cli, option->arg);
	}
	printf("'");
}

static void print_zsh_command(const struct cli *cli, const struct command *command)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	size_t count, i;

	options_list(command, options);
	count = count_options(options);
	printf("\t%s)\n\t\t_arguments '--help[explain the command]'", command->name);
	for (i = 0; i < count; i++)
		if (is_option(&options[i]))
			print_zsh_option(cli, &options[i]);
	if (command->arguments) {
		printf(" \\\n\t\t\t'%s:argument:", command->arguments_max > 1 ? "*" : "1");
		print_zsh_value(cli, command->arguments);
		printf("'");
	}
	printf("\n\t\t;;\n");
}

static void print_zsh(const struct cli *cli)
{
	size_t i;

	puts("#compdef gwbpf\n"
	     "_gwbpf_services()\n"
	     "{\n"
	     "\tlocal -a names=(${(f)\"$(gwbpf services -o table --no-headers 2>/dev/null |\n"
	     "\t\tawk '{ print $1 \"/\" $2 }')\"})\n"
	     "\tcompadd -a names\n"
	     "}\n"
	     "\n"
	     "_gwbpf()\n"
	     "{\n"
	     "\tlocal -a commands=(");
	for (i = 0; i < cli->command_count; i++)
		printf("\t\t'%s:%s'\n", cli->commands[i].name, cli->commands[i].help);
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
	puts("\tesac\n}\n\ncompdef _gwbpf gwbpf");
}

/* fish: a line for each word. */

static void print_fish_value(const struct cli *cli, const char *text)
{
	switch (value_kind(text)) {
	case VALUE_WORDS:
		printf(" -xa '");
		print_words(text);
		printf("'");
		break;
	case VALUE_DIRECTORY:
		printf(" -xa '(__fish_complete_directories)'");
		break;
	case VALUE_FILE:
		printf(" -rF");
		break;
	case VALUE_SERVICE:
		printf(" -xa '(__gwbpf_services)'");
		break;
	case VALUE_COMMAND:
		printf(" -xa '");
		print_names(cli);
		printf("'");
		break;
	case VALUE_NONE:
		fputs(text ? " -x" : "", stdout);
		break;
	}
}

static void print_fish_command(const struct cli *cli, const struct command *command)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	size_t count, i;

	printf("complete -c gwbpf -n __fish_use_subcommand -a %s -d '%s'\n", command->name,
	       command->help);
	options_list(command, options);
	count = count_options(options);
	for (i = 0; i < count; i++) {
		if (!is_option(&options[i]))
			continue;
		printf("complete -c gwbpf -n '__fish_seen_subcommand_from %s' -l %s", command->name,
		       options[i].name);
		if (options[i].key < 128)
			printf(" -s %c", options[i].key);
		print_fish_value(cli, options[i].arg);
		printf(" -d '%s'\n", options[i].doc);
	}
	if (!command->arguments)
		return;
	printf("complete -c gwbpf -n '__fish_seen_subcommand_from %s'", command->name);
	print_fish_value(cli, command->arguments);
	putchar('\n');
}

static void print_fish(const struct cli *cli)
{
	size_t i;

	puts("# fish completion of gwbpf\n"
	     "function __gwbpf_services\n"
	     "\tgwbpf services -o table --no-headers 2>/dev/null | awk '{ print $1 \"/\" $2 }'\n"
	     "end\n"
	     "complete -c gwbpf -f");
	for (i = 0; i < cli->command_count; i++)
		print_fish_command(cli, &cli->commands[i]);
}

int completion_run(const struct cli *cli)
{
	static const struct {
		const char *name;
		void (*print)(const struct cli *cli);
	} shells[] = {
		{ "bash", print_bash },
		{ "zsh", print_zsh },
		{ "fish", print_fish },
	};
	size_t i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (!strcmp(shells[i].name, cli->arguments[0]))
			shells[i].print(cli);
	return EXIT_SUCCESS;
}
