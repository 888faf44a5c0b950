// SPDX-License-Identifier: Apache-2.0
/*
 * Counting the connections that exist while they come and go. Those opened since the epoch became
 * odd are told apart by a second count in the same word, so that only older ones are compared, of
 * which none is added any more. A close sets its record's state first and subtracts afterwards: if
 * the older ones are as many before the walk as after it and a grace, none closed in between.
 */
#include "kernel/recount.h"

#include <errno.h>
#include <stdlib.h>

#include "kernel/collect.h"
#include "kernel/tables.h"

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

/* A recount that goes on. */
struct audit {
	struct count *counts; /* by backend id */
	struct recount result;
	int rounds;
};

static int walk_start(struct tables *tables)
{
	struct count *counts = tables->audit->counts;

	for (size_t i = 0; i < tables->maps.backends_count; i++) {
		counts[i].before = older(tables, i);
		counts[i].walked = 0;
	}
	return tables_walk_start(tables);
}

static int walk_finish(struct tables *tables, bool wait)
{
	struct gw_walk_conn *conns;
	size_t count;
	int err;

	err = tables_walk_finish(tables, wait, &conns, &count);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		if (is_older(tables, &conns[i]))
			tables->audit->counts[conns[i].conn.backend].walked++;
	free(conns);
	return tables_grace(tables);
}

/* How many to take off: all that are missing, or those that were missing before already; nothing if
 * they may be where the walk was not allowed to look. */
static uint32_t confirm(struct tables *tables, size_t id, uint32_t missing)
{
	uint32_t before = tables->missing[id];

	if (conns_unseen(tables->conns))
		return 0;
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

static int make_audit(struct tables *tables)
{
	size_t count = tables->maps.backends_count;
	struct audit *audit = calloc(1, sizeof(*audit));

	if (!tables->missing)
		tables->missing = calloc(count, sizeof(*tables->missing));
	if (audit)
		audit->counts = calloc(count, sizeof(*audit->counts));
	if (!tables->missing || !audit || !audit->counts) {
		free(audit ? audit->counts : NULL);
		free(audit);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		audit->counts[i].is_pending = tables->maps.backends[i].use == GW_USE_TAKEN;
		audit->result.backends += audit->counts[i].is_pending;
	}
	audit->result.unsettled = audit->result.backends;
	tables->audit = audit;
	return 0;
}

void tables_end_audit(struct tables *tables)
{
	if (!tables->audit)
		return;
	if (tables->maps.meta->epoch & 1)
		step_epoch(tables);
	free(tables->audit->counts);
	free(tables->audit);
	tables->audit = NULL;
}

int tables_audit_begin(struct tables *tables)
{
	int err;

	if (tables->audit || tables->walk_ns)
		return -EBUSY;
	err = make_audit(tables);
	if (err)
		return err;
	err = begin(tables);
	if (!err)
		err = walk_start(tables);
	if (err)
		tables_end_audit(tables);
	return err;
}

static int step(struct tables *tables, bool wait, struct recount *ret)
{
	struct recount *result = &tables->audit->result;
	int err;

	do {
		err = walk_finish(tables, wait);
		if (err == -EAGAIN)
			return err;
		if (err)
			break;
		settle(tables, tables->audit->counts, result);
		if (!result->unsettled || ++tables->audit->rounds == RECOUNT_ROUNDS)
			break;
		err = walk_start(tables);
	} while (!err);
	if (!err) {
		result->unseen = conns_unseen(tables->conns);
		*ret = *result;
	}
	tables_end_audit(tables);
	return err;
}

int tables_audit_step(struct tables *tables, struct recount *ret)
{
	return tables->audit ? step(tables, false, ret) : -ECANCELED;
}

/* A walk that began before is of no use. */
static void cancel_walk(struct tables *tables)
{
	struct gw_walk_conn *conns;
	size_t count;

	if ((tables->audit || tables->walk_ns) && !tables_walk_finish(tables, true, &conns, &count))
		free(conns);
	tables->walk_ns = 0;
	tables_end_audit(tables);
}

int tables_recount(struct tables *tables, struct recount *ret)
{
	int err;

	cancel_walk(tables);
	err = tables_audit_begin(tables);
	return err ? err : step(tables, true, ret);
}
