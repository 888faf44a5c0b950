// SPDX-License-Identifier: Apache-2.0
/*
 * Counting the connections that exist while they come and go. Those opened since the epoch became
 * odd are told apart by a second count in the same word, so that only older ones are compared, of
 * which none is added any more. A close sets its record's state first and subtracts afterwards: if
 * the older ones are as many before the walk as after it and a grace, none closed in between.
 */
#include "kernel/tables.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/tables_state.h"

#define RECOUNT_ROUNDS 8
#define TCP_STATE_CLOSE 7 /* TCP_CLOSE of the kernel's net/tcp_states.h */

struct count {
	int32_t before;  /* by the word, opened in an earlier epoch */
	uint32_t walked; /* by the records */
	bool is_pending;
};

static int32_t older(const struct tables *tables, size_t id)
{
	uint64_t word = __atomic_load_n(&tables->maps.loads[id], __ATOMIC_ACQUIRE);

	return (int32_t)(GW_LOAD_ACTIVE(word) - GW_LOAD_SINCE(word));
}

static void step_epoch(struct tables *tables)
{
	uint32_t *epoch = &tables->maps.meta->epoch;

	__atomic_store_n(epoch, *epoch + 1, __ATOMIC_SEQ_CST);
}

/* Begin an odd epoch with nothing opened in it. */
static int begin(struct tables *tables)
{
	int err;

	/* One that was interrupted. */
	if (tables->maps.meta->epoch & 1)
		step_epoch(tables);
	err = tables_grace(tables);
	if (err)
		return err;
	for (size_t i = 0; i < tables->maps.loads_count; i++)
		if (GW_LOAD_SINCE(tables->maps.loads[i]))
			__atomic_fetch_and(&tables->maps.loads[i], UINT32_MAX, __ATOMIC_SEQ_CST);
	step_epoch(tables);
	return tables_grace(tables);
}

static bool is_older(const struct tables *tables, const struct gw_walk_conn *conn)
{
	const struct gw_conn *record = &conn->conn;

	return record->state == GW_CONN_COUNTED && !(record->flags & GW_CONN_USER_NETNS) &&
	       record->epoch != tables->maps.meta->epoch && conn->tcp_state != TCP_STATE_CLOSE &&
	       record->backend < tables->maps.backends_count &&
	       tables->maps.backends[record->backend].generation == record->backend_generation;
}

static int walk(struct tables *tables, struct count *counts)
{
	struct gw_walk_conn *conns;
	size_t count;
	int err;

	for (size_t i = 0; i < tables->maps.backends_count; i++) {
		counts[i].before = older(tables, i);
		counts[i].walked = 0;
	}
	err = tables_walk(tables, &conns, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		if (is_older(tables, &conns[i]))
			counts[conns[i].conn.backend].walked++;
	free(conns);
	return tables_grace(tables);
}

/* How many to take off: all that are missing, or those that were missing before already. */
static uint32_t confirm(struct tables *tables, size_t id, uint32_t missing)
{
	uint32_t before = tables->missing[id];

	if (conns_sees_all(tables->conns))
		return missing;
	if (before > missing)
		before = missing;
	tables->missing[id] = missing - before;
	return before;
}

static void subtract(struct tables *tables, size_t id, uint32_t count)
{
	__atomic_fetch_sub(&tables->maps.loads[id], count, __ATOMIC_SEQ_CST);
	/* Nobody saw them end. */
	__atomic_fetch_add(&tables->maps.counters[id].closed, count, __ATOMIC_SEQ_CST);
}

static void correct(struct tables *tables, size_t id, const struct count *count,
		    struct recount *result)
{
	int64_t missing = (int64_t)count->before - count->walked;
	uint32_t surplus;

	if (missing <= 0)
		tables->missing[id] = 0;
	if (missing < 0) {
		__atomic_fetch_add(&tables->maps.loads[id], (uint64_t)-missing, __ATOMIC_SEQ_CST);
		result->added += (uint64_t)-missing;
	}
	if (missing > 0) {
		surplus = confirm(tables, id, (uint32_t)missing);
		subtract(tables, id, surplus);
		result->removed += surplus;
		result->doubted += (uint32_t)missing - surplus;
		missing = surplus;
	}
	result->corrected += missing != 0;
}

static void settle(struct tables *tables, struct count *counts, struct recount *result)
{
	result->unsettled = 0;
	for (size_t i = 0; i < tables->maps.backends_count; i++) {
		if (!counts[i].is_pending)
			continue;
		if (older(tables, i) != counts[i].before) {
			result->unsettled++;
			continue;
		}
		counts[i].is_pending = false;
		correct(tables, i, &counts[i], result);
	}
}

static int make_room(struct tables *tables, struct count **ret)
{
	size_t count = tables->maps.backends_count;

	if (!tables->missing)
		tables->missing = calloc(count, sizeof(*tables->missing));
	*ret = calloc(count, sizeof(**ret));
	return tables->missing && *ret ? 0 : -ENOMEM;
}

int tables_recount(struct tables *tables, struct recount *ret)
{
	struct recount result = {0};
	struct count *counts;
	int err;

	err = make_room(tables, &counts);
	if (err)
		goto out;
	for (size_t i = 0; i < tables->maps.backends_count; i++) {
		counts[i].is_pending = tables->maps.backends[i].use == GW_USE_TAKEN;
		result.backends += counts[i].is_pending;
	}
	err = begin(tables);
	result.unsettled = result.backends;
	for (int i = 0; i < RECOUNT_ROUNDS && result.unsettled && !err; i++) {
		err = walk(tables, counts);
		if (!err)
			settle(tables, counts, &result);
	}
	if (tables->maps.meta->epoch & 1)
		step_epoch(tables);
	if (!err)
		*ret = result;
out:
	free(counts);
	return err;
}
