// SPDX-License-Identifier: Apache-2.0
/* `gwbpf events`: what has happened on this node since its agent started. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/client_text.h"
#include "cli/control.h"
#include "cli/json_print.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "cli/wrap.h"
#include "report/json.h"

const struct argp_option events_options[] = {
	{.name = "no-clients",
	 .key = OPTION_NO_CLIENTS,
	 .doc = "name no client: neither pods nor processes"},
	USAGE_NAMESPACE_OPTIONS,
	USAGE_WATCH_OPTION,
	{0},
};

#define DATE_LENGTH 10 /* of "2026-01-31T09:30:00.250Z" */
#define TIME_LENGTH 8
#define WIDTH 80
#define INDENT 10

/* Which Service is meant, by the names in the events: it may be gone. "" is any. */
struct wanted {
	char namespace[256];
	char name[256];
};

/* NAMESPACE/NAME or NAME; a port behind it is not looked at, as the backends of all have events. */
static void read_wanted(const struct cli *cli, struct wanted *ret)
{
	const char *text = cli->argument_count ? cli->arguments[0] : "";
	const char *slash = strchr(text, '/');

	*ret = (struct wanted){0};
	if (cli->namespace)
		snprintf(ret->namespace, sizeof(ret->namespace), "%s", cli->namespace);
	if (slash)
		snprintf(ret->namespace, sizeof(ret->namespace), "%.*s", (int)(slash - text), text);
	snprintf(ret->name, sizeof(ret->name), "%s", slash ? slash + 1 : text);
	ret->name[strcspn(ret->name, ":")] = '\0';
}

static bool is_wanted(const struct wanted *wanted, const json_t *event)
{
	return (!*wanted->namespace ||
		!strcmp(wanted->namespace, json_text_of(event, "namespace"))) &&
	       (!*wanted->name || !strcmp(wanted->name, json_text_of(event, "service")));
}

static void drop_others(const struct wanted *wanted, json_t *events)
{
	size_t i = 0;

	while (i < json_array_size(events))
		if (is_wanted(wanted, json_array_get(events, i)))
			i++;
		else
			json_array_remove(events, i);
}

static void forget_clients(json_t *events)
{
	static const char *const keys[] = {"clientNetnsCookie", "clientPid", "clientNamespace",
					   "clientPod", "clientCommand"};
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event)
		for (size_t j = 0; j < sizeof(keys) / sizeof(*keys); j++)
			json_object_set_new(event, keys[j], json_null());
}

static enum table_mood mood_of(const char *event)
{
	static const char *const bad[] = {"ejected", "down", "refused", "source-away"};
	static const char *const good[] = {"back", "accepted", "source-back"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!strcmp(event, bad[i]))
			return TABLE_BAD;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!strcmp(event, good[i]))
			return TABLE_GOOD;
	return TABLE_DOUBTFUL;
}

/* "fabric/gateway org1-peer1 10.244.0.11:7051"; returns buf. */
static const char *object_of(const json_t *event, char *buf, size_t size)
{
	const char *service = json_text_of(event, "service"), *pod = json_text_of(event, "pod");
	const char *backend = json_text_of(event, "backend");

	snprintf(buf, size, "%s%s%s%s%s%s%s", json_text_of(event, "namespace"), *service ? "/" : "",
		 service, *pod ? " " : "", pod, *backend ? " " : "", backend);
	return buf;
}

static void print_event(const struct cli *cli, const json_t *event)
{
	const char *time = json_text_of(event, "time"), *kind = json_text_of(event, "event");
	char object[1024], client[CLIENT_TEXT_BYTES_MAX], text[3072];

	printf("%.*s  ", TIME_LENGTH, strlen(time) > DATE_LENGTH ? time + DATE_LENGTH + 1 : "");
	table_print_state(cli, kind, mood_of(kind));
	object_of(event, object, sizeof(object));
	client_text(event, client);
	snprintf(text, sizeof(text), "%s%s: %s%s%s%s", *object ? " " : "", object,
		 json_text_of(event, "cause"), *client ? " (" : "", client, *client ? ")" : "");
	wrap_text(stdout, text,
		  &(struct wrap){.column = (int)(INDENT + strlen(kind)),
				 .indent = INDENT,
				 .width = WIDTH});
}

static void print_head(const struct cli *cli, const json_t *answer)
{
	json_int_t forgotten = json_integer_value(json_object_get(answer, "forgottenTotal"));
	const char *since = json_text_of(answer, "sinceTime");

	if (!cli->headers)
		return;
	table_print_node(cli, json_text_of(answer, "observedBy"));
	printf("EVENTS: since %.*s %.*s UTC, when the agent started", DATE_LENGTH, since,
	       TIME_LENGTH, strlen(since) > DATE_LENGTH ? since + DATE_LENGTH + 1 : "");
	if (forgotten)
		printf("; %lld older ones are forgotten", (long long)forgotten);
	puts("");
}

/* The oldest first: the last line is what happened last. */
static int print_events(const struct cli *cli, const json_t *answer, const json_t *events)
{
	char day[DATE_LENGTH + 1] = "";
	const json_t *event;
	size_t i;

	print_head(cli, answer);
	if (!json_array_size(events) && cli->headers)
		puts("(none)");
	json_array_foreach(events, i, event) {
		const char *time = json_text_of(event, "time");

		if (strncmp(day, time, DATE_LENGTH) != 0 && cli->headers) {
			snprintf(day, sizeof(day), "%s", time);
			printf("%s\n", day);
		}
		print_event(cli, event);
	}
	return ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int events_run(const struct cli *cli)
{
	struct wanted wanted;
	json_t *answer, *events;
	int status;

	if (control_get(cli, "events", "list the events", &answer))
		return EXIT_FAILURE;
	events = json_object_get(answer, "items");
	read_wanted(cli, &wanted);
	drop_others(&wanted, events);
	if (cli->no_clients)
		forget_clients(events);
	if (cli->output == CLI_OUTPUT_JSON)
		return json_print(cli, answer);
	status = print_events(cli, answer, events);
	json_decref(answer);
	return status;
}
