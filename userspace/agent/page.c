// SPDX-License-Identifier: Apache-2.0
#include "agent/page.h"

#include <errno.h>
#include <event2/buffer.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/addr.h"
#include "model/settings.h"
#include "report/format.h"
#include "report/services.h"
#include "report/status.h"

#define ROWS_MAX 1000 /* of a table: what people can read and a browser can draw */

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width\">\n"
	"<title>gwbpf</title>\n"
	"<style>\n"
	"body { font: 14px/1.4 sans-serif; margin: 1.5em; color: #222; background: #fff }\n"
	"table { border-collapse: collapse; margin: 0.5em 0 1.5em }\n"
	"caption { text-align: left; font-weight: bold; padding-bottom: 0.3em }\n"
	"th, td { text-align: left; padding: 0.15em 0.8em; border-bottom: 1px solid #ddd }\n"
	"td.number { text-align: right; font-variant-numeric: tabular-nums }\n"
	".good { color: #176b2c }\n"
	".bad { color: #a4161a; font-weight: bold }\n"
	"</style>\n"
	"</head>\n"
	"<body>\n";

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

static void cell(struct evbuffer *to, const char *from)
{
	evbuffer_add_printf(to, "<td>");
	text(to, *from ? from : "-");
	evbuffer_add_printf(to, "</td>");
}

static void state(struct evbuffer *to, const char *name, bool is_good)
{
	evbuffer_add_printf(to, "<td class=\"%s\">%s</td>", is_good ? "good" : "bad", name);
}

static void number(struct evbuffer *to, uint64_t value)
{
	evbuffer_add_printf(to, "<td class=\"number\">%" PRIu64 "</td>", value);
}

static void begin(struct evbuffer *to, const char *node, const char *caption,
		  const char *const *titles)
{
	evbuffer_add_printf(to, "<table>\n<caption>NODE: ");
	text(to, node);
	evbuffer_add_printf(to, " (this node only): %s</caption>\n<tr>", caption);
	for (; *titles; titles++)
		evbuffer_add_printf(to, "<th>%s</th>", *titles);
	evbuffer_add_printf(to, "</tr>\n");
}

static void end(struct evbuffer *to)
{
	evbuffer_add_printf(to, "</table>\n");
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
		evbuffer_add_printf(to, "<p class=\"bad\">not healthy:</p>\n");
		write_texts(to, status->problems, status->problem_count);
	} else {
		evbuffer_add_printf(to, "<p class=\"good\">healthy</p>\n");
	}
	if (status->warning_count) {
		evbuffer_add_printf(to, "<p class=\"bad\">warnings:</p>\n");
		write_texts(to, status->warnings, status->warning_count);
	}
}

static void fact(struct evbuffer *to, const char *name, const char *value)
{
	evbuffer_add_printf(to, "<tr>");
	cell(to, name);
	cell(to, value);
	evbuffer_add_printf(to, "</tr>\n");
}

static void write_facts(struct evbuffer *to, const struct status *status)
{
	static const char *const titles[] = {"What", "Is", NULL};
	const struct view_meta *meta = status->meta;
	char value[128], age[FORMAT_MAX];
	uint64_t active;

	begin(to, lookup_node(status->view), "status", titles);
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
	end(to);
}

static void write_hooks(struct evbuffer *to, const struct status *status)
{
	static const char *const titles[] = {"Hook", "State", NULL};
	static const char *const lives[] = {
		[HOOK_MISSING] = "missing",
		[HOOK_ATTACHED] = "attached",
		[HOOK_LIVE] = "live",
		[HOOK_DEAD] = "dead",
	};
	int i;

	begin(to, lookup_node(status->view), "hooks", titles);
	for (i = 0; i < GW_HOOK_MAX_ && status->has_hooks; i++) {
		evbuffer_add_printf(to, "<tr>");
		cell(to, status->hooks[i].name);
		state(to, lives[status->life[i]], status->life[i] == HOOK_LIVE);
		evbuffer_add_printf(to, "</tr>\n");
	}
	end(to);
}

static void write_service(struct evbuffer *to, const struct view_service *service)
{
	char address[ADDR_PORT_TEXT_MAX];

	evbuffer_add_printf(to, "<tr>");
	cell(to, service->namespace);
	cell(to, service->name);
	cell(to, service->port_name);
	cell(to, addr_port_format(&service->address, service->port, address));
	cell(to, policy_name(service->policy));
	state(to, view_service_state_name(service->state), service->state == VIEW_SERVICE_READY);
	number(to, service->usable);
	number(to, service->active);
	number(to, service->counters.attempts);
	number(to, report_failed(&service->counters));
	number(to, service->no_backends);
	cell(to, service->message);
	evbuffer_add_printf(to, "</tr>\n");
}

static void write_backend(struct evbuffer *to, const struct view_backend *backend)
{
	char address[ADDR_PORT_TEXT_MAX];

	evbuffer_add_printf(to, "<tr>");
	cell(to, backend->namespace);
	cell(to, backend->service);
	cell(to, backend->service_port_name);
	cell(to, addr_port_format(&backend->address, backend->port, address));
	cell(to, backend->pod);
	cell(to, backend->node);
	number(to, backend->weight);
	state(to, view_backend_state_name(backend->state),
	      backend->state == VIEW_BACKEND_USABLE);
	number(to, backend->active);
	number(to, backend->counters.attempts);
	number(to, report_failed(&backend->counters));
	evbuffer_add_printf(to, "</tr>\n");
}

static void write_rest(struct evbuffer *to, size_t count, const char *command)
{
	if (count > ROWS_MAX)
		evbuffer_add_printf(to, "<p>and %zu more: '%s' lists them</p>\n",
				    count - ROWS_MAX, command);
}

static void write_tables(struct evbuffer *to, const struct status *status)
{
	static const char *const service_titles[] = {
		"Namespace", "Name",     "Port",   "Address",    "Policy",  "State", "Usable",
		"Active",    "Attempts", "Failed", "No backend", "Message", NULL};
	static const char *const backend_titles[] = {
		"Namespace", "Service", "Port",   "Address",  "Pod",    "Node",
		"Weight",    "State",   "Active", "Attempts", "Failed", NULL};
	const char *node = lookup_node(status->view);
	const struct view_service *services;
	const struct view_backend *backends;
	size_t count, i;

	begin(to, node, "services", service_titles);
	count = view_services(status->view, &services);
	for (i = 0; i < count && i < ROWS_MAX; i++)
		write_service(to, &services[i]);
	end(to);
	write_rest(to, count, "gwbpf services");
	begin(to, node, "backends", backend_titles);
	count = view_backends(status->view, &backends);
	for (i = 0; i < count && i < ROWS_MAX; i++)
		write_backend(to, &backends[i]);
	end(to);
	write_rest(to, count, "gwbpf backends");
}

static void write_links(struct evbuffer *to)
{
	static const char *const paths[] = {
		"/api/v1/status", "/api/v1/services", "/api/v1/backends", "/metrics",
		"/readyz?verbose",
	};
	size_t i;

	evbuffer_add_printf(to, "<p>");
	for (i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		evbuffer_add_printf(to, "<a href=\"%s\">%s</a> ", paths[i], paths[i]);
	evbuffer_add_printf(to, "</p>\n</body>\n</html>\n");
}

int page_write(struct evbuffer *to, const struct status *status)
{
	evbuffer_add_printf(to, "%s<h1>gwbpf on node ", head);
	text(to, lookup_node(status->view));
	evbuffer_add_printf(to, "</h1>\n");
	write_problems(to, status);
	if (status->view) {
		write_facts(to, status);
		write_hooks(to, status);
		write_tables(to, status);
	}
	write_links(to);
	return evbuffer_get_length(to) ? 0 : -ENOMEM;
}
