/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counting. Every add is atomic and none uses its result: hooks can be preempted, and kernel 5.10
 * refuses a program with an atomic whose result is used.
 */
#ifndef GWBPF_COUNT_H
#define GWBPF_COUNT_H

#include "maps.h"

static __always_inline void count_up(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* The two that every other connect of the node takes. Another hook that preempts this one may undo
 * a count: these say how busy the node is, no more. */
static __always_inline bool is_counted_roughly(enum gw_reason reason)
{
	return reason == GW_REASON_NOT_A_SERVICE || reason == GW_REASON_NOT_TCP;
}

static __always_inline void count_reason(enum gw_reason reason)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct gw_reason_counts *counts = bpf_map_lookup_elem(&gw_reasons, &cpu);

	if (!counts)
		return;
	if (is_counted_roughly(reason))
		counts->count[reason % GW_REASON_ROOM]++;
	else
		count_up(&counts->count[reason % GW_REASON_ROOM]);
}

static __always_inline void count_no_backends(__u32 service)
{
	struct gw_retired *retired = bpf_map_lookup_elem(&gw_retired, &service);

	if (retired)
		count_up(&retired->no_backends);
}

/* Whether the id that a record names is still that backend's. */
static __always_inline bool backend_is_there(const struct gw_conn *conn)
{
	__u32 id = conn->backend;
	const struct gw_backend *backend = bpf_map_lookup_elem(&gw_backends, &id);

	return backend && backend->generation == conn->backend_generation;
}

/* Whether that backend is in the set of its Service, and takes new connections. */
static __always_inline bool backend_is_member(const struct gw_conn *conn)
{
	__u32 id = conn->backend;
	const struct gw_backend *backend = bpf_map_lookup_elem(&gw_backends, &id);

	return backend && backend->generation == conn->backend_generation && backend->weight;
}

/* The counters of the backend that a record names; NULL if its id has another owner by now. */
static __always_inline struct gw_counters *counters_of(const struct gw_conn *conn)
{
	__u32 id = conn->backend;

	if (!backend_is_there(conn)) {
		count_reason(GW_REASON_BACKEND_GONE);
		return NULL;
	}
	return bpf_map_lookup_elem(&gw_counters, &id);
}

static __always_inline __u32 present_epoch(void)
{
	__u32 key = 0;
	const volatile struct gw_meta *meta = bpf_map_lookup_elem(&gw_meta, &key);

	return meta ? meta->epoch : 0;
}

/* By one store: a recount must not take this for a connection of an earlier epoch. */
static __always_inline void set_life(struct gw_conn *conn, enum gw_conn_state state, __u32 epoch)
{
	const union gw_life life = {.state = state, .epoch = epoch};

	*(volatile __u64 *)&conn->life.word = life.word;
}

static __always_inline void add_load(const struct gw_conn *conn)
{
	__u32 id = conn->backend;
	__u64 *load = bpf_map_lookup_elem(&gw_loads, &id);

	if (load)
		__sync_fetch_and_add(load, GW_LOAD_ONE(conn->epoch & 1));
}

/* The record says that it is closed before this: a recount that walks in between sees that it has
 * to look again. */
static __always_inline void subtract_load(const struct gw_conn *conn)
{
	__u32 id = conn->backend, epoch = present_epoch();
	__u64 *load = bpf_map_lookup_elem(&gw_loads, &id);

	/* Below nothing it would be more than anybody has. */
	if (load && GW_LOAD_ACTIVE(*load))
		__sync_fetch_and_add(load, -GW_LOAD_ONE(epoch & 1 && epoch == conn->epoch));
}

static const __u32 bucket_bounds_us[GW_HISTOGRAM_MAX - 1] = GW_HISTOGRAM_US;

static __always_inline void count_connect_time(struct gw_counters *counters, __u64 ns)
{
	__u64 us = ns / 1000;
	__u32 bucket = 0;

#pragma unroll
	for (int i = 0; i < GW_HISTOGRAM_MAX - 1; i++)
		bucket += us > bucket_bounds_us[i];
	/* clang knows the bound and would drop the check that the verifier needs. */
	asm volatile("" : "+r"(bucket));
	if (bucket >= GW_HISTOGRAM_MAX)
		return;
	count_up(&counters->connect_buckets[bucket]);
	__sync_fetch_and_add(&counters->connect_ns, ns);
}

#endif
