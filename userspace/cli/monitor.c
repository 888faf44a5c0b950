// SPDX-License-Identifier: Apache-2.0
/* `gwbpf monitor`: what connections go through, as it happens. The agent tells. */
#include "cli/commands.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/client_text.h"
#include "cli/control.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "cli/wrap.h"
#include "kernel/view.h"
#include "report/format.h"
#include "report/json.h"

#define TIME_AT 11 /* in "2026-01-31T09:30:00.250Z" */
#define TIME_LENGTH 12
#define INDENT 14
#define WIDTH 80
#define PATH_BYTES_MAX 1024

const struct argp_option monitor_options[] = {
	{.name = "for",
	 .key = OPTION_FOR,
	 .arg = "DURATION",
	 .doc = "end after so long (default: when it is interrupted)"},
	USAGE_NAMESPACE_OPTIONS,
	{0},
};

static enum table_mood mood_of(const char *event)
{
	if (!strcmp(event, "failed") || !strcmp(event, "ejected") || !strcmp(event, "lost"))
		return TABLE_BAD;
	if (!strcmp(event, "established") || !strcmp(event, "returned"))
		return TABLE_GOOD;
	return TABLE_DOUBTFUL;
}

static void add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
	size_t length = strlen(text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text + length, size - length, format, arguments);
	va_end(arguments);
}

/* "0.412ms" and, from a second on, "5m12s". */
static const char *duration_text(double seconds, char buf[FORMAT_MAX])
{
	if (seconds >= 1)
		return format_age(seconds, buf);
	snprintf(buf, FORMAT_MAX, "%.3fms", seconds * 1e3);
	return buf;
}

static void describe(const json_t *sight, char *text, size_t size)
{
	const json_t *seconds = json_object_get(sight, "durationSeconds");
	bool is_ejection = !strcmp(json_text_of(sight, "event"), "ejected");
	json_int_t lost = json_integer_value(json_object_get(sight, "lost"));
	char duration[FORMAT_MAX], client[CLIENT_TEXT_BYTES_MAX];

	*text = '\0';
	if (lost)
		add(text, size, " %lld lines are missing here", (long long)lost);
	if (*json_text_of(sight, "service"))
		add(text, size, " %s/%s", json_text_of(sight, "namespace"),
		    json_text_of(sight, "service"));
	if (*json_text_of(sight, "pod"))
		add(text, size, " %s", json_text_of(sight, "pod"));
	if (*json_text_of(sight, "backend"))
		add(text, size, " %s", json_text_of(sight, "backend"));
	if (*client_text(sight, client))
		add(text, size, " (%s)", client);
	if (json_is_number(seconds))
		add(text, size, " %s %s", is_ejection ? "for" : "after",
		    duration_text(json_number_value(seconds), duration));
	if (*json_text_of(sight, "cause"))
		add(text, size, ": %s", json_text_of(sight, "cause"));
}

static void print_sight(const struct cli *cli, const json_t *sight)
{
	const char *time = json_text_of(sight, "time"), *event = json_text_of(sight, "event");
	char text[2048];

	describe(sight, text, sizeof(text));
	printf("%.*s  ", TIME_LENGTH, strlen(time) > TIME_AT ? time + TIME_AT : "");
	table_print_state(cli, event, mood_of(event));
	wrap_text(stdout, text,
		  &(struct wrap){.column = INDENT + (int)strlen(event),
				 .indent = INDENT,
				 .width = WIDTH});
}

/* Each line is there when it has happened, also in a pipe. */
static bool take(const char *line, void *arg)
{
	const struct cli *cli = arg;
	json_t *sight;

	if (cli->output == CLI_OUTPUT_JSON) {
		json_print_text(line);
		putchar('\n');
		return !fflush(stdout);
	}
	sight = json_loads(line, 0, NULL);
	if (json_object_get(sight, "kind"))
		table_print_node(cli, json_text_of(sight, "observedBy"));
	else if (sight)
		print_sight(cli, sight);
	json_decref(sight);
	return !fflush(stdout);
}

/* Whatever is no letter and no digit as %2f. */
static void add_parameter(char path[PATH_BYTES_MAX], const char *name, const char *value)
{
	if (!*value)
		return;
	add(path, PATH_BYTES_MAX, "%s%s=", strchr(path, '?') ? "&" : "?", name);
	for (; *value; value++)
		add(path, PATH_BYTES_MAX, isalnum((unsigned char)*value) ? "%c" : "%%%02x",
		    (unsigned char)*value);
}

/* What it names must be there, so that a word that is misspelt is not watched for ever. */
static int make_path(const struct cli *cli, char path[PATH_BYTES_MAX])
{
	const struct view_service *services;
	struct service_filter filter;
	struct view *view;
	char port[8] = "";
	size_t count;
	int err;

	if (lookup_open(cli, &view))
		return -1;
	err = lookup_service(cli, view, &filter);
	count = view_services(view, &services);
	for (size_t i = 0; !err && i < count && (filter.port || *filter.port_name); i++) {
		const struct named_port named = {services[i].namespace, services[i].name,
						 services[i].port_name, services[i].port};

		if (naming_is_service(&filter, &named))
			snprintf(port, sizeof(port), "%u", services[i].port);
	}
	view_close(view);
	snprintf(path, PATH_BYTES_MAX, "monitor");
	add_parameter(path, "namespace", err ? "" : filter.namespace);
	add_parameter(path, "service", err ? "" : filter.name);
	add_parameter(path, "port", port);
	return err;
}

int monitor_run(const struct cli *cli)
{
	char path[PATH_BYTES_MAX];
	const struct control_follow follow = {
		.path = path,
		.what = "watch connections",
		.for_ms = cli->for_ms,
		.take = take,
		.arg = (void *)cli,
	};

	if (cli->is_yaml) {
		say_error("cannot watch connections as YAML: each line is an object: use -o json");
		return EXIT_FAILURE;
	}
	if (make_path(cli, path) || control_follow(cli, &follow))
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
