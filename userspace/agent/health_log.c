// SPDX-License-Identifier: Apache-2.0
#include "agent/health_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/backend_event.h"
#include "agent/backend_log.h"
#include "agent/repeats.h"
#include "kernel/tables.h"
#include "kernel/trouble.h"
#include "kernel/view.h"

#define HEALTH_LINE_MAX (TABLES_BACKEND_TEXT_MAX + 256)

struct health_log {
	struct tables *tables;
	struct trouble *trouble;
	struct repeats repeats;
};

int health_log_new(struct tables *tables, struct health_log **ret)
{
	struct health_log *log = calloc(1, sizeof(*log));
	int err;

	if (!log)
		return -ENOMEM;
	log->tables = tables;
	repeats_init(&log->repeats);
	err = trouble_new(tables, &log->trouble);
	if (err) {
		health_log_free(log);
		return err;
	}
	*ret = log;
	return 0;
}

void health_log_free(struct health_log *log)
{
	if (!log)
		return;
	trouble_free(log->trouble);
	repeats_done(&log->repeats);
	free(log);
}

/* All that the record of health says of a client is its network namespace. */
static const char *client_text(uint64_t client, char buf[64])
{
	snprintf(buf, 64, "a client (network namespace cookie %llu)", (unsigned long long)client);
	return buf;
}

static void write_line(const struct trouble_change *change, const char *backend,
		       char line[HEALTH_LINE_MAX])
{
	const char *error = view_error_name(change->health.error);
	const char *cause = error ? error : "unknown";
	char client[64];

	client_text(change->client, client);
	switch (change->kind) {
	case TROUBLE_ACCUSED:
		snprintf(line, HEALTH_LINE_MAX,
			 "accused: backend %s by %s: %s (times: %u, failures in a row: %u)",
			 backend, client, cause, change->times, change->health.failures);
		return;
	case TROUBLE_CONTRADICTED:
		snprintf(
			line, HEALTH_LINE_MAX,
			"contradicted: backend %s stays in use, as it was reached by %s (times: %u)",
			backend, client, change->times);
		return;
	case TROUBLE_EJECTED:
		snprintf(
			line, HEALTH_LINE_MAX,
			"ejected: backend %s for %.1f s by %s: %s (times: %u, failures in a row: %u)",
			backend, (double)change->ejected_ms / 1e3, client, cause, change->times,
			change->health.failures);
		return;
	case TROUBLE_RETURNING:
		snprintf(line, HEALTH_LINE_MAX,
			 "returning: backend %s: the time of its ejection is over, "
			 "and the next connection that can tries it",
			 backend);
		return;
	case TROUBLE_RETURNED:
		snprintf(line, HEALTH_LINE_MAX,
			 "returned: backend %s was reached by %s (ejections until now: %u)",
			 backend, client, change->health.ejections);
		return;
	case TROUBLE_FORGOTTEN:
		snprintf(line, HEALTH_LINE_MAX,
			 "no longer ejected: backend %s went and came back ready", backend);
		return;
	case TROUBLE_KIND_MAX_:
		break;
	}
	*line = '\0';
}

static void keep_event(const struct health_log *log, const struct trouble_change *change)
{
	struct backend_event event = {
		.backend = change->backend,
		.generation = change->generation,
		.client = change->client,
	};
	const char *error = view_error_name(change->health.error);

	if (!error)
		error = "unknown";
	switch (change->kind) {
	case TROUBLE_ACCUSED:
		event.kind = EVENTS_ACCUSED;
		backend_event_add(log->tables, &event, "%s (failures in a row: %u)", error,
				  change->health.failures);
		break;
	case TROUBLE_EJECTED:
		event.kind = EVENTS_EJECTED;
		backend_event_add(log->tables, &event, "%s: for %.1f s (failures in a row: %u)",
				  error, (double)change->ejected_ms / 1e3, change->health.failures);
		break;
	case TROUBLE_RETURNED:
		event.kind = EVENTS_BACK;
		backend_event_add(log->tables, &event, "a connection reached it");
		break;
	case TROUBLE_FORGOTTEN:
		event.kind = EVENTS_BACK;
		backend_event_add(log->tables, &event, "its endpoint went and came back ready");
		break;
	case TROUBLE_CONTRADICTED:
	case TROUBLE_RETURNING:
	case TROUBLE_KIND_MAX_:
		break;
	}
}

static void on_change(const struct trouble_change *change, void *arg)
{
	char backend[TABLES_BACKEND_TEXT_MAX], line[HEALTH_LINE_MAX], kind[16];
	struct health_log *log = arg;

	keep_event(log, change);
	tables_backend_text(log->tables, change->backend, change->generation, backend);
	write_line(change, backend, line);
	snprintf(kind, sizeof(kind), "%u", change->kind);
	backend_log_tell(&log->repeats, log->tables, change->backend, change->generation, kind,
			 line);
}

void health_log_tick(struct health_log *log)
{
	trouble_look(log->trouble, on_change, log);
	backend_log_sum_up(&log->repeats);
}
