// SPDX-License-Identifier: Apache-2.0
#include "agent/health_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/backend_event.h"
#include "agent/backend_log.h"
#include "agent/client_names.h"
#include "agent/repeats.h"
#include "kernel/tables.h"
#include "kernel/trouble.h"
#include "kernel/view.h"

#define HEALTH_LINE_MAX (TABLES_BACKEND_TEXT_MAX + CLIENT_TEXT_MAX + 256)

struct health_log {
	struct tables *tables;
	struct trouble *trouble;
	struct repeats repeats;
	struct client_names names; /* of one look */
};

int health_log_new(struct datapath *datapath, struct tables *tables, struct health_log **ret)
{
	struct health_log *log = calloc(1, sizeof(*log));
	int err;

	if (!log)
		return -ENOMEM;
	log->tables = tables;
	repeats_init(&log->repeats);
	err = trouble_new(datapath, tables, &log->trouble);
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

static void write_line(const struct trouble_change *change, const char *backend,
		       const struct client_name *name, char line[HEALTH_LINE_MAX])
{
	const char *error = view_error_name(change->health.error);
	const char *cause = error ? error : "unknown";
	char client[CLIENT_TEXT_MAX];

	client_name_text(name, client);
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

static void keep_event(const struct health_log *log, const struct trouble_change *change,
		       const struct client_name *name)
{
	struct backend_event event = {
		.backend = change->backend,
		.generation = change->generation,
		.client = change->client,
		.pid = name->pid,
		.name = name,
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
	struct client_name name;

	client_names_find(&log->names, change->client, &change->origin, &name);
	keep_event(log, change, &name);
	tables_backend_text(log->tables, change->backend, change->generation, backend);
	write_line(change, backend, &name, line);
	snprintf(kind, sizeof(kind), "%u", change->kind);
	backend_log_tell(&log->repeats, log->tables, change->backend, change->generation, kind,
			 line);
}

void health_log_tick(struct health_log *log)
{
	trouble_look(log->trouble, on_change, log);
	client_names_done(&log->names);
	backend_log_sum_up(&log->repeats);
}
