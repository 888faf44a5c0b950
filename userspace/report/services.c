// SPDX-License-Identifier: Apache-2.0
/* The Service ports that are balanced on this node, as JSON. */
#include "report/services.h"

#include "model/settings.h"
#include "report/lookup.h"

uint64_t report_failed(const struct gw_counters *counters)
{
	return counters->refused + counters->timed_out + counters->unreachable +
	       counters->other_failed;
}

/* For auto what was learnt; null where nothing is moved, or nothing is known yet. */
static json_t *rebalance_seconds(const struct view_service *service)
{
	uint32_t ms = service->rebalance_ms == GW_REBALANCE_AUTO ? service->learnt_quiet_ms
								 : service->rebalance_ms;

	return ms ? json_seconds(ms / 1e3) : json_null();
}

static json_t *to_json(const struct view_service *service)
{
	const struct gw_counters *counters = &service->counters;

	return json_pack("{so so so so si ss ss so si si si so so so so so so sb so so}",
			 "namespace", json_text(service->namespace),
			 "name", json_text(service->name),
			 "portName", json_text(service->port_name),
			 "address", json_address(&service->address),
			 "port", service->port,
			 "policy", policy_name(service->policy),
			 "state", view_service_state_name(service->state),
			 "message", json_text_or_null(service->message),
			 "backends", service->backends,
			 "usable", service->usable,
			 "active", service->active,
			 "attemptsTotal", json_count(counters->attempts),
			 "establishedTotal", json_count(counters->established),
			 "failedTotal", json_count(report_failed(counters)),
			 "canceledTotal", json_count(counters->canceled),
			 "closedTotal", json_count(counters->closed),
			 "noBackendTotal", json_count(service->no_backends),
			 "rebalanceAuto", service->rebalance_ms == GW_REBALANCE_AUTO,
			 "rebalanceSeconds", rebalance_seconds(service),
			 "drainDeadlineSeconds",
			 service->drain_deadline_ms ? json_seconds(service->drain_deadline_ms / 1e3)
						    : json_null());
}

json_t *report_services(const struct view *view, report_wants_service *wants, const void *arg)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);
	json_t *items = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		if (!wants || wants(&services[i], arg))
			json_add(&items, to_json(&services[i]));
	return json_list("ServiceList", lookup_node(view), items);
}
