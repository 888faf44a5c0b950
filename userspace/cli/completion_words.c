// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/columns.h"

enum offer completion_kind(const char *text)
{
	static const struct {
		const char *part;
		enum offer kind;
	} kinds[] = {
		{ "|", OFFER_WORDS },	     { "DIR", OFFER_DIRECTORY },
		{ "PATH", OFFER_FILE },	     { "SERVICE", OFFER_SERVICE },
		{ "COMMAND", OFFER_COMMAND }, { "BACKEND", OFFER_BACKEND },
		{ "COLUMN", OFFER_COLUMN },
	};
	size_t i;

	for (i = 0; text && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strstr(text, kinds[i].part))
			return kinds[i].kind;
	return OFFER_NONE;
}

void completion_print_words(const char *text)
{
	for (; *text; text++)
		putchar(*text == '|' ? ' ' : *text);
}

void completion_print_quoted(const char *text, const char *special, const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs(quote, stdout);
			continue;
		}
		if (strchr(special, *text))
			putchar('\\');
		putchar(*text);
	}
}

void completion_print_names(const struct cli *cli)
{
	size_t i;

	for (i = 0; i < cli->command_count; i++)
		printf("%s%s", i ? " " : "", cli->commands[i].name);
}

void completion_print_columns(const struct command *command)
{
	bool is_first = true;

	for (size_t i = 0; i < command->columns->count; i++) {
		const char *title = command->columns->items[i].title;

		if (!title)
			continue;
		if (!is_first)
			putchar(' ');
		is_first = false;
		for (; *title; title++)
			putchar(tolower((unsigned char)*title));
	}
}

size_t completion_count_options(const struct argp_option *options)
{
	size_t count = 0;

	while (options[count].name || options[count].doc)
		count++;
	return count;
}
