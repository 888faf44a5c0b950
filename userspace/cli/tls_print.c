// SPDX-License-Identifier: Apache-2.0
#include "cli/tls_print.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/certificate.h"
#include "base/clock.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "cli/say.h"
#include "cli/table.h"
#include "report/format.h"
#include "report/json.h"

#define SOON_SECONDS (30 * 86400.0)

static bool has(const json_t *list, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (!strcmp(json_string_value(one), name))
			return true;
	return false;
}

/* "CN=ca.org1" of "CN=ca.org1,O=org1". */
static void put_issuer(struct table *table, const struct cli *cli, const char *issuer)
{
	char first[CERTIFICATE_TEXT_MAX];
	size_t length = 0;

	while (issuer[length] && issuer[length] != ',')
		length += issuer[length] == '\\' && issuer[length + 1] ? 2 : 1;
	if (cli->output == CLI_OUTPUT_WIDE)
		length = strlen(issuer);
	snprintf(first, sizeof(first), "%.*s", (int)length, issuer);
	table_text(table, first);
}

static void put_expiry(struct table *table, const json_t *item)
{
	const char *time = json_text_of(item, "expiryTime"), *state = json_text_of(item, "state");
	char text[96], left[FORMAT_MAX];
	double expiry;

	if (parse_instant(time, &expiry)) {
		table_text(table, "-");
		return;
	}
	expiry -= clock_read_seconds(CLOCK_REALTIME);
	if (!strcmp(state, "valid")) {
		snprintf(text, sizeof(text), "%.10s, in %s", time, format_age(expiry, left));
		table_state(table, text, expiry < SOON_SECONDS ? TABLE_DOUBTFUL : TABLE_GOOD);
		return;
	}
	snprintf(text, sizeof(text), "%.10s, %s", time, state);
	table_state(table, text, TABLE_BAD);
}

struct printing {
	const struct cli *cli;
	const struct tls_printing *how;
	struct table *table;
};

static void put_row(const struct printing *to, const json_t *item, const char *name,
		    const char *carried)
{
	struct table *table = to->table;
	char owner[TLS_OWNER_MAX];

	table_row(table);
	table_text(table, to->how->owner(item, owner));
	table_text(table, name);
	if (*carried)
		table_state(table, carried, !strcmp(carried, "missing") ? TABLE_BAD : TABLE_GOOD);
	else
		table_text(table, "-");
	put_expiry(table, item);
	put_issuer(table, to->cli, json_text_of(item, "issuer"));
}

static void put_item(const struct printing *to, const json_t *item)
{
	const json_t *wanted = json_object_get(item, "wanted");
	const json_t *missing = json_object_get(item, "missing"), *name;
	bool is_asked = json_array_size(wanted) > 0;
	const json_t *names = is_asked               ? wanted
			      : json_is_null(wanted) ? NULL
						     : json_object_get(item, "names");
	size_t i;

	if (!json_array_size(names))
		put_row(to, item, "", "");
	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);
		bool is_known = !is_asked || json_is_array(missing);

		put_row(to, item, text,
			!is_known                        ? ""
			: is_asked && has(missing, text) ? "missing"
							 : "carried");
	}
}

/* A name that stands in the command as it is: what a certificate carries is a stranger's text. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("-._:*", *name))
			return false;
	return true;
}

static void put_hosts(const json_t *names, const json_t *except, bool *is_first)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *text = json_string_value(name);

		if (!is_plain(text) || has(except, text))
			continue;
		printf("%s%s", *is_first ? "" : ",", text);
		*is_first = false;
	}
}

/* A new certificate shall keep what the present one carries. */
static void put_command(const json_t *item)
{
	const json_t *names = json_object_get(item, "names");
	bool is_first = true;

	fputs("    fabric-ca-client enroll -u https://PEER:SECRET@CA:PORT --enrollment.profile tls "
	      "-M TLS-DIRECTORY --csr.hosts '",
	      stdout);
	if (!names) {
		fputs("NAMES-IT-HAS", stdout);
		is_first = false;
	}
	put_hosts(names, NULL, &is_first);
	put_hosts(json_object_get(item, names ? "wanted" : "missing"), names, &is_first);
	puts("'");
}

static void put_advice(const struct printing *to, const json_t *item)
{
	bool is_readable = *json_text_of(item, "expiryTime");
	bool is_servers = json_is_array(json_object_get(item, "wanted"));
	char owner[TLS_OWNER_MAX];

	if (!*json_text_of(item, "message"))
		return;
	fputs(to->how->prefix, stdout);
	say_text(stdout, to->how->owner(item, owner));
	fputs(": ", stdout);
	say_text(stdout, json_text_of(item, "message"));
	if (json_is_true(json_object_get(item, "excluded")))
		fputs(", so it gets no new connections", stdout);
	if (!is_servers)
		puts("\n  clients refuse what it has signed: let the authority renew it");
	else if (!is_readable)
		puts("\n  let it be issued anew");
	else
		puts("\n  enrol the peer again, for example with this, and start it again:");
	if (is_servers && is_readable)
		put_command(item);
}

int tls_print(const struct cli *cli, const struct tls_printing *printing, const json_t *items)
{
	const struct table_column columns[] = {
		{printing->title, 0}, {"NAME", 0}, {"CARRIED", 0}, {"EXPIRES", 0}, {"ISSUER", 0},
	};
	struct printing to = {.cli = cli, .how = printing};
	const json_t *item;
	int status;
	size_t i;

	if (table_new(cli, columns, sizeof(columns) / sizeof(columns[0]), &to.table))
		return EXIT_FAILURE;
	json_array_foreach(items, i, item)
		put_item(&to, item);
	status = table_print(to.table);
	table_free(to.table);
	json_array_foreach(items, i, item)
		put_advice(&to, item);
	return status;
}
