// SPDX-License-Identifier: Apache-2.0
/* Where the connections of this node go, and how they fare there, as JSON. */
#include "report/backends.h"

#include <string.h>
#include <time.h>

#include "report/certificates.h"
#include "report/lookup.h"

/* Cumulative, as in Prometheus: so many connections took le seconds at most. */
static json_t *buckets_to_json(const struct gw_counters *counters)
{
	static const uint32_t bounds_us[] = GW_HISTOGRAM_US;
	json_t *buckets = json_array();
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < GW_HISTOGRAM_MAX; i++) {
		bool open = i == sizeof(bounds_us) / sizeof(bounds_us[0]);
		json_t *le = open ? json_string("+Inf") : json_seconds(bounds_us[i] / 1e6);

		sum += counters->connect_buckets[i];
		json_add(&buckets, json_pack("{so so}", "le", le, "count", json_count(sum)));
	}
	return buckets;
}

static json_t *counters_to_json(const struct view_backend *backend)
{
	const struct gw_counters *counters = &backend->counters;

	return json_pack("{so so so so so so so so so so so si si so so so s{so so}}",
			 "attemptsTotal", json_count(counters->attempts),
			 "establishedTotal", json_count(counters->established),
			 "refusedTotal", json_count(counters->refused),
			 "timedOutTotal", json_count(counters->timed_out),
			 "unreachableTotal", json_count(counters->unreachable),
			 "otherFailedTotal", json_count(counters->other_failed),
			 "canceledTotal", json_count(counters->canceled),
			 "closedTotal", json_count(counters->closed),
			 "resetTotal", json_count(counters->reset),
			 "lostTotal", json_count(counters->lost),
			 "connectSecondsBuckets", buckets_to_json(counters),
			 "consecutiveFailures", backend->consecutive_failures,
			 "ejectionsTotal", backend->ejections,
			 "ejectedRemainingSeconds",
			 json_seconds(backend->ejected_remaining_seconds),
			 "lastError", json_text_or_null(view_error_name(backend->error)),
			 "lastErrorTime", json_instant(backend->error_age_seconds),
			 "movedTotal", "rebalance", json_count(counters->rebalanced),
			 "drain", json_count(counters->drained));
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

/* Why it is in its state; NULL: it is as it should be. */
static const char *reason_of(const struct view *view, const struct view_backend *backend)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);
	bool has_service = false;

	switch (backend->state) {
	case VIEW_BACKEND_SUSPECT:
		return "a client could not reach it lately";
	case VIEW_BACKEND_EJECTED:
		return "several clients could not reach it";
	case VIEW_BACKEND_PROBING:
		return "it was ejected, and one connection tries it now";
	case VIEW_BACKEND_RETURNING:
		return "it was ejected, its time is over, and nobody has tried it since";
	case VIEW_BACKEND_DOWN:
		if (backend->is_excluded)
			return "its certificate lacks a name, has expired or is malformed";
		return view_seen_is_good(backend->checked.seen)
			       ? "checks failed, and not enough of them have succeeded since"
			       : view_seen_text(backend->checked.seen);
	case VIEW_BACKEND_DRAINING:
		return drain_reason(backend);
	case VIEW_BACKEND_LEAVING:
		break;
	case VIEW_BACKEND_USABLE:
	case VIEW_BACKEND_STATE_MAX_:
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (services[i].index == backend->service_index)
			return "it is no endpoint of its Service any more, or not a ready one";
		has_service = has_service || (!strcmp(services[i].namespace, backend->namespace) &&
					      !strcmp(services[i].name, backend->service));
	}
	return has_service ? "its Service no longer has this address and port"
			   : "its Service is no longer balanced";
}

/* null: its Service asks for no check. */
static json_t *check_to_json(const struct view_backend *backend)
{
	const struct gw_checked *checked = &backend->checked;

	if (backend->check->kind == GW_CHECK_OFF)
		return json_null();
	return json_pack("{ss ss so so so}",
			 "kind", view_check_kind_name(backend->check->kind),
			 "result", view_seen_name(checked->seen),
			 "message", json_text_or_null(*checked->text ? checked->text : NULL),
			 "ageSeconds", backend->checked_age_seconds < 0 ?
				 json_null() : json_seconds(backend->checked_age_seconds),
			 "durationSeconds", backend->checked_age_seconds < 0 ?
				 json_null() : json_seconds((double)checked->duration_ns / 1e9));
}

/* What is left of its connections; a deadline that nobody set is null. */
static json_t *drain_to_json(const struct view_backend *backend)
{
	double left = backend->drain_deadline_ms / 1e3 - backend->drain_seconds;

	if (!backend->drained_by)
		return json_null();
	return json_pack("{ss so so si}",
			 "by", view_drain_name(backend->drained_by),
			 "seconds", json_seconds(backend->drain_seconds),
			 "deadlineTime",
			 backend->drain_deadline_ms ?
				 json_time(time(NULL) + (time_t)left) : json_null(),
			 "left", backend->active);
}

static json_t *to_json(const struct view *view, const struct view_backend *backend)
{
	json_t *value = json_pack("{so so so so si so si so so so si ss so so si}",
				  "namespace", json_text(backend->namespace),
				  "service", json_text(backend->service),
				  "portName", json_text(backend->service_port_name),
				  "serviceAddress", json_address(&backend->service_address),
				  "servicePort", backend->service_port,
				  "address", json_address(&backend->address),
				  "port", backend->port,
				  "pod", json_text_or_null(backend->pod),
				  "node", json_text_or_null(backend->node),
				  "zone", json_text_or_null(backend->zone),
				  "weight", backend->weight,
				  "state", view_backend_state_name(backend->state),
				  "stateSeconds", json_seconds(backend->state_seconds),
				  "reason", json_text_or_null(reason_of(view, backend)),
				  "active", backend->active);
	value = json_extend(value, json_pack("{so so so}", "drain", drain_to_json(backend),
					     "check", check_to_json(backend),
					     "weightBy", backend->steered_weight ?
						     json_string("command") : json_null()));
	value = json_extend(value, json_pack("{so}", "tls", certificates_to_json(backend)));
	return json_extend(value, counters_to_json(backend));
}

json_t *report_backends(const struct view *view, report_wants *wants, const void *arg)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	json_t *items = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		if (!wants || wants(&backends[i], arg))
			json_add(&items, to_json(view, &backends[i]));
	return json_list("BackendList", lookup_node(view), items);
}
