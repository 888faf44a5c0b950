// SPDX-License-Identifier: Apache-2.0
/* Each endpoint of a Service: whether it is used here, and if not why, and what helps. */
#include "model/tls_names.h"
#include "report/certificates.h"
#include "report/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "model/why.h"
#include "report/commands.h"
#include "report/format.h"

#define TEXT_MAX 640
#define ERROR_MAX 128 /* a part of it */

/* What is told of one endpoint, in addition to what it is. */
struct told {
	bool is_used;
	const char *reason;     /* a word */
	char message[TEXT_MAX]; /* "": nothing */
	char remedy[TEXT_MAX];
	double remaining_seconds; /* it stays so; below 0: not known */
};

static size_t count_avoiders(const struct explain *explain, const struct view_backend *backend)
{
	size_t count = 0;

	for (size_t i = 0; i < explain->doubt_count; i++)
		count += explain->doubts[i].backend == backend &&
			 explain->doubts[i].kind != DOUBT_NEXT;
	return count;
}

static const char *last_error(const struct view_backend *backend, char buf[ERROR_MAX])
{
	char age[FORMAT_MAX];

	*buf = '\0';
	if (backend->error)
		snprintf(buf, ERROR_MAX, " (the last attempt that failed: %s, %s ago)",
			 view_error_name(backend->error),
			 format_age(backend->error_age_seconds, age));
	return buf;
}

/* A process that does not answer, or a way to it that is closed. */
static void advise_failing(const struct view_backend *backend, struct told *told)
{
	char address[ADDR_PORT_TEXT_MAX], look[COMMANDS_MAX];

	snprintf(
		told->remedy, sizeof(told->remedy),
		"see why it does not answer%s%s; until then 'gwbpf drain %s' keeps new connections "
		"and trials away",
		*commands_pod("logs", backend->namespace, backend->pod, look) ? ": " : "", look,
		addr_port_format(&backend->address, backend->port, address));
}

static void tell_ejected(const struct view_backend *backend, struct told *told)
{
	char error[ERROR_MAX], age[FORMAT_MAX];

	last_error(backend, error);
	told->remaining_seconds = backend->ejected_remaining_seconds;
	if (backend->state == VIEW_BACKEND_EJECTED)
		snprintf(
			told->message, sizeof(told->message),
			"several clients could not reach it%s: no client is sent there for the next %s",
			error, format_age(backend->ejected_remaining_seconds, age));
	else if (backend->state == VIEW_BACKEND_PROBING)
		snprintf(told->message, sizeof(told->message),
			 "it was ejected, and one connection tries it now");
	else
		snprintf(told->message, sizeof(told->message),
			 "it was ejected, its time is over, and the next connection tries it");
	advise_failing(backend, told);
}

static void tell_down(const struct view_backend *backend, struct told *told)
{
	const char *text = backend->checked.text;

	snprintf(told->message, sizeof(told->message),
		 "its check (%s) fails: %s%s%s: no client is sent there until it succeeds",
		 view_check_kind_name(backend->check->kind), view_seen_text(backend->checked.seen),
		 *text ? ": " : "", text);
	advise_failing(backend, told);
}

static void tell_excluded(const struct view_backend *backend, struct told *told)
{
	char fault[CERTIFICATES_TEXT_MAX];
	struct tls_names wanted;

	certificates_wanted(backend, &wanted);
	certificates_fault(&backend->certificate, &wanted, fault);
	snprintf(told->message, sizeof(told->message),
		 "its certificate: %s: no client is sent there until a look finds it good", fault);
	snprintf(told->remedy, sizeof(told->remedy), "'gwbpf tls' shows how to enrol it again");
}

static void tell_drained(const struct view_backend *backend, struct told *told)
{
	char address[ADDR_PORT_TEXT_MAX];

	addr_port_format(&backend->address, backend->port, address);
	switch (backend->drained_by) {
	case VIEW_DRAIN_COMMAND:
		snprintf(told->message, sizeof(told->message),
			 "takes no new connections: 'gwbpf drain' was given on this node");
		snprintf(told->remedy, sizeof(told->remedy), "gwbpf undrain %s", address);
		break;
	case VIEW_DRAIN_ANNOTATION:
		snprintf(told->message, sizeof(told->message),
			 "takes no new connections: gwbpf.io/drain names it");
		commands_annotate(backend->namespace, backend->service, "gwbpf.io/drain-",
				  told->remedy);
		break;
	default:
		snprintf(told->message, sizeof(told->message),
			 "takes no new connections: gwbpf.io/weights gives it weight 0");
		commands_annotate(backend->namespace, backend->service, "gwbpf.io/weights-",
				  told->remedy);
	}
}

static void tell_suspect(const struct explain *explain, const struct view_backend *backend,
			 struct told *told)
{
	size_t count = count_avoiders(explain, backend);
	char error[ERROR_MAX];

	snprintf(told->message, sizeof(told->message),
		 "used, but %zu client%s of this node %s it%s", count, count == 1 ? "" : "s",
		 count == 1 ? "avoids" : "avoid", last_error(backend, error));
	advise_failing(backend, told);
}

static void tell_backend(const struct explain *explain, const struct view_backend *backend,
			 struct told *told)
{
	told->reason = view_backend_state_name(backend->state);
	told->is_used = backend->weight && backend->state != VIEW_BACKEND_EJECTED &&
			backend->state != VIEW_BACKEND_DOWN;
	switch (backend->state) {
	case VIEW_BACKEND_SUSPECT:
		tell_suspect(explain, backend, told);
		break;
	case VIEW_BACKEND_EJECTED:
	case VIEW_BACKEND_PROBING:
	case VIEW_BACKEND_RETURNING:
		tell_ejected(backend, told);
		break;
	case VIEW_BACKEND_DOWN:
		if (backend->is_excluded)
			tell_excluded(backend, told);
		else
			tell_down(backend, told);
		break;
	case VIEW_BACKEND_DRAINING:
		tell_drained(backend, told);
		break;
	case VIEW_BACKEND_LEAVING:
		snprintf(told->message, sizeof(told->message),
			 "it is no endpoint of its Service any more, or not a ready one");
		break;
	default:
		break;
	}
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static enum why why_of(const char *name)
{
	for (int i = 0; i < WHY_MAX_; i++)
		if (!strcmp(why_name((enum why)i), name))
			return (enum why)i;
	return WHY_MAX_;
}

/* One that the agent knows and that is not in the set. */
static void tell_unused(const json_t *endpoint, const char *namespace, struct told *told)
{
	enum why why = why_of(text_of(endpoint, "reason"));

	told->reason = text_of(endpoint, "reason");
	snprintf(told->message, sizeof(told->message), "%s",
		 why == WHY_USED   ? "it is about to be used"
		 : why == WHY_MAX_ ? ""
				   : why_text(why));
	if (why == WHY_NOT_READY)
		commands_pod("describe pod", namespace, text_of(endpoint, "pod"), told->remedy);
}

static json_t *told_to_json(const struct told *told, const struct view_backend *backend)
{
	return json_pack("{sb so so so so so so so}", "used", told->is_used, "state",
			 backend ? json_string(view_backend_state_name(backend->state))
				 : json_null(),
			 "active", backend ? json_count(backend->active) : json_null(), "weight",
			 backend ? json_count(backend->weight) : json_null(), "reason",
			 json_text_or_null(told->reason), "message",
			 json_text_or_null(told->message), "remedy",
			 json_text_or_null(told->remedy), "remainingSeconds",
			 told->remaining_seconds > 0 ? json_seconds(told->remaining_seconds)
						     : json_null());
}

static json_t *backend_to_json(const struct explain *explain, const struct view_backend *backend)
{
	struct told told = {.remaining_seconds = -1};
	json_t *value;

	tell_backend(explain, backend, &told);
	value = json_pack("{so si so so so}", "address", json_address(&backend->address), "port",
			  backend->port, "pod", json_text_or_null(backend->pod), "node",
			  json_text_or_null(backend->node), "zone",
			  json_text_or_null(backend->zone));
	return json_extend(value, told_to_json(&told, backend));
}

static json_t *unused_to_json(const json_t *endpoint, const char *namespace,
			      const struct view_backend *backend)
{
	struct told told = {.remaining_seconds = -1};
	json_t *value = json_object();

	tell_unused(endpoint, namespace, &told);
	json_object_set(value, "address", json_object_get(endpoint, "address"));
	json_object_set(value, "port", json_object_get(endpoint, "port"));
	json_object_set(value, "pod", json_object_get(endpoint, "pod"));
	json_object_set(value, "node", json_object_get(endpoint, "node"));
	json_object_set(value, "zone", json_object_get(endpoint, "zone"));
	return json_extend(value, told_to_json(&told, backend));
}

/* The place of a backend of this Service in the view; the end if there is none. */
static size_t find_place(const struct view *view, const struct view_service *service,
			 const json_t *endpoint)
{
	json_int_t port = json_integer_value(json_object_get(endpoint, "port"));
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	struct gw_addr address;

	if (!service || addr_parse(text_of(endpoint, "address"), &address))
		return count;
	for (size_t i = 0; i < count; i++)
		if (backends[i].service_index == service->index && backends[i].port == port &&
		    !addr_compare(&backends[i].address, &address))
			return i;
	return count;
}

/* What the agent knows, first those that are used; is_told: which backends that were. */
static void add_known(const struct explain *explain, const struct view_service *service,
		      const json_t *port, bool *is_told, json_t **ret)
{
	const char *namespace = service ? service->namespace : text_of(explain->agent, "namespace");
	const struct view_backend *backends;
	size_t count = view_backends(explain->connections.view, &backends), i, place;
	const json_t *endpoint;

	json_array_foreach(json_object_get(port, "endpoints"), i, endpoint) {
		const struct view_backend *backend;

		place = find_place(explain->connections.view, service, endpoint);
		backend = place < count ? &backends[place] : NULL;
		if (backend && is_told[place])
			continue;
		if (backend)
			is_told[place] = true;
		if (backend && backend->state != VIEW_BACKEND_LEAVING)
			json_add(ret, backend_to_json(explain, backend));
		else
			json_add(ret, unused_to_json(endpoint, namespace, backend));
	}
}

json_t *explain_endpoints(const struct explain *explain, const struct view_service *service,
			  const json_t *port)
{
	const struct view_backend *backends;
	size_t count = view_backends(explain->connections.view, &backends);
	bool *is_told = calloc(count + 1, sizeof(*is_told));
	json_t *endpoints = json_array();

	if (!is_told) {
		json_decref(endpoints);
		return NULL;
	}
	add_known(explain, service, port, is_told, &endpoints);
	for (size_t i = 0; service && i < count; i++)
		if (backends[i].service_index == service->index && !is_told[i])
			json_add(&endpoints, backend_to_json(explain, &backends[i]));
	free(is_told);
	return endpoints;
}
