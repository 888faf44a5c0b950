// SPDX-License-Identifier: Apache-2.0
#include "kernel/drains.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "kernel/registry.h"

enum phase {
	PHASE_NONE,
	PHASE_DRAINING,
	PHASE_EMPTY,
};

struct seen {
	uint32_t generation;
	enum phase phase;
};

struct drains {
	struct tables *tables;
	struct seen *seen; /* by backend id */
};

static const char *cause_of(const struct gw_backend *backend)
{
	if (backend->steered_ns)
		return "by command (gwbpf drain)";
	if (backend->is_named)
		return "by the annotation gwbpf.io/drain";
	if (!backend->wanted_weight)
		return "its weight is 0";
	return "its endpoint is gone, not ready or terminating";
}

/* Nobody asked for it: its endpoint left the set. */
static bool is_unasked(const struct gw_backend *backend)
{
	return !backend->steered_ns && !backend->is_named && backend->wanted_weight;
}

/* An endpoint that leaves without a connection is a change of the set, and no drain. */
static enum phase phase_of(const struct gw_backend *backend, uint32_t active, enum phase before)
{
	if (backend->use != GW_USE_TAKEN || !backend->drain_ns)
		return PHASE_NONE;
	if (active)
		return PHASE_DRAINING;
	return before == PHASE_NONE && is_unasked(backend) ? PHASE_NONE : PHASE_EMPTY;
}

int drains_new(struct tables *tables, struct drains **ret)
{
	struct drains *drains = calloc(1, sizeof(*drains));
	const struct maps *maps = &tables->maps;

	if (!drains)
		return -ENOMEM;
	drains->tables = tables;
	drains->seen = calloc(maps->backends_count, sizeof(*drains->seen));
	if (!drains->seen) {
		drains_free(drains);
		return -ENOMEM;
	}
	for (size_t id = 0; id < maps->backends_count; id++)
		drains->seen[id] = (struct seen){
			maps->backends[id].generation,
			phase_of(&maps->backends[id], GW_LOAD_ACTIVE(maps->loads[id]), PHASE_NONE),
		};
	*ret = drains;
	return 0;
}

void drains_free(struct drains *drains)
{
	if (!drains)
		return;
	free(drains->seen);
	free(drains);
}

struct look {
	drains_visit visit;
	void *arg;
	struct drains_change change;
};

static void tell(struct look *look, enum drains_kind kind)
{
	look->change.kind = kind;
	look->visit(&look->change, look->arg);
}

/* One that has no connections may have had its last one between two looks: it began and ended. */
static void tell_change(struct look *look, enum phase before, enum phase now)
{
	if (now == before)
		return;
	if (now == PHASE_NONE)
		tell(look, DRAINS_TAKEN_BACK);
	if (before == PHASE_NONE)
		tell(look, DRAINS_BEGAN);
	if (now == PHASE_EMPTY)
		tell(look, DRAINS_ENDED);
}

void drains_look(struct drains *drains, drains_visit visit, void *arg)
{
	const struct maps *maps = &drains->tables->maps;
	struct look look = {.visit = visit, .arg = arg};

	for (size_t id = 0; id < maps->backends_count; id++) {
		const struct gw_backend *backend = &maps->backends[id];
		uint32_t active = GW_LOAD_ACTIVE(maps->loads[id]);
		struct seen *seen = &drains->seen[id];
		enum phase now;

		if (seen->generation != backend->generation)
			*seen = (struct seen){.generation = backend->generation};
		now = phase_of(backend, active, seen->phase);
		if (backend->use == GW_USE_TAKEN && seen->phase != now) {
			look.change = (struct drains_change){
				.backend = (uint32_t)id,
				.generation = backend->generation,
				.active = active,
				.cause = cause_of(backend),
			};
			tell_change(&look, seen->phase, now);
		}
		seen->phase = now;
	}
}
