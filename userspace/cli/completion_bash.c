// SPDX-License-Identifier: Apache-2.0
/* Completion of bash: words of the line, without the package bash-completion. */
#include "cli/completion.h"

#include <stdio.h>

#include "cli/cli.h"
#include "cli/completion_words.h"
#include "cli/usage.h"

static void print_bash_value(const struct cli *cli, const struct command *command, const char *text)
{
	enum offer kind = completion_kind(text);

	switch (kind) {
	case OFFER_WORDS:
		printf("_gwbpf_words '");
		completion_print_words(text);
		printf("'");
		break;
	case OFFER_DIRECTORY:
		printf("_gwbpf_files -d");
		break;
	case OFFER_FILE:
		printf("_gwbpf_files -f");
		break;
	case OFFER_COLUMN:
		printf("_gwbpf_words '");
		completion_print_columns(command);
		printf("'");
		break;
	case OFFER_COMMAND:
		printf("_gwbpf_words '");
		completion_print_names(cli);
		printf("'");
		break;
	case OFFER_NONE:
		printf(":");
		break;
	default:
		printf("_gwbpf_words \"$(_gwbpf_%s)\"", completion_find_list(kind)->name);
	}
}

static void print_bash_option(const struct cli *cli, const struct command *command,
			      const struct argp_option *option)
{
	printf("\t\t--%s", option->name);
	if (option->key < 128)
		printf(" | -%c", option->key);
	printf(") ");
	print_bash_value(cli, command, option->arg);
	printf("; return ;;\n");
}

static void print_bash_command(const struct cli *cli, const struct command *command)
{
	struct argp_option options[ARGS_OPTIONS_MAX];
	size_t count, i;

	usage_options(command, options);
	count = completion_count_options(options);
	printf("\t%s)\n\t\tcase $prev in\n", command->name);
	for (i = 0; i < count; i++)
		if (options[i].name && options[i].arg)
			print_bash_option(cli, command, &options[i]);
	printf("\t\tesac\n\t\tcase $cur in\n\t\t-*) _gwbpf_words '--help");
	for (i = 0; i < count; i++)
		if (options[i].name)
			printf(" --%s", options[i].name);
	printf("' ;;\n\t\t*) ");
	print_bash_value(cli, command, command->arguments);
	printf(" ;;\n\t\tesac\n\t\t;;\n");
}

static const char helpers[] =
	"# bash takes a word apart at colons: it gets what comes after the last one.\n"
	"_gwbpf_words()\n"
	"{\n"
	"\tCOMPREPLY=($(compgen -W \"$1\" -- \"$cur\"))\n"
	"\t[[ $COMP_WORDBREAKS != *:* ]] || COMPREPLY=(\"${COMPREPLY[@]#\"${cur%\"${cur##*:}\"}\"}\")\n"
	"}\n"
	"\n"
	"_gwbpf_files()\n"
	"{\n"
	"\tcompopt -o filenames 2>/dev/null\n"
	"\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
	"}\n"
	"\n";

static const char begin[] =
	"_gwbpf()\n"
	"{\n"
	"\tlocal i=$COMP_CWORD cur=${COMP_WORDS[COMP_CWORD]} prev command= word\n"
	"\n"
	"\twhile ((i > 1)) && [ -z \"${COMP_WORDS[i]//:/}\" ] && [ -n \"${COMP_WORDS[i]}\" ] ||\n"
	"\t\t{ ((i > 1)) && [[ ${COMP_WORDS[i - 1]} == *: ]]; }; do\n"
	"\t\ti=$((i - 1))\n"
	"\t\tcur=${COMP_WORDS[i]}$cur\n"
	"\tdone\n"
	"\tprev=${COMP_WORDS[i - 1]}\n"
	"\t# bash takes --output=json apart.\n"
	"\tif [ \"$cur\" = = ]; then\n"
	"\t\tcur=\n"
	"\telif [ \"$prev\" = = ]; then\n"
	"\t\tprev=${COMP_WORDS[i - 2]}\n"
	"\tfi\n"
	"\tCOMPREPLY=()\n"
	"\t# Options may stand before the command.\n"
	"\tfor word in \"${COMP_WORDS[@]:1:i - 1}\"; do\n"
	"\t\tcase $word in\n"
	"\t\t";

void completion_print_bash(const struct cli *cli)
{
	size_t i;

	puts("# bash completion of gwbpf");
	for (const struct completion_list *list = completion_lists(); list->name; list++)
		printf("_gwbpf_%s()\n{\n\t%s\n}\n\n", list->name, list->commands);
	fputs(helpers, stdout);
	fputs(begin, stdout);
	for (i = 0; i < cli->command_count; i++)
		printf("%s%s", i ? " | " : "", cli->commands[i].name);
	puts(") command=$word && break ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tif [ -z \"$command\" ]; then");
	printf("\t\t_gwbpf_words '");
	completion_print_names(cli);
	puts("'\n\t\treturn\n\tfi\n\tcase $command in");
	for (i = 0; i < cli->command_count; i++)
		print_bash_command(cli, &cli->commands[i]);
	puts("\tesac\n}\n\ncomplete -F _gwbpf gwbpf");
}
