// SPDX-License-Identifier: Apache-2.0
/* The Service ports that are balanced on this node. */
#include "report/services.h"

#include <stdio.h>

#include "model/settings.h"
#include "report/format.h"
#include "report/lookup.h"

uint64_t report_failed(const struct gw_counters *counters)
{
	return counters->refused + counters->timed_out + counters->unreachable +
	       counters->other_failed;
}

bool services_is_well(const struct view_service *service)
{
	return service->state == VIEW_SERVICE_READY;
}

const char *services_note(const struct view_service *service, char buf[SERVICES_NOTE_MAX])
{
	const char *namespace = service->namespace, *name = service->name;

	*buf = '\0';
	switch (service->state) {
	case VIEW_SERVICE_NO_BACKENDS:
		snprintf(buf, SERVICES_NOTE_MAX,
			 "its clients are refused: see that pods of it are ready: kubectl get "
			 "endpointslices -n %s -l kubernetes.io/service-name=%s",
			 namespace, name);
		break;
	case VIEW_SERVICE_STEPPED_ASIDE:
		snprintf(buf, SERVICES_NOTE_MAX,
			 "kube-proxy serves it, as the agent is away: 'gwbpf "
			 "status' says why");
		break;
	case VIEW_SERVICE_SUSPENDED:
		snprintf(buf, SERVICES_NOTE_MAX,
			 "kube-proxy serves it, by 'gwbpf suspend': 'gwbpf "
			 "resume' ends that");
		break;
	case VIEW_SERVICE_INVALID:
		snprintf(buf, SERVICES_NOTE_MAX, "%s: %s",
			 service->is_in_force ? "the last good settings are in force"
					      : "kube-proxy serves it",
			 service->message);
		break;
	case VIEW_SERVICE_NO_ROOM:
		snprintf(buf, SERVICES_NOTE_MAX, "kube-proxy serves it: %s", service->message);
		break;
	case VIEW_SERVICE_READY:
	case VIEW_SERVICE_STATE_MAX_:
		break;
	}
	return buf;
}

/* For auto what was learnt; null where nothing is moved, or nothing is known yet. */
static struct value rebalance_seconds(const struct view_service *service)
{
	uint32_t ms = service->rebalance_ms == GW_REBALANCE_AUTO ? service->learnt_quiet_ms
								 : service->rebalance_ms;

	return ms ? value_seconds(ms / 1e3) : value_unknown();
}

/* What is learnt comes from it; null where nothing is learnt, or nobody had to wait. */
static struct value longest_wait_seconds(const struct view_service *service)
{
	return service->rebalance_ms == GW_REBALANCE_AUTO && service->longest_wait_ms
		       ? value_seconds(service->longest_wait_ms / 1e3)
		       : value_unknown();
}

/* "3.0s", "auto: 3.1s", "auto: not learnt yet", "auto: not learnt yet, longest wait 2.0s" */
static struct value rebalance_text(const struct view_service *service)
{
	char time[FORMAT_MAX];

	if (!service->rebalance_ms)
		return value_unknown();
	if (service->rebalance_ms != GW_REBALANCE_AUTO)
		return value_format("%s", format_age(service->rebalance_ms / 1e3, time));
	if (service->learnt_quiet_ms)
		return value_format("auto: %s", format_age(service->learnt_quiet_ms / 1e3, time));
	if (!service->longest_wait_ms)
		return value_format("auto: not learnt yet");
	return value_format("auto: not learnt yet, longest wait %s",
			    format_age(service->longest_wait_ms / 1e3, time));
}

#define MAIN COLUMN_MAIN
#define ALL COLUMN_ALL
#define PLAIN COLUMN_PLAIN
#define PEOPLE COLUMN_PEOPLE
#define NUMBER COLUMN_NUMBER
#define MOOD COLUMN_MOOD

#define C(field) value_count(s->counters.field)

/* X(id, title, field, shown, width, help, reading): s is the struct view_service. */
#define COLUMNS(X)                                                                                 \
	X(service, "SERVICE", NULL, PEOPLE | MAIN | ALL, 16, "namespace and name",                 \
	  value_format("%s/%s", s->namespace, s->name))                                            \
	X(namespace, "NAMESPACE", "namespace", PLAIN, 0, "its namespace",                          \
	  value_text(s->namespace))                                                                \
	X(name, "NAME", "name", PLAIN, 0, "its name", value_text(s->name))                         \
	X(port_name, "PORT", "portName", PLAIN | ALL, 0, "name of its port",                       \
	  value_text(s->port_name))                                                                \
	X(address_port, "ADDRESS", NULL, MAIN | PLAIN | ALL, 0,                                    \
	  "address and port that clients dial", value_address_port(&s->address, s->port))          \
	X(address, NULL, "address", 0, 0, "", value_address(&s->address))                          \
	X(port, NULL, "port", 0, 0, "", value_count(s->port))                                      \
	X(policy, "POLICY", "policy", PLAIN | ALL, 0, "how a backend is picked",                   \
	  value_text(policy_name(s->policy)))                                                      \
	X(state, "STATE", "state", MOOD | MAIN | PLAIN | ALL, 0, "whether it is balanced",         \
	  value_text(view_service_state_name(s->state)))                                           \
	X(message, NULL, "message", 0, 0, "", value_name(s->message))                              \
	X(peers, "PEERS", NULL, PEOPLE | MAIN, 0, "how many of its backends are usable",           \
	  value_part(s->usable, s->backends))                                                      \
	X(backends, "BACKENDS", "backends", PLAIN | ALL | NUMBER, 0,                               \
	  "how many backends it has, with those that are leaving", value_count(s->backends))       \
	X(usable, "USABLE", "usable", PLAIN | ALL | NUMBER, 0,                                     \
	  "how many of them take connections", value_count(s->usable))                             \
	X(active, "ACTIVE", "active", MAIN | PLAIN | ALL | NUMBER, 0, "open connections",          \
	  value_count(s->active))                                                                  \
	X(attempts, "ATTEMPTS", "attemptsTotal", PLAIN | ALL | NUMBER, 0, "connects to it",        \
	  C(attempts))                                                                             \
	X(failed_shown, "FAILED", NULL, MAIN | PLAIN | ALL | NUMBER, 0,                            \
	  "those that did not succeed, without those that the client gave up",                     \
	  value_count(report_failed(&s->counters)))                                                \
	X(established, "ESTABLISHED", "establishedTotal", ALL | NUMBER, 0,                         \
	  "those that a backend answered", C(established))                                         \
	X(failed, NULL, "failedTotal", 0, 0, "", value_count(report_failed(&s->counters)))         \
	X(canceled, "CANCELED", "canceledTotal", ALL | NUMBER, 0,                                  \
	  "the client gave up before the answer", C(canceled))                                     \
	X(closed, "CLOSED", "closedTotal", ALL | NUMBER, 0, "connections that have ended",         \
	  C(closed))                                                                               \
	X(no_backend, "NO-BACKEND", "noBackendTotal", ALL | NUMBER, 0,                             \
	  "connects that were refused, as no backend was there", value_count(s->no_backends))      \
	X(rebalance_auto, NULL, "rebalanceAuto", 0, 0, "",                                         \
	  value_truth(s->rebalance_ms == GW_REBALANCE_AUTO))                                       \
	X(rebalance_seconds, NULL, "rebalanceSeconds", 0, 0, "", rebalance_seconds(s))             \
	X(rebalance, "REBALANCE", NULL, ALL, 0,                                                    \
	  "how long a connection must be quiet before it may be moved", rebalance_text(s))         \
	X(drain_deadline, "DRAIN-DEADLINE", "drainDeadlineSeconds", ALL | NUMBER, 0,               \
	  "when what a drained backend still has is moved",                                        \
	  s->drain_deadline_ms ? value_seconds(s->drain_deadline_ms / 1e3) : value_unknown())      \
	X(longest_wait, NULL, "longestWaitSeconds", 0, 0, "", longest_wait_seconds(s))

#define READ(id, title, field, shown, width, help, reading)                                        \
	static struct value read_##id(const void *arg)                                             \
	{                                                                                          \
		const struct view_service *s = arg;                                                \
                                                                                                   \
		return reading;                                                                    \
	}

COLUMNS(READ)

static const struct column items[] = {COLUMNS(COLUMN_ROW)};

const struct columns services_columns = {
	.list = "ServiceList",
	.items = items,
	.count = sizeof(items) / sizeof(items[0]),
};
