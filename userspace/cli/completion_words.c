// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_words.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

enum value_kind completion_kind(const char *text)
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

size_t completion_count_options(const struct argp_option *options)
{
	size_t count = 0;

	while (options[count].name || options[count].doc)
		count++;
	return count;
}
