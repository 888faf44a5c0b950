// SPDX-License-Identifier: Apache-2.0
/* Where the connections of this node go, and how they fare there. */
#include "report/backends.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/addr.h"
#include "report/certificates.h"
#include "report/lookup.h"
#include "report/services.h"

static json_t *moved_to_json(const struct gw_counters *counters)
{
	return json_pack("{so so}", "rebalance", json_count(counters->rebalanced), "drain",
			 json_count(counters->drained));
}

/* null: its Service asks for no check. */
static json_t *check_to_json(const struct view_backend *backend)
{
	const struct gw_checked *checked = &backend->checked;

	if (backend->check->kind == GW_CHECK_OFF)
		return json_null();
	return json_pack("{ss ss so so so}", "kind", view_check_kind_name(backend->check->kind),
			 "result", view_seen_name(checked->seen), "message",
			 json_text_or_null(*checked->text ? checked->text : NULL), "ageSeconds",
			 backend->checked_age_seconds < 0
				 ? json_null()
				 : json_seconds(backend->checked_age_seconds),
			 "durationSeconds",
			 backend->checked_age_seconds < 0
				 ? json_null()
				 : json_seconds((double)checked->duration_ns / 1e9));
}

/* What is left of its connections; a deadline that nobody set is null. */
static json_t *drain_to_json(const struct view_backend *backend)
{
	double left = backend->drain_deadline_ms / 1e3 - backend->drain_seconds;

	if (!backend->drained_by)
		return json_null();
	return json_pack("{ss so so si}", "by", view_drain_name(backend->drained_by), "seconds",
			 json_seconds(backend->drain_seconds), "deadlineTime",
			 backend->drain_deadline_ms ? json_time(time(NULL) + (time_t)left)
						    : json_null(),
			 "left", backend->active);
}

static const char *drain_reason(const struct view_backend *backend)
{
	switch (backend->drained_by) {
	case VIEW_DRAIN_COMMAND:
		return "'gwbpf drain' was given on this node: 'gwbpf undrain' ends it";
	case VIEW_DRAIN_ANNOTATION:
		return "gwbpf.io/drain names it";
	default:
		return "gwbpf.io/weights gives it weight 0";
	}
}

static int compare_name(const void *key, const void *item)
{
	const struct view_backend *backend = key;
	const struct view_service *service = item;
	int order = strcmp(backend->namespace, service->namespace);

	return order ? order : strcmp(backend->service, service->name);
}

static const char *leaving_reason(const struct backend_row *row)
{
	const struct view_service *services;
	size_t count = view_services(row->view, &services);

	if (row->service)
		return "it is no endpoint of its Service any more, or not a ready one";
	return bsearch(row->backend, services, count, sizeof(*services), compare_name)
		       ? "its Service no longer has this address and port"
		       : "its Service is no longer balanced";
}

const char *backends_reason(const struct backend_row *row)
{
	switch (row->backend->state) {
	case VIEW_BACKEND_SUSPECT:
		return "a client could not reach it lately";
	case VIEW_BACKEND_EJECTED:
		return "several clients could not reach it";
	case VIEW_BACKEND_PROBING:
		return "it was ejected, and one connection tries it now";
	case VIEW_BACKEND_RETURNING:
		return "it was ejected, its time is over, and nobody has tried it since";
	case VIEW_BACKEND_DOWN:
		if (row->backend->is_excluded)
			return "its certificate lacks a name, has expired or is malformed";
		return view_seen_is_good(row->backend->checked.seen)
			       ? "checks failed, and not enough of them have succeeded since"
			       : view_seen_text(row->backend->checked.seen);
	case VIEW_BACKEND_DRAINING:
		return drain_reason(row->backend);
	case VIEW_BACKEND_LEAVING:
		return leaving_reason(row);
	case VIEW_BACKEND_USABLE:
	case VIEW_BACKEND_STATE_MAX_:
		break;
	}
	return NULL;
}

const char *backends_remedy(const struct backend_row *row)
{
	const struct view_backend *backend = row->backend;

	switch (backend->state) {
	case VIEW_BACKEND_DOWN:
		if (backend->is_excluded)
			return "'gwbpf tls' shows how to enrol it again";
		return "see its log, and what '--wide failures' counts";
	case VIEW_BACKEND_SUSPECT:
	case VIEW_BACKEND_EJECTED:
		return "see its log, and what '--wide failures' counts";
	case VIEW_BACKEND_DRAINING:
		return backend->drained_by == VIEW_DRAIN_COMMAND
			       ? NULL
			       : "change the annotation to end it";
	default:
		return NULL;
	}
}

bool backends_is_well(const struct backend_row *row)
{
	return row->backend->state == VIEW_BACKEND_USABLE;
}

static struct value peer_of(const struct view_backend *backend)
{
	if (*backend->pod)
		return value_text(backend->pod);
	return value_address_port(&backend->address, backend->port);
}

static const char *check_result(const struct view_backend *backend)
{
	return backend->check->kind == GW_CHECK_OFF ? "" : view_seen_name(backend->checked.seen);
}

static struct value certificate_of(const struct view_backend *backend)
{
	char text[CERTIFICATES_TEXT_MAX];

	certificates_text(backend, text);
	return strcmp(text, "-") ? value_format("%s", text) : value_unknown();
}

static const char *asked_by(const struct view_backend *backend)
{
	return backend->steered_weight && !backend->drained_by
		       ? "command"
		       : view_drain_name(backend->drained_by);
}

#define MAIN COLUMN_MAIN
#define FAIL COLUMN_FAILURES
#define TRAF COLUMN_TRAFFIC
#define CHECKS COLUMN_CHECKS
#define ALL COLUMN_ALL
#define PLAIN COLUMN_PLAIN
#define KEY COLUMN_KEY
#define PEOPLE COLUMN_PEOPLE
#define NUMBER COLUMN_NUMBER
#define MOOD COLUMN_MOOD

#define C(field) value_count(b->counters.field)

/* X(id, title, field, shown, width, help, reading): row is the struct backend_row, b its backend. */
#define COLUMNS(X)                                                                                 \
	X(peer, "PEER", NULL, PEOPLE | MAIN | FAIL | TRAF | CHECKS, 17,                            \
	  "its pod, or its address where it has none", peer_of(b))                                 \
	X(namespace, "NAMESPACE", "namespace", KEY | PLAIN, 0, "namespace of its Service",         \
	  value_text(b->namespace))                                                                \
	X(service, "SERVICE", "service", KEY | PLAIN, 0, "its Service", value_text(b->service))    \
	X(port_name, "PORT", "portName", KEY | PLAIN, 0, "name of the Service's port",             \
	  value_text(b->service_port_name))                                                        \
	X(service_address_port, "SERVICE-ADDRESS", NULL, KEY, 0,                                   \
	  "address and port of the Service",                                                       \
	  value_address_port(&b->service_address, b->service_port))                                \
	X(service_address, NULL, "serviceAddress", 0, 0, "", value_address(&b->service_address))   \
	X(service_port, NULL, "servicePort", 0, 0, "", value_count(b->service_port))               \
	X(address_port, "ADDRESS", NULL, KEY | PLAIN | ALL, 0, "its own address and port",         \
	  value_address_port(&b->address, b->port))                                                \
	X(address, NULL, "address", 0, 0, "", value_address(&b->address))                          \
	X(port, NULL, "port", 0, 0, "", value_count(b->port))                                      \
	X(pod, "POD", "pod", PLAIN | ALL, 0, "its pod", value_name(b->pod))                        \
	X(node, "NODE", "node", MAIN | ALL, 8, "the node that it is on", value_name(b->node))      \
	X(zone, "ZONE", "zone", ALL, 0, "the zone that it is in", value_name(b->zone))             \
	X(weight, "WEIGHT", "weight", TRAF | ALL | NUMBER, 0,                                      \
	  "its weight that is in force; 0 takes no new connections", value_count(b->weight))       \
	X(by, "BY", NULL, TRAF | ALL, 0, "who asked for its drain or weight",                      \
	  value_name(asked_by(b)))                                                                 \
	X(state, "STATE", "state", MOOD | MAIN | FAIL | TRAF | CHECKS | ALL | PLAIN, 0,            \
	  "how it fares", value_text(view_backend_state_name(b->state)))                           \
	X(state_seconds, NULL, "stateSeconds", 0, 0, "", value_seconds(b->state_seconds))          \
	X(reason, NULL, "reason", 0, 0, "", value_text(backends_reason(row)))                      \
	X(active, "ACTIVE", "active", MAIN | TRAF | ALL | PLAIN | NUMBER, 0, "open connections",   \
	  value_count(b->active))                                                                  \
	X(share, "SHARE", NULL, PEOPLE | MAIN, 0,                                                  \
	  "its part of the connections to this Service port",                                      \
	  value_share(b->active, (double)row->group_active))                                       \
	X(drain, NULL, "drain", 0, 0, "", value_json(drain_to_json(b)))                            \
	X(check_result, "CHECK", NULL, CHECKS | ALL, 0, "what the last check of it saw",           \
	  value_name(check_result(b)))                                                             \
	X(check, NULL, "check", 0, 0, "", value_json(check_to_json(b)))                            \
	X(weight_by, NULL, "weightBy", 0, 0, "", value_text(b->steered_weight ? "command" : NULL)) \
	X(certificate, "CERTIFICATE", NULL, CHECKS | ALL, 0,                                       \
	  "names that its certificate lacks, or how long it is valid", certificate_of(b))          \
	X(tls, NULL, "tls", 0, 0, "", value_json(certificates_to_json(b)))                         \
	X(attempts, "ATTEMPTS", "attemptsTotal", FAIL | TRAF | ALL | PLAIN | NUMBER, 0,            \
	  "connects that were sent to it", C(attempts))                                            \
	X(established, "ESTABLISHED", "establishedTotal", TRAF | ALL | PLAIN | NUMBER, 0,          \
	  "those that it answered", C(established))                                                \
	X(failed, "FAILED", NULL, MAIN | FAIL | ALL | PLAIN | NUMBER, 0,                           \
	  "those that did not succeed, without those that the client gave up",                     \
	  value_count(report_failed(&b->counters)))                                                \
	X(refused, "REFUSED", "refusedTotal", FAIL | ALL | NUMBER, 0, "failed: it refused",        \
	  C(refused))                                                                              \
	X(timed_out, "TIMED-OUT", "timedOutTotal", FAIL | ALL | NUMBER, 0,                         \
	  "failed: it did not answer", C(timed_out))                                               \
	X(unreachable, "UNREACHABLE", "unreachableTotal", FAIL | ALL | NUMBER, 0,                  \
	  "failed: there is no way to it", C(unreachable))                                         \
	X(other, "OTHER", "otherFailedTotal", FAIL | ALL | NUMBER, 0, "failed in another way",     \
	  C(other_failed))                                                                         \
	X(canceled, "CANCELED", "canceledTotal", TRAF | ALL | NUMBER, 0,                           \
	  "the client gave up before the answer", C(canceled))                                     \
	X(closed, "CLOSED", "closedTotal", TRAF | ALL | NUMBER, 0, "connections that have ended",  \
	  C(closed))                                                                               \
	X(reset, "RESET", "resetTotal", TRAF | ALL | NUMBER, 0, "closed: one side broke them off", \
	  C(reset))                                                                                \
	X(lost, "LOST", "lostTotal", TRAF | ALL | NUMBER, 0, "closed: it no longer answered",      \
	  C(lost))                                                                                 \
	X(buckets, NULL, "connectSecondsBuckets", 0, 0, "", value_buckets(&b->counters))           \
	X(in_a_row, "IN-A-ROW", "consecutiveFailures", FAIL | ALL | NUMBER, 0,                     \
	  "failures since anybody reached it", value_count(b->consecutive_failures))               \
	X(ejections, "EJECTIONS", "ejectionsTotal", FAIL | ALL | NUMBER, 0,                        \
	  "how often it was ejected", value_count(b->ejections))                                   \
	X(ejected_for, "EJECTED-FOR", NULL, FAIL | ALL | NUMBER, 0,                                \
	  "how much longer it is ejected",                                                         \
	  b->ejected_remaining_seconds > 0 ? value_seconds(b->ejected_remaining_seconds)           \
					   : value_unknown())                                      \
	X(ejected_remaining, NULL, "ejectedRemainingSeconds", 0, 0, "",                            \
	  value_seconds(b->ejected_remaining_seconds))                                             \
	X(last_error, "LAST-ERROR", "lastError", FAIL | CHECKS | ALL, 0,                           \
	  "why the last attempt that failed did", value_name(view_error_name(b->error)))           \
	X(last_error_ago, "LAST-ERROR-AGO", "lastErrorTime", FAIL | CHECKS | ALL | NUMBER, 0,      \
	  "how long ago that was", value_ago(b->error_age_seconds))                                \
	X(moved, NULL, "movedTotal", 0, 0, "", value_json(moved_to_json(&b->counters)))            \
	X(since, "SINCE", NULL, MAIN | FAIL | CHECKS | ALL | NUMBER, 0,                            \
	  "for how long it has been in its state, at least", value_seconds(b->state_seconds))

#define READ(id, title, field, shown, width, help, reading)                                        \
	static struct value read_##id(const void *arg)                                             \
	{                                                                                          \
		const struct backend_row *row = arg;                                               \
		const struct view_backend *b = row->backend;                                       \
                                                                                                   \
		(void)b;                                                                           \
		return reading;                                                                    \
	}

COLUMNS(READ)

static const struct column items[] = {COLUMNS(COLUMN_ROW)};

const struct columns backends_columns = {
	.list = "BackendList",
	.items = items,
	.count = sizeof(items) / sizeof(items[0]),
};

/* The Service ports by their index, which ends at *limit. NULL: out of memory. */
static const struct view_service **index_services(const struct view *view, size_t *limit)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);
	const struct view_service **ret;

	*limit = 0;
	for (size_t i = 0; i < count; i++)
		if (services[i].index >= *limit)
			*limit = services[i].index + (size_t)1;
	ret = calloc(*limit + 1, sizeof(struct view_service *));
	for (size_t i = 0; i < count && ret; i++)
		ret[services[i].index] = &services[i];
	return ret;
}

static bool is_same_group(const struct view_backend *a, const struct view_backend *b)
{
	return a->service_port == b->service_port &&
	       !addr_compare(&a->service_address, &b->service_address) &&
	       !strcmp(a->service, b->service) && !strcmp(a->namespace, b->namespace);
}

void backends_add_evenness(const struct view_backend *backend, struct evenness *evenness)
{
	if (view_backend_takes(backend))
		evenness_add(evenness, backend->active, backend->weight);
}

/* The view has those of a group side by side. */
static void group_rows(struct backend_row *rows, size_t count)
{
	size_t first = 0, group = 0, end;

	for (; first < count; first = end, group++) {
		struct evenness evenness = {0};
		uint64_t active = 0;

		for (end = first;
		     end < count && is_same_group(rows[first].backend, rows[end].backend); end++) {
			active += rows[end].backend->active;
			backends_add_evenness(rows[end].backend, &evenness);
		}
		for (size_t i = first; i < end; i++) {
			rows[i].group = group;
			rows[i].group_active = active;
			rows[i].group_evenness = evenness;
		}
	}
}

int backends_rows(const struct view *view, report_wants *wants, const void *arg,
		  struct backend_row **ret, size_t *count)
{
	const struct view_backend *backends;
	size_t total = view_backends(view, &backends), limit, n = 0;
	const struct view_service **services = index_services(view, &limit);
	struct backend_row *rows = calloc(total + 1, sizeof(*rows));

	if (!rows || !services) {
		free(rows);
		free(services);
		return -ENOMEM;
	}
	for (size_t i = 0; i < total; i++) {
		const struct view_backend *backend = &backends[i];

		if (wants && !wants(backend, arg))
			continue;
		rows[n++] = (struct backend_row){
			.view = view,
			.backend = backend,
			.service = backend->service_index < limit ? services[backend->service_index]
								  : NULL,
		};
	}
	free(services);
	group_rows(rows, n);
	*ret = rows;
	*count = n;
	return 0;
}
