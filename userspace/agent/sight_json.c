// SPDX-License-Identifier: Apache-2.0
#include "agent/sight_json.h"

#include <time.h>

#include "agent/client_names.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/text.h"
#include "kernel/monitor.h"
#include "kernel/tables.h"
#include "report/json.h"

json_t *sight_json_head(const char *node)
{
	return json_answer("Monitor", node);
}

/* A time of CLOCK_MONOTONIC, by the present difference of the clocks. */
static json_t *instant(uint64_t time_ns)
{
	uint64_t now_ns = clock_now_ns(), wall_ns = clock_read_ns(CLOCK_REALTIME);
	struct timespec time;
	char text[TEXT_TIME_MAX];

	wall_ns -= now_ns > time_ns ? now_ns - time_ns : 0;
	time.tv_sec = (time_t)(wall_ns / 1000000000);
	time.tv_nsec = (long)(wall_ns % 1000000000);
	return json_string(text_time(&time, text));
}

static json_t *address(const struct tables_names *names)
{
	char text[ADDR_PORT_TEXT_MAX];

	return names->port ? json_string(addr_port_format(&names->address, names->port, text))
			   : json_null();
}

static json_t *duration(const struct gw_sight *sight)
{
	return sight->duration_ns ? json_seconds((double)sight->duration_ns / 1e9) : json_null();
}

/* Which connection: the same text in each line about it. */
static json_t *connection(const struct gw_sight *sight)
{
	return json_sprintf("%llx-%llx", (unsigned long long)sight->netns_cookie,
			    (unsigned long long)sight->start_ns);
}

json_t *sight_json(const struct gw_sight *sight, const struct tables_names *names,
		   const struct client_name *client)
{
	return json_pack("{so ss so so so so so so so so so so so so so so}", "time",
			 instant(sight->time_ns), "event", monitor_kind_name(sight->kind),
			 "namespace", json_text_or_null(names->service.namespace), "service",
			 json_text_or_null(names->service.name), "servicePort",
			 names->vip_port ? json_integer(names->vip_port) : json_null(), "backend",
			 address(names), "pod", json_text_or_null(names->backend.pod), "cause",
			 json_text_or_null(monitor_error_name(sight->error)), "durationSeconds",
			 duration(sight), "clientPid",
			 sight->tgid ? json_integer(sight->tgid) : json_null(), "clientNetnsCookie",
			 json_identity(sight->netns_cookie), "clientNamespace",
			 json_text_or_null(client->namespace), "clientPod",
			 json_text_or_null(client->pod), "clientCommand",
			 json_text_or_null(client->command), "connection", connection(sight),
			 "lost", json_null());
}

json_t *sight_json_lost(uint64_t count, const char *cause)
{
	return json_pack("{so ss sn sn sn sn sn ss sn sn sn sn sn sn sn so}", "time",
			 instant(clock_now_ns()), "event", monitor_kind_name(GW_SIGHT_LOST),
			 "namespace", "service", "servicePort", "backend", "pod", "cause", cause,
			 "durationSeconds", "clientPid", "clientNetnsCookie", "clientNamespace",
			 "clientPod", "clientCommand", "connection", "lost",
			 count ? json_count(count) : json_null());
}

json_t *sight_json_event(json_t *event)
{
	return json_extend(event, json_pack("{sn sn sn sn}", "servicePort", "durationSeconds",
					    "connection", "lost"));
}
