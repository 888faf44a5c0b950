// SPDX-License-Identifier: Apache-2.0
/* An explanation for people. All that is said stands in the JSON; here it gets its form. */
#include "cli/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/say.h"
#include "cli/table.h"
#include "report/format.h"
#include "report/json.h"

#define AVOIDED_MAX 20 /* lines: JSON has all of them */
#define PLACE_MAX (ADDR_PORT_TEXT_MAX + GW_LONG_NAME_MAX + 8)

static const struct table_column endpoint_columns[] = {
	{"ENDPOINT", 0},
	{"POD", 0},
	{"NODE", TABLE_WIDE},
	{"ZONE", TABLE_WIDE},
	{"WEIGHT", TABLE_RIGHT | TABLE_WIDE},
	{"USED", 0},
	{"REASON", 0},
	{"ACTIVE", TABLE_RIGHT},
};

static const struct table_column setting_columns[] = {
	{"SETTING", 0},
	{"VALUE", 0},
	{"FROM", 0},
};

static uint64_t count_of(const json_t *object, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(object, key));
}

/* -1 where it is null. */
static double seconds_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : -1;
}

/* "10.1.0.1:7051", or "-" where the Service has no address. */
static const char *address_of(const json_t *object, char buf[ADDR_PORT_TEXT_MAX])
{
	struct gw_addr address;

	if (addr_parse(json_text_of(object, "address"), &address))
		return "-";
	return addr_port_format(&address, (uint16_t)count_of(object, "port"), buf);
}

/* "10.1.0.1:7051 (org1-peer1-0)" */
static const char *place_of(const json_t *object, char buf[PLACE_MAX])
{
	char address[ADDR_PORT_TEXT_MAX];
	const char *pod = json_text_of(object, "pod");

	snprintf(buf, PLACE_MAX, "%s%s%s%s", address_of(object, address), *pod ? " (" : "", pod,
		 *pod ? ")" : "");
	return buf;
}

/* Each text is escaped, as names are a stranger's. */
static void say(const char *before, const char *text, const char *after)
{
	fputs(before, stdout);
	say_text(stdout, text);
	fputs(after, stdout);
}

static void say_remedy(const json_t *object, const char *key)
{
	if (*json_text_of(object, key))
		say("  do: ", json_text_of(object, key), "\n");
}

static void print_head(const json_t *service)
{
	char address[ADDR_PORT_TEXT_MAX];

	say("", json_text_of(service, "namespace"), "/");
	say("", json_text_of(service, "name"), "");
	if (*json_text_of(service, "portName"))
		say(":", json_text_of(service, "portName"), "");
	printf(" %s: ", address_of(service, address));
	if (*json_text_of(service, "state"))
		printf("%s, policy %s, %llu of %llu backends usable, %llu connection%s\n",
		       json_text_of(service, "state"), json_text_of(service, "policy"),
		       (unsigned long long)count_of(service, "usable"),
		       (unsigned long long)count_of(service, "backends"),
		       (unsigned long long)count_of(service, "active"),
		       count_of(service, "active") == 1 ? "" : "s");
	else
		puts("not balanced");
	if (*json_text_of(service, "message"))
		say("settings are refused: ", json_text_of(service, "message"), "\n");
	say_remedy(service, "messageRemedy");
	if (*json_text_of(service, "reasonMessage")) {
		printf("%s: ", json_text_of(service, "verdict"));
		say("", json_text_of(service, "reasonMessage"), "\n");
	}
	say_remedy(service, "remedy");
}

static int print_endpoints(const struct cli *cli, const json_t *endpoints)
{
	const json_t *endpoint;
	char address[ADDR_PORT_TEXT_MAX];
	struct table *table;
	size_t i;
	int status;

	if (table_new(cli, endpoint_columns, sizeof(endpoint_columns) / sizeof(*endpoint_columns),
		      &table))
		return EXIT_FAILURE;
	json_array_foreach(endpoints, i, endpoint) {
		bool is_used = json_is_true(json_object_get(endpoint, "used"));
		bool is_well = is_used && !*json_text_of(endpoint, "message");

		table_row(table);
		table_text(table, address_of(endpoint, address));
		table_text(table, json_text_of(endpoint, "pod"));
		table_text(table, json_text_of(endpoint, "node"));
		table_text(table, json_text_of(endpoint, "zone"));
		table_number(table, count_of(endpoint, "weight"));
		table_state(table, is_used ? "yes" : "no",
			    is_well   ? TABLE_GOOD
			    : is_used ? TABLE_DOUBTFUL
				      : TABLE_BAD);
		table_text(table, json_text_of(endpoint, "reason"));
		table_number(table, count_of(endpoint, "active"));
	}
	status = table_print(table);
	table_free(table);
	return status;
}

static void print_endpoint_messages(const json_t *endpoints)
{
	char place[PLACE_MAX];
	const json_t *endpoint;
	size_t i;

	json_array_foreach(endpoints, i, endpoint) {
		if (!*json_text_of(endpoint, "message"))
			continue;
		say("", place_of(endpoint, place), ": ");
		say("", json_text_of(endpoint, "message"), "\n");
		say_remedy(endpoint, "remedy");
	}
}

/* "fabric/client-1 (pid 123, node)", or what else is known of a network namespace. */
static void print_client(const json_t *client)
{
	const char *namespace = json_text_of(client, "namespace");
	const char *pod = json_text_of(client, "pod");
	uint64_t pid = count_of(client, "pid");

	if (json_is_true(json_object_get(client, "node")))
		fputs("processes in the node's network namespace", stdout);
	else if (*pod)
		say(*namespace ? namespace : "pod ", *namespace ? "/" : "", pod);
	else if (pid)
		printf("process %llu", (unsigned long long)pid);
	else
		printf("a client that is gone or may not be seen (network namespace cookie %s)",
		       json_text_of(client, "netnsCookie"));
	if (pid)
		say(" (", json_text_of(client, "command"), ")");
}

static void print_avoided(const json_t *avoided)
{
	const json_t *doubt;
	char place[PLACE_MAX], age[FORMAT_MAX];
	size_t i;

	json_array_foreach(avoided, i, doubt) {
		double seconds = seconds_of(doubt, "remainingSeconds");

		if (i == AVOIDED_MAX) {
			printf("avoided: and %zu more: -o json lists them\n",
			       json_array_size(avoided) - i);
			break;
		}
		say("avoided: ", place_of(doubt, place), " by ");
		print_client(json_object_get(doubt, "client"));
		if (seconds >= 0)
			printf(" for the next %s", format_age(seconds, age));
		printf(": %s", json_text_of(doubt, "message"));
		if (count_of(doubt, "failures"))
			printf(" (%llu in a row)", (unsigned long long)count_of(doubt, "failures"));
		putchar('\n');
		say_remedy(doubt, "remedy");
	}
}

static void print_next(const json_t *next)
{
	const json_t *candidate;
	char place[PLACE_MAX];
	size_t i;

	if (!json_is_object(next))
		return;
	fputs("next: ", stdout);
	json_array_foreach(json_object_get(next, "candidates"), i, candidate)
		say(i ? " or " : "", place_of(candidate, place), "");
	say(i ? ": " : "", json_text_of(next, "reason"), "\n");
}

static void print_silence(const json_t *silent)
{
	char least[FORMAT_MAX], median[FORMAT_MAX], most[FORMAT_MAX];

	printf("; silent for %s to %s, half of them for %s or more",
	       format_age(seconds_of(silent, "least"), least),
	       format_age(seconds_of(silent, "most"), most),
	       format_age(seconds_of(silent, "median"), median));
}

static void print_learnt(const json_t *moving, double quiet_seconds)
{
	double wait_seconds = seconds_of(moving, "longestWaitSeconds");
	char wait[FORMAT_MAX];

	if (quiet_seconds < 0)
		fputs(", and has learnt nothing yet", stdout);
	if (wait_seconds >= 0)
		printf("; the longest wait for an answer within the last hour was %s",
		       format_age(wait_seconds, wait));
}

static void print_moving(const json_t *moving)
{
	unsigned long long all = count_of(moving, "connections");
	double quiet_seconds = seconds_of(moving, "quietSeconds");
	char quiet[FORMAT_MAX];

	if (!json_is_object(moving))
		return;
	printf("moving: gwbpf.io/rebalance is %s",
	       json_is_true(json_object_get(moving, "auto")) ? "auto"
	       : json_is_true(json_object_get(moving, "on")) ? "on"
							     : "off");
	if (json_is_true(json_object_get(moving, "auto")))
		print_learnt(moving, quiet_seconds);
	if (quiet_seconds >= 0)
		printf("; %llu of %llu connections have been quiet for %s",
		       (unsigned long long)count_of(moving, "quiet"), all,
		       format_age(quiet_seconds, quiet));
	if (all)
		print_silence(json_object_get(moving, "silentSeconds"));
	putchar('\n');
	say_remedy(moving, "remedy");
}

static int print_settings(const struct cli *cli, const json_t *settings)
{
	const json_t *setting;
	struct table *table;
	size_t i;
	int status;

	if (!json_array_size(settings))
		return EXIT_SUCCESS;
	if (table_new(cli, setting_columns, sizeof(setting_columns) / sizeof(*setting_columns),
		      &table))
		return EXIT_FAILURE;
	json_array_foreach(settings, i, setting) {
		table_row(table);
		table_text(table, json_text_of(setting, "name"));
		table_text(table, json_text_of(setting, "value"));
		table_text(table, json_text_of(setting, "from"));
	}
	status = table_print(table);
	table_free(table);
	return status;
}

static int print_service(const struct cli *cli, const json_t *service)
{
	const json_t *endpoints = json_object_get(service, "endpoints");

	print_head(service);
	if (print_endpoints(cli, endpoints))
		return EXIT_FAILURE;
	print_endpoint_messages(endpoints);
	print_avoided(json_object_get(service, "avoided"));
	print_next(json_object_get(service, "next"));
	print_moving(json_object_get(service, "moving"));
	return print_settings(cli, json_object_get(service, "settings"));
}

int explain_print(const struct cli *cli, json_t *value)
{
	const json_t *services = json_object_get(value, "services"), *service;
	const json_t *agent = json_object_get(value, "agent");
	int status = EXIT_SUCCESS;
	size_t i;

	table_print_node(cli, json_text_of(value, "observedBy"));
	if (*json_text_of(value, "message")) {
		say("", json_text_of(value, "target"), ": not balanced: ");
		say("", json_text_of(value, "message"), "\n");
		say_remedy(value, "remedy");
	}
	json_array_foreach(services, i, service) {
		if (i)
			putchar('\n');
		if (print_service(cli, service))
			status = EXIT_FAILURE;
	}
	if (!json_is_true(json_object_get(agent, "answered")))
		say("not shown: endpoints that are not used, and where settings come from: ",
		    json_text_of(agent, "message"), "\n");
	json_decref(value);
	return status;
}
