// SPDX-License-Identifier: Apache-2.0
/* How much of a Service's load could be moved: which of its connections are quiet, and how long. */
#include "report/explain.h"

#include <stdlib.h>

#include <netinet/tcp.h>

#include "report/commands.h"

/* For how long a connection must be quiet where the Service does not say, as for 'gwbpf rebalance'. */
#define QUIET_MS 3000

static uint32_t quiet_ms_of(const struct view_service *service)
{
	if (service->rebalance_ms == GW_REBALANCE_AUTO)
		return service->learnt_quiet_ms;
	return service->rebalance_ms ? service->rebalance_ms : QUIET_MS;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* What is on its way, or waits to be read, would be lost. */
static bool waits_for_nothing(const struct gw_walk_conn *walk)
{
	return walk->tcp_state == TCP_ESTABLISHED && !walk->unacked && !walk->unread;
}

static json_t *share_to_json(const uint32_t *idle_ms, size_t count, size_t place)
{
	return count ? json_seconds(idle_ms[place] / 1e3) : json_null();
}

json_t *explain_moving(const struct explain *explain, const struct view_service *service)
{
	const struct connections *connections = &explain->connections;
	uint32_t quiet_ms = quiet_ms_of(service);
	uint32_t *idle_ms = calloc(connections->count + 1, sizeof(*idle_ms));
	char remedy[COMMANDS_MAX] = "";
	size_t count = 0, quiet = 0;
	json_t *value;

	if (!idle_ms)
		return NULL;
	for (size_t i = 0; i < connections->count; i++) {
		const struct connection *one = &connections->items[i];

		if (!one->backend || one->backend->service_index != service->index)
			continue;
		idle_ms[count++] = one->walk->idle_ms;
		quiet += quiet_ms && one->walk->idle_ms >= quiet_ms && waits_for_nothing(one->walk);
	}
	qsort(idle_ms, count, sizeof(*idle_ms), compare);
	if (quiet)
		commands_service("rebalance --dry-run", service->namespace, service->name, remedy);
	value = json_pack("{sb sb so so so sI sI so s{so so so}}", "on", service->rebalance_ms != 0,
			  "auto", service->rebalance_ms == GW_REBALANCE_AUTO, "learntSeconds",
			  service->learnt_quiet_ms ? json_seconds(service->learnt_quiet_ms / 1e3)
						   : json_null(),
			  "longestWaitSeconds",
			  service->longest_wait_ms ? json_seconds(service->longest_wait_ms / 1e3)
						   : json_null(),
			  "quietSeconds", quiet_ms ? json_seconds(quiet_ms / 1e3) : json_null(),
			  "connections", (json_int_t)count, "quiet", (json_int_t)quiet, "remedy",
			  json_text_or_null(remedy), "silentSeconds", "least",
			  share_to_json(idle_ms, count, 0), "median",
			  share_to_json(idle_ms, count, count / 2), "most",
			  share_to_json(idle_ms, count, count ? count - 1 : 0));
	free(idle_ms);
	return value;
}
