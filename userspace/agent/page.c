// SPDX-License-Identifier: Apache-2.0
#include "agent/page.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/events.h"
#include "base/addr.h"
#include "model/settings.h"
#include "report/backends.h"
#include "report/format.h"
#include "report/services.h"
#include "report/status.h"

#define ROWS_MAX 1000 /* what people can read and a browser can draw */
#define EVENTS_SHOWN 20

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>gwbpf</title>\n"
	"<style>\n"
	":root { color-scheme: light dark; --line: #8884; --good: #176b2c; --bad: #a4161a;"
	" --note: #8a5a00 }\n"
	"@media (prefers-color-scheme: dark) {"
	" :root { --good: #6fd08c; --bad: #ff8f8f; --note: #f0c060 } }\n"
	"body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 1em; max-width: 70em }\n"
	"h1 { font-size: 1.3em } h2 { font-size: 1.05em; margin: 1.6em 0 0.2em }\n"
	"h2 small { font-weight: normal }\n"
	".table { overflow-x: auto }\n"
	"table { border-collapse: collapse; width: 100% }\n"
	"th, td { text-align: left; padding: 0.2em 0.7em 0.2em 0; border-bottom: 1px solid var(--line);"
	" vertical-align: top }\n"
	"th { font-weight: 600; font-size: 0.85em }\n"
	".number { text-align: right; font-variant-numeric: tabular-nums }\n"
	"meter { width: 6em; vertical-align: middle }\n"
	".good { color: var(--good) } .note { color: var(--note); font-weight: 600 }\n"
	".bad { color: var(--bad); font-weight: 600 }\n"
	"td.why { border-bottom-width: 2px; font-size: 0.9em }\n"
	"@media (max-width: 600px) { .far { display: none } body { padding: 0.6em }"
	" meter { width: 2.5em } }\n"
	"</style>\n"
	"<script src=\"/page.js\" defer></script>\n"
	"</head>\n"
	"<body>\n";

/*
 * The page goes on by itself: every few seconds, while somebody can see it, what is in <main> is asked
 * for again. Without scripts it is as it was when it was asked for.
 */
const char page_script[] =
	"'use strict';\n"
	"const when = document.getElementById('when');\n"
	"async function renew() {\n"
	"	if (document.hidden)\n"
	"		return;\n"
	"	try {\n"
	"		const answer = await fetch('/', {cache: 'no-store'});\n"
	"		if (!answer.ok)\n"
	"			throw new Error(await answer.text());\n"
	"		const page = new DOMParser().parseFromString(await answer.text(), 'text/html');\n"
	"		const open = document.querySelector('details').open;\n"
	"		document.querySelector('main').replaceWith(page.querySelector('main'));\n"
	"		document.querySelector('details').open = open;\n"
	"		when.textContent = 'as of ' + new Date().toLocaleTimeString();\n"
	"		when.className = '';\n"
	"	} catch (error) {\n"
	"		when.textContent = 'the agent does not answer: what stands here is old';\n"
	"		when.className = 'bad';\n"
	"	}\n"
	"}\n"
	"setInterval(renew, 3000);\n"
	"document.addEventListener('visibilitychange', renew);\n";

/* Names and messages may hold what a stranger wrote. */
static void text(struct evbuffer *to, const char *from)
{
	for (; *from; from++) {
		switch (*from) {
		case '<':
			evbuffer_add_printf(to, "&lt;");
			break;
		case '>':
			evbuffer_add_printf(to, "&gt;");
			break;
		case '&':
			evbuffer_add_printf(to, "&amp;");
			break;
		case '"':
			evbuffer_add_printf(to, "&quot;");
			break;
		default:
			evbuffer_add(to, from, 1);
		}
	}
}

static void words(struct evbuffer *to, const char *class, const char *from)
{
	evbuffer_add_printf(to, "<td%s%s%s>", *class ? " class=\"" : "", class, *class ? "\"" : "");
	text(to, from && *from ? from : "-");
	evbuffer_add_printf(to, "</td>");
}

static void number(struct evbuffer *to, uint64_t value, bool is_bad)
{
	evbuffer_add_printf(to, "<td class=\"number%s\">%" PRIu64 "</td>", is_bad ? " bad" : "",
			    value);
}

/* A title that begins with '~' is of a column that a narrow screen leaves out; with '#', of numbers. */
static void begin(struct evbuffer *to, const char *const *titles)
{
	evbuffer_add_printf(to, "<div class=\"table\" tabindex=\"0\">\n<table>\n<tr>");
	for (; *titles; titles++)
		evbuffer_add_printf(to, "<th%s>%s</th>",
				    **titles == '~'   ? " class=\"far\""
				    : **titles == '#' ? " class=\"number\""
						      : "",
				    *titles + (**titles == '~' || **titles == '#'));
	evbuffer_add_printf(to, "</tr>\n");
}

static void end(struct evbuffer *to)
{
	evbuffer_add_printf(to, "</table>\n</div>\n");
}

static void heading(struct evbuffer *to, const char *node, const char *what)
{
	evbuffer_add_printf(to, "<h2>NODE: ");
	text(to, node);
	evbuffer_add_printf(to, " (this node only): %s</h2>\n", what);
}

static void write_texts(struct evbuffer *to, const char texts[][LOOKUP_MESSAGE_MAX], size_t count)
{
	evbuffer_add_printf(to, "<ul>\n");
	for (size_t i = 0; i < count; i++) {
		evbuffer_add_printf(to, "<li>");
		text(to, texts[i]);
		evbuffer_add_printf(to, "</li>\n");
	}
	evbuffer_add_printf(to, "</ul>\n");
}

static void write_problems(struct evbuffer *to, const struct status *status)
{
	if (status->problem_count) {
		evbuffer_add_printf(to, "<p class=\"bad\" role=\"status\">not healthy:</p>\n");
		write_texts(to, status->problems, status->problem_count);
	} else {
		evbuffer_add_printf(to, "<p class=\"good\" role=\"status\">healthy</p>\n");
	}
	if (status->warning_count) {
		evbuffer_add_printf(to, "<p class=\"note\">warnings:</p>\n");
		write_texts(to, status->warnings, status->warning_count);
	}
}

/* --- peers --------------------------------------------------------------------------------- */

static void write_service_name(struct evbuffer *to, const struct view_service *service)
{
	char address[ADDR_PORT_TEXT_MAX];

	evbuffer_add_printf(to, "<h2>");
	text(to, service->namespace);
	evbuffer_add_printf(to, "/");
	text(to, service->name);
	evbuffer_add_printf(to, "%s", *service->port_name ? ":" : "");
	text(to, service->port_name);
	evbuffer_add_printf(
		to, " <small>%s, %s, %u of %u backends usable, %u connections</small></h2>\n",
		addr_port_format(&service->address, service->port, address),
		policy_name(service->policy), service->usable, service->backends, service->active);
	if (service->state == VIEW_SERVICE_READY)
		return;
	evbuffer_add_printf(to, "<p class=\"bad\">%s", view_service_state_name(service->state));
	if (service->message && *service->message) {
		evbuffer_add_printf(to, ": ");
		text(to, service->message);
	}
	evbuffer_add_printf(to, "</p>\n");
}

static void write_reason(struct evbuffer *to, const struct backend_row *row)
{
	const char *reason = backends_reason(row), *remedy = backends_remedy(row);

	if (!reason)
		return;
	evbuffer_add_printf(to, "<tr><td class=\"why\" colspan=\"8\">");
	text(to, reason);
	if (remedy) {
		evbuffer_add_printf(to, ": ");
		text(to, remedy);
	}
	evbuffer_add_printf(to, "</td></tr>\n");
}

static void write_backend(struct evbuffer *to, const struct backend_row *row)
{
	const struct view_backend *backend = row->backend;
	uint64_t failed = report_failed(&backend->counters);
	char address[ADDR_PORT_TEXT_MAX], age[FORMAT_MAX];
	unsigned int percent =
		row->group_active ? (unsigned int)(100ull * backend->active / row->group_active)
				  : 0;

	addr_port_format(&backend->address, backend->port, address);
	evbuffer_add_printf(to, "<tr>");
	words(to, "", *backend->pod ? backend->pod : address);
	words(to, backends_is_well(row) ? "good" : "bad", view_backend_state_name(backend->state));
	number(to, backend->active, false);
	evbuffer_add_printf(to, "<td><meter min=\"0\" max=\"100\" value=\"%u\"></meter> %u%%</td>",
			    percent, percent);
	number(to, failed, failed && !backends_is_well(row));
	words(to, "far", backend->state_seconds < 0 ? "" : format_age(backend->state_seconds, age));
	words(to, "far", backend->node);
	words(to, "far", address);
	evbuffer_add_printf(to, "</tr>\n");
	write_reason(to, row);
}

static bool is_of(const struct backend_row *row, const struct view_service *service)
{
	return row->service && row->service->index == service->index;
}

static void write_rest(struct evbuffer *to, size_t count, const char *command)
{
	if (count > ROWS_MAX)
		evbuffer_add_printf(to, "<p>and %zu more: '%s' lists them</p>\n", count - ROWS_MAX,
				    command);
}

/* Rows are in the order of the Services; some are of a port that is balanced no more. */
static void write_peers(struct evbuffer *to, const struct status *status,
			const struct backend_row *rows, size_t count)
{
	static const char *const titles[] = {"Peer",   "State", "#Active",  "Share", "#Failed",
					     "~Since", "~Node", "~Address", NULL};
	const struct view_service *services;
	size_t service_count = view_services(status->view, &services), next = 0;

	heading(to, lookup_node(status->view), "peers");
	for (size_t i = 0; i < service_count && i < ROWS_MAX; i++) {
		bool has_any = services[i].backends > 0;

		write_service_name(to, &services[i]);
		while (has_any && next < count && !is_of(&rows[next], &services[i]))
			next++;
		if (!has_any || next == count || next >= ROWS_MAX)
			continue;
		begin(to, titles);
		for (; next < count && next < ROWS_MAX && is_of(&rows[next], &services[i]); next++)
			write_backend(to, &rows[next]);
		end(to);
	}
	write_rest(to, service_count, "gwbpf services");
	write_rest(to, count, "gwbpf backends");
}

/* --- what happened ------------------------------------------------------------------------- */

static void write_event(struct evbuffer *to, const json_t *event)
{
	const char *time = json_string_value(json_object_get(event, "time"));
	const char *namespace = json_string_value(json_object_get(event, "namespace"));
	const char *service = json_string_value(json_object_get(event, "service"));
	char name[LOOKUP_MESSAGE_MAX];

	/* "2026-12-01T03:59:35.880Z": neither the year nor parts of a second. */
	snprintf(name, sizeof(name), "%.5s %.8s", time ? time + 5 : "", time ? time + 11 : "");
	evbuffer_add_printf(to, "<tr>");
	words(to, "", name);
	words(to, "", json_string_value(json_object_get(event, "event")));
	snprintf(name, sizeof(name), "%s/%s", namespace ? namespace : "", service ? service : "");
	words(to, "", service ? name : "");
	words(to, "far", json_string_value(json_object_get(event, "backend")));
	words(to, "", json_string_value(json_object_get(event, "cause")));
	evbuffer_add_printf(to, "</tr>\n");
}

/* The last ones, the newest first. */
static void write_events(struct evbuffer *to, const char *node)
{
	static const char *const titles[] = {"Time (UTC)", "What",  "Service",
					     "~Backend",   "Cause", NULL};
	json_t *list = events_to_json(node, false);
	const json_t *items = json_object_get(list, "items");
	size_t count = json_array_size(items);

	heading(to, node, "last events");
	begin(to, titles);
	for (size_t i = 0; i < count && i < EVENTS_SHOWN; i++)
		write_event(to, json_array_get(items, count - 1 - i));
	end(to);
	json_decref(list);
}

/* --- the node ------------------------------------------------------------------------------ */

static void fact(struct evbuffer *to, const char *name, const char *value)
{
	evbuffer_add_printf(to, "<tr>");
	words(to, "", name);
	words(to, "", value);
	evbuffer_add_printf(to, "</tr>\n");
}

static void write_facts(struct evbuffer *to, const struct status *status)
{
	static const char *const titles[] = {"What", "Is", NULL};
	static const char *const lives[] = {
		[HOOK_MISSING] = "missing",
		[HOOK_ATTACHED] = "attached",
		[HOOK_LIVE] = "live",
		[HOOK_DEAD] = "dead",
	};
	const struct view_meta *meta = status->meta;
	char value[128], age[FORMAT_MAX];
	uint64_t active;

	begin(to, titles);
	fact(to, "version", meta->version);
	fact(to, "kernel", status->kernel);
	fact(to, "cgroup", status->cgroup_path);
	fact(to, "source", status_source(meta));
	fact(to, "in sync", status_sync_text(status));
	fact(to, "last change", format_age(meta->change_age_seconds, age));
	snprintf(value, sizeof(value), "%zu of %u", status_service_count(status),
		 meta->max_services);
	fact(to, "services", value);
	snprintf(value, sizeof(value), "%zu of %u", status_backend_count(status, &active),
		 meta->max_backends);
	fact(to, "backends", value);
	snprintf(value, sizeof(value), "%" PRIu64, active);
	fact(to, "connections", value);
	for (int i = 0; i < GW_HOOK_MAX_ && status->has_hooks; i++) {
		snprintf(value, sizeof(value), "hook %s", status->hooks[i].name);
		fact(to, value, lives[status->life[i]]);
	}
	end(to);
}

static void write_links(struct evbuffer *to)
{
	static const char *const paths[] = {
		"/api/v1",
		"/metrics",
		"/readyz?verbose",
	};

	evbuffer_add_printf(to, "<p>");
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		evbuffer_add_printf(to, "<a href=\"%s\">%s</a> ", paths[i], paths[i]);
	evbuffer_add_printf(to, "</p>\n</body>\n</html>\n");
}

int page_write(struct evbuffer *to, const struct status *status)
{
	struct backend_row *rows = NULL;
	size_t count = 0;

	if (status->view && backends_rows(status->view, NULL, NULL, &rows, &count))
		return -ENOMEM;
	evbuffer_add_printf(to, "%s<h1>gwbpf on node ", head);
	text(to, lookup_node(status->view));
	evbuffer_add_printf(to, "</h1>\n<p id=\"when\"></p>\n<main>\n");
	write_problems(to, status);
	if (status->view) {
		write_peers(to, status, rows, count);
		write_events(to, lookup_node(status->view));
	}
	evbuffer_add_printf(to, "<details>\n<summary>This node</summary>\n");
	if (status->view)
		write_facts(to, status);
	evbuffer_add_printf(to, "</details>\n</main>\n");
	write_links(to);
	free(rows);
	return evbuffer_get_length(to) ? 0 : -ENOMEM;
}
