// SPDX-License-Identifier: Apache-2.0
#include "cli/completion_words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/columns.h"

/* What there is, whatever the environment asks for otherwise. The shells expand words: let nothing
 * through that they could. */
#define QUIET(list) "env GWBPF_WATCH= GWBPF_SORT= GWBPF_WIDE= gwbpf " list " 2>/dev/null |\n\t\t"
#define PLAIN " -o table --no-headers"
#define FIELD(field) "sed -n 's/^ *\"" field "\": \"\\([A-Za-z0-9._-]*\\)\".*/\\1/p' | sort -u"

static const struct completion_list lists[] = {
	{OFFER_SERVICE, "services",
	 QUIET("services" PLAIN) "awk '{ print $1 \"/\" $2 }' | grep -x '[a-z0-9./-]*' | sort -u"},
	{OFFER_BACKEND, "backends",
	 QUIET("backends" PLAIN) "awk '{ print $4 \"\\n\" $5 }' | grep -x '[][a-z0-9.:-]*[a-z0-9]' | sort -u"},
	{OFFER_NAMESPACE, "namespaces",
	 QUIET("services" PLAIN) "awk '{ print $1 }' | grep -x '[a-z0-9-]*' | sort -u"},
	/* The kubelet names a directory NAMESPACE_NAME_UID for each. */
	{OFFER_POD, "pods",
	 "ls /var/log/pods 2>/dev/null |\n\t\t"
	 "sed -n 's|^\\([a-z0-9-]*\\)_\\([a-z0-9.-]*\\)_[^_]*$|\\1/\\2|p' | sort -u"},
	{OFFER_NODE, "nodes", QUIET("backends -o json") FIELD("node")},
	{OFFER_ZONE, "zones", QUIET("backends -o json") FIELD("zone")},
	{OFFER_NONE, NULL, NULL},
};

const struct completion_list *completion_lists(void)
{
	return lists;
}

const struct completion_list *completion_find_list(enum offer kind)
{
	const struct completion_list *list = lists;

	while (list->name && list->kind != kind)
		list++;
	return list->name ? list : NULL;
}

enum offer completion_kind(const char *text)
{
	static const struct {
		const char *part;
		enum offer kind;
	} kinds[] = {
		{"|", OFFER_WORDS},
		{"DIR", OFFER_DIRECTORY},
		{"PATH", OFFER_FILE},
		{"SERVICE", OFFER_SERVICE},
		{"COMMAND", OFFER_COMMAND},
		{"BACKEND", OFFER_BACKEND},
		{"COLUMN", OFFER_COLUMN},
		{"NAMESPACE/", OFFER_SERVICE},
		{"NAMESPACE", OFFER_NAMESPACE},
		{"POD", OFFER_POD},
		{"NODE", OFFER_NODE},
		{"ZONE", OFFER_ZONE},
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
