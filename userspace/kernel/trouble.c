// SPDX-License-Identifier: Apache-2.0
/*
 * The map of health has a lock, so it is not mapped, and to read all of it once a second would cost
 * more than all else that an idle agent does. But no trouble begins without an attempt that fails,
 * and those are counted where we can see it.
 */
#include "kernel/trouble.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gwbpf.skel.h>

#include "base/clock.h"
#include "kernel/batch.h"
#include "kernel/datapath.h"
#include "kernel/registry.h"

/* How often one is looked at after it failed: it is counted a moment before it is judged. */
#define LOOKS 2

/* What was seen of a backend when it was last looked at. */
struct seen {
	uint32_t generation;
	struct gw_health health;
	uint64_t told_until_ns; /* the ejection whose end was told */
};

struct trouble {
	struct tables *tables;
	int origins_fd;     /* the datapath's */
	uint64_t *failures; /* by backend id: what its counters said last */
	uint8_t *looks;     /* likewise: so often it is to be looked at; 0: nothing is wrong */
	struct seen *seen;  /* likewise */
};

static uint64_t failures_of(const struct gw_counters *counters)
{
	return counters->refused + counters->timed_out + counters->unreachable +
	       counters->other_failed;
}

static void put_first(uint32_t id, const void *value, void *arg)
{
	struct trouble *trouble = arg;
	const struct maps *maps = &trouble->tables->maps;
	const struct gw_health *health = value;

	if (id >= maps->backends_count)
		return;
	trouble->failures[id] = failures_of(&maps->counters[id]);
	trouble->looks[id] = health->is_ejected || health->failed_until_ns ? LOOKS : 0;
	if (!health->accusations && !health->ejections)
		return;
	trouble->seen[id] = (struct seen){
		.generation = maps->backends[id].generation,
		.health = *health,
	};
}

int trouble_new(struct datapath *datapath, struct tables *tables, struct trouble **ret)
{
	struct trouble *trouble = calloc(1, sizeof(*trouble));
	size_t count = tables->maps.backends_count;
	int err = -ENOMEM;

	if (!trouble)
		return err;
	trouble->tables = tables;
	trouble->origins_fd = bpf_map__fd(datapath_object(datapath)->maps.health_origins);
	trouble->failures = calloc(count, sizeof(*trouble->failures));
	trouble->looks = calloc(count, sizeof(*trouble->looks));
	trouble->seen = calloc(count, sizeof(*trouble->seen));
	if (trouble->failures && trouble->looks && trouble->seen)
		err = batch_read(tables->maps.health_fd, sizeof(struct gw_health), put_first,
				 trouble);
	if (err) {
		trouble_free(trouble);
		return err;
	}
	*ret = trouble;
	return 0;
}

void trouble_free(struct trouble *trouble)
{
	if (!trouble)
		return;
	free(trouble->failures);
	free(trouble->looks);
	free(trouble->seen);
	free(trouble);
}

struct look {
	trouble_visit visit;
	void *arg;
	struct trouble_change change;
	struct gw_origins origins; /* of this backend, or of one that has the same place */
};

static void read_origins(const struct trouble *trouble, uint32_t id, struct gw_origins *ret)
{
	uint32_t place = id % GW_ORIGINS_MAX;

	if (bpf_map_lookup_elem_flags(trouble->origins_fd, &place, ret, BPF_F_LOCK))
		*ret = (struct gw_origins){0};
}

static bool is_of(const struct gw_origin *origin, const struct trouble_change *change)
{
	return origin->netns_cookie && origin->backend == change->backend &&
	       origin->backend_generation == change->generation;
}

static void tell(struct look *look, enum trouble_kind kind, uint32_t times, uint64_t client)
{
	/* What is nobody's doing has no client, and so the origin of none. */
	static const enum gw_origin_kind of_kinds[TROUBLE_KIND_MAX_] = {
		[TROUBLE_ACCUSED] = GW_ORIGIN_ACCUSED,
		[TROUBLE_CONTRADICTED] = GW_ORIGIN_REACHED,
		[TROUBLE_EJECTED] = GW_ORIGIN_EJECTED,
		[TROUBLE_RETURNED] = GW_ORIGIN_REACHED,
	};
	const struct gw_origin *origin = &look->origins.all[of_kinds[kind]];
	bool is_known = is_of(origin, &look->change) && origin->netns_cookie == client;

	if (!times)
		return;
	look->change.kind = kind;
	look->change.times = times;
	look->change.client = client;
	look->change.origin = is_known ? *origin : (struct gw_origin){0};
	look->visit(&look->change, look->arg);
}

/* Once it is ejected, health speaks of others; whose accusation came before that, the origin says. */
static uint64_t accuser_of(const struct look *look)
{
	const struct gw_origin *origin = &look->origins.all[GW_ORIGIN_ACCUSED];
	const struct gw_health *health = &look->change.health;

	if (health->is_ejected && is_of(origin, &look->change))
		return origin->netns_cookie;
	return health->failed_client ? health->failed_client : health->error_client;
}

static void tell_end(struct look *look, struct seen *seen, uint64_t now_ns)
{
	const struct gw_health *health = &look->change.health;
	bool is_over = health->is_ejected && health->ejected_until_ns <= now_ns &&
		       health->lease_until_ns <= now_ns;
	bool is_forgotten = seen->health.is_ejected && !health->is_ejected &&
			    health->returns == seen->health.returns;

	tell(look, TROUBLE_FORGOTTEN, is_forgotten, 0);
	if (!is_over || seen->told_until_ns == health->ejected_until_ns)
		return;
	tell(look, TROUBLE_RETURNING, 1, 0);
	seen->told_until_ns = health->ejected_until_ns;
}

/* In the order in which they mostly come about. */
static void tell_changes(struct look *look, struct seen *seen, uint64_t now_ns)
{
	const struct gw_health *health = &look->change.health, *before = &seen->health;
	bool is_ours = health->is_ejected && health->ejected_until_ns > health->changed_ns;

	look->change.ejected_ms =
		is_ours ? (health->ejected_until_ns - health->changed_ns) / 1000000 : 0;
	tell(look, TROUBLE_ACCUSED, health->accusations - before->accusations, accuser_of(look));
	tell(look, TROUBLE_CONTRADICTED, health->contradictions - before->contradictions,
	     health->contradicted_by);
	tell(look, TROUBLE_EJECTED, health->ejections - before->ejections,
	     health->is_ejected ? health->changed_client : health->error_client);
	tell(look, TROUBLE_RETURNED, health->returns - before->returns, health->changed_client);
	tell_end(look, seen, now_ns);
	seen->health = *health;
}

static void look_at(struct trouble *trouble, uint32_t id, struct look *look)
{
	const struct maps *maps = &trouble->tables->maps;
	const struct gw_backend *backend = &maps->backends[id];
	struct gw_health *health = &look->change.health;
	struct seen *seen = &trouble->seen[id];

	trouble->looks[id]--;
	if (backend->use != GW_USE_TAKEN ||
	    bpf_map_lookup_elem_flags(maps->health_fd, &id, health, BPF_F_LOCK))
		return;
	if (seen->generation != backend->generation)
		*seen = (struct seen){.generation = backend->generation};
	look->change.backend = id;
	look->change.generation = backend->generation;
	/* Written after its health: who is not there yet is not named. */
	read_origins(trouble, id, &look->origins);
	tell_changes(look, seen, clock_now_ns());
	if (health->is_ejected || health->failed_until_ns)
		trouble->looks[id] = LOOKS;
}

void trouble_look(struct trouble *trouble, trouble_visit visit, void *arg)
{
	const struct maps *maps = &trouble->tables->maps;
	struct look look = {.visit = visit, .arg = arg};

	for (size_t id = 0; id < maps->backends_count; id++) {
		uint64_t failures = failures_of(&maps->counters[id]);

		if (failures != trouble->failures[id]) {
			trouble->failures[id] = failures;
			trouble->looks[id] = LOOKS;
		}
		if (trouble->looks[id])
			look_at(trouble, (uint32_t)id, &look);
	}
}
