// SPDX-License-Identifier: Apache-2.0
#include "agent/drain_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/backend_event.h"
#include "base/log.h"
#include "kernel/drains.h"
#include "kernel/tables.h"

struct drain_log {
	struct tables *tables;
	struct drains *drains;
};

int drain_log_new(struct tables *tables, struct drain_log **ret)
{
	struct drain_log *log = calloc(1, sizeof(*log));
	int err = -ENOMEM;

	if (!log)
		return err;
	log->tables = tables;
	err = drains_new(tables, &log->drains);
	if (err) {
		drain_log_free(log);
		return err;
	}
	*ret = log;
	return 0;
}

void drain_log_free(struct drain_log *log)
{
	if (!log)
		return;
	drains_free(log->drains);
	free(log);
}

static void on_change(const struct drains_change *change, void *arg)
{
	static const enum events_kind kinds[] = {
		[DRAINS_BEGAN] = EVENTS_DRAIN_BEGAN,
		[DRAINS_ENDED] = EVENTS_DRAIN_ENDED,
		[DRAINS_TAKEN_BACK] = EVENTS_DRAIN_TAKEN_BACK,
	};
	const struct backend_event event = {
		.kind = kinds[change->kind],
		.backend = change->backend,
		.generation = change->generation,
	};
	char backend[TABLES_BACKEND_TEXT_MAX], cause[EVENTS_CAUSE_MAX];
	struct drain_log *log = arg;

	if (change->kind == DRAINS_BEGAN)
		snprintf(cause, sizeof(cause), "%s: it has %u connections", change->cause,
			 change->active);
	else if (change->kind == DRAINS_ENDED)
		snprintf(cause, sizeof(cause), "no connection is left");
	else
		snprintf(cause, sizeof(cause), "it has %u connections", change->active);
	backend_event_add(log->tables, &event, "%s", cause);
	tables_backend_text(log->tables, change->backend, change->generation, backend);
	log_info("%s: backend %s: %s", events_kind_name(event.kind), backend, cause);
}

void drain_log_tick(struct drain_log *log)
{
	drains_look(log->drains, on_change, log);
}
