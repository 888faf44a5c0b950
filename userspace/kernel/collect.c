// SPDX-License-Identifier: Apache-2.0
/*
 * Setting free what is no longer used. A backend's counts move to its Service exactly once, through
 * a journal of absolute values: written twice they are the same.
 */
#include "kernel/collect.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/tables.h"

/* Another generation first: from now on no record fits this id. */
static void clear_backend(struct tables *tables, uint32_t id)
{
	uint32_t generation = tables->maps.meta->next_generation++;

	__atomic_store_n(&tables->maps.backends[id].generation, generation, __ATOMIC_RELEASE);
	memset(&tables->maps.counters[id], 0, sizeof(struct gw_counters));
	tables->maps.loads[id] = 0;
}

void tables_replay(struct tables *tables)
{
	struct gw_meta *meta = tables->maps.meta;

	if (!__atomic_load_n(&meta->journal.valid, __ATOMIC_ACQUIRE))
		return;
	tables->maps.retired[meta->journal.service].gone = meta->journal.sum;
	clear_backend(tables, meta->journal.backend);
	__atomic_store_n(&tables->maps.backends[meta->journal.backend].use, GW_USE_FREE,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&meta->journal.valid, 0, __ATOMIC_RELEASE);
}

static void retire_backend(struct tables *tables, const struct table_entry *entry, uint32_t id)
{
	uint32_t service = entry->index;
	struct gw_meta *meta = tables->maps.meta;
	struct gw_health healthy = {0};

	/* Before the id is free: its next owner must not inherit them. */
	bpf_map_update_elem(tables->maps.health_fd, &id, &healthy, BPF_ANY);
	bpf_map_delete_elem(tables->maps.backend_names_fd, &id);
	tables->timed -= tables->maps.backends[id].steered_ns &&
			 tables->maps.backends[id].steered_deadline_ms;
	meta->journal.service = service;
	meta->journal.backend = id;
	meta->journal.sum = tables->maps.retired[service].gone;
	counters_add(&meta->journal.sum, &tables->maps.counters[id]);
	if (tables->missing)
		tables->missing[id] = 0;
	__atomic_store_n(&meta->journal.valid, 1, __ATOMIC_RELEASE);
	tables_replay(tables);
	ids_give(&tables->backend_ids, id);
	shares_give(&tables->shares, entry->share, SHARE_BACKENDS, 1);
	tables->releases++;
}

/* Two audits: a connect that has not sent its first packet by then hardly will. If it does after
 * all, the generation says that the id is another's, and it is left uncounted. */
#define PICKED_MAX_NS (600 * 1000000000ull)

/* One round of tables_collect(). */
struct round {
	struct tables *tables;
	uint64_t now;
	uint64_t linger_ns;
	bool wait;
	uint8_t *in_use; /* by backend id: a record names it; NULL: nobody has looked yet */
	size_t leaving;  /* backends and entries that will go */
	size_t due;      /* those of them whose time has come */
	struct group **groups;
	size_t group_count;
};

static bool is_due(struct round *round, struct backend_ref *ref)
{
	if (GW_LOAD_ACTIVE(round->tables->maps.loads[ref->id])) {
		if (ref->left_ns < round->now)
			ref->left_ns = round->now;
		return false;
	}
	return round->now >= ref->left_ns && round->now - ref->left_ns >= round->linger_ns;
}

/* Connects cannot find it, and after a grace none is left that just has; the walk saw those. */
static bool is_to_be_emptied(const struct round *round, const struct table_entry *entry)
{
	return (entry->withdrawn || entry_is_without_room(entry)) && !entry->published &&
	       entry->member_count && entry->unpublished_ns <= round->now;
}

/* Its backends leave. */
static int empty_entry(struct tables *tables, struct table_entry *entry, uint64_t now)
{
	int err = tables_retire_range(tables, entry->range);

	if (err)
		return err;
	__atomic_store_n(&tables->maps.sets[entry->index], GW_SET_WORD(0, entry->generation, 0),
			 __ATOMIC_RELEASE);
	entry->range = (struct range){0};
	tables_forget_excepted(tables, entry);
	shares_give(&tables->shares, entry->share, SHARE_TABLES, entry->table_slots);
	entry->table_slots = 0;
	tables->releases++;
	entry->member_count = 0;
	for (size_t i = 0; i < entry->backend_count; i++) {
		if (entry->backends[i].is_member)
			entry->backends[i].left_ns = now;
		entry->backends[i].is_member = false;
	}
	return 0;
}

static void look_at_entry(struct round *round, struct table_entry *entry)
{
	if (is_to_be_emptied(round, entry) || (entry->withdrawn && !entry->backend_count))
		round->due++;
	for (size_t i = 0; i < entry->backend_count; i++) {
		if (entry->backends[i].is_member)
			continue;
		round->leaving++;
		if (is_due(round, &entry->backends[i]))
			round->due++;
	}
	round->leaving += entry->withdrawn || is_to_be_emptied(round, entry);
}

static void look_at_group(const void *node, VISIT which, void *closure)
{
	struct group *group = *(struct group *const *)node;
	struct round *round = closure;

	if (which != postorder && which != leaf)
		return;
	for (size_t i = 0; i < group->count; i++)
		look_at_entry(round, group->entries[i]);
	round->groups[round->group_count++] = group;
}

int tables_walk_start(struct tables *tables)
{
	int err = tables->conns ? 0 : conns_open(tables->pin_dir, &tables->conns);

	return err ? err : conns_walk_start(tables->conns);
}

int tables_walk_finish(struct tables *tables, bool wait, struct gw_walk_conn **ret, size_t *count)
{
	int err = conns_walk_finish(tables->conns, wait, ret, count);

	if (!err)
		tables->maps.meta->walk_is_partial = conns_unseen(tables->conns) != 0;
	return err;
}

static bool holds_backend(const struct gw_conn *conn, uint64_t now_ns)
{
	if (conn->state == GW_CONN_PICKED)
		return now_ns < conn->start_ns + PICKED_MAX_NS;
	return conn->state == GW_CONN_COUNTED;
}

/* Which backends a record still names: those must keep their ids. Where the kernel refuses the walk
 * (some under lockdown do) the load alone tells, which misses only a connect that has not sent its
 * first packet for the whole linger time; it will be left uncounted. -EAGAIN: the walk goes on. */
static int look_at_records(struct round *round)
{
	struct tables *tables = round->tables;
	struct maps *maps = &tables->maps;
	struct gw_walk_conn *conns;
	size_t count;
	int err = 0;

	if (!tables->walk_ns) {
		tables->walk_ns = round->now;
		err = tables_walk_start(tables);
	}
	if (!err)
		err = tables_walk_finish(tables, round->wait, &conns, &count);
	if (err == -EAGAIN)
		return err;
	/* What has left since then may have been picked since then. */
	round->now = tables->walk_ns;
	tables->walk_ns = 0;
	round->in_use = calloc(maps->backends_count, 1);
	if (err)
		return err == -EPERM && round->in_use ? 0 : err;
	for (size_t i = 0; i < count && round->in_use; i++) {
		const struct gw_conn *conn = &conns[i].conn;

		if (holds_backend(conn, round->now) && conn->backend < maps->backends_count)
			round->in_use[conn->backend] = 1;
	}
	free(conns);
	return round->in_use ? 0 : -ENOMEM;
}

static void collect_backends(struct round *round, struct table_entry *entry)
{
	size_t kept = 0;

	for (size_t i = 0; i < entry->backend_count; i++) {
		struct backend_ref *ref = &entry->backends[i];

		if (!ref->is_member && is_due(round, ref) && !round->in_use[ref->id])
			retire_backend(round->tables, entry, ref->id);
		else
			entry->backends[kept++] = *ref;
	}
	entry->backend_count = kept;
}

static void free_entry(struct tables *tables, struct group *group, struct table_entry *entry)
{
	tables_forget_excepted(tables, entry);
	__atomic_store_n(&tables->maps.services[entry->index].use, GW_USE_FREE, __ATOMIC_RELEASE);
	bpf_map_delete_elem(tables->maps.service_names_fd, &entry->index);
	ids_give(&tables->service_ids, entry->index);
	shares_give(&tables->shares, entry->share, SHARE_SERVICES, 1);
	tables->releases++;
	group_remove(tables, group, entry);
}

/* From the end: an entry that goes is replaced by the last one, and the last one of all takes the
 * group with it. */
static int collect_group(struct round *round, struct group *group)
{
	int err = 0;

	for (size_t i = group->count; i-- > 0 && !err;) {
		struct table_entry *entry = group->entries[i];
		bool is_last = group->count == 1;

		if (is_to_be_emptied(round, entry))
			err = empty_entry(round->tables, entry, round->now);
		collect_backends(round, entry);
		if (!entry->withdrawn || entry->backend_count || entry->member_count)
			continue;
		free_entry(round->tables, group, entry);
		if (is_last)
			break;
	}
	return err;
}

/* A grace before the walk, so that no connect can still pick what has left; and one behind it,
 * because a record says "closed" a moment before its end is counted. */
static int collect_due(struct round *round)
{
	int err = round->tables->walk_ns ? 0 : tables_release_ranges(round->tables);

	if (!err)
		err = look_at_records(round);
	if (err == -EAGAIN)
		return 0;
	if (!err)
		err = tables_grace(round->tables);
	for (size_t i = 0; i < round->group_count && !err; i++)
		err = collect_group(round, round->groups[i]);
	return err;
}

static int collect(struct tables *tables, uint64_t linger_ms, bool wait)
{
	struct round round = {
		.tables = tables,
		.now = clock_now_ns(),
		.linger_ns = tables->is_short ? 0 : linger_ms * 1000000u,
		.wait = wait,
	};
	int err = 0;

	if (tables->leaving) {
		round.groups = calloc(tables_service_count(tables) + 1, sizeof(*round.groups));
		if (!round.groups)
			return -ENOMEM;
		twalk_r(tables->groups, look_at_group, &round);
		tables->leaving = round.leaving;
	}
	/* An audit has the one walk that there can be at a time. */
	if ((round.due || tables->walk_ns) && !tables->audit) {
		err = collect_due(&round);
	} else if (tables->retiring_count) {
		err = tables_release_ranges(tables);
	}
	if (!tables->walk_ns && !tables->audit)
		tables->is_short = false;
	free(round.in_use);
	free(round.groups);
	return err;
}

int tables_collect(struct tables *tables, uint64_t linger_ms)
{
	return collect(tables, linger_ms, true);
}

int tables_collect_some(struct tables *tables, uint64_t linger_ms)
{
	return collect(tables, linger_ms, false);
}
