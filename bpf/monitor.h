/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of each connection, told while somebody watches (gwbpf/sight.h). While nobody does,
 * it costs a look at one word. Whoever watches says until when, and says so again before that time:
 * if it dies, the first event after that time puts the word back to nothing.
 *
 * Nothing here decides anything: what is lost for want of room is counted, and no hook waits.
 */
#ifndef GWBPF_MONITOR_H
#define GWBPF_MONITOR_H

#include <stdbool.h>

#include <gwbpf/sight.h>

#include "maps.h"

/* Not pinned: each agent's programs have their own, which is read by that agent alone. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, GW_SIGHTS_BYTES);
} monitor_sights SEC(".maps");

/* The user side maps these two. That which every connection looks at has a cache line to itself. */
__u64 monitor_until_ns __attribute__((aligned(128))); /* somebody watches; 0: nobody does */
__u64 monitor_lost __attribute__((aligned(128)));     /* for want of room; only rises */

static __noinline int monitor_write(const struct gw_conn *conn, __u32 kind, __u32 error,
				    __u64 duration_ns)
{
	struct gw_sight sight = {0};

	sight.time_ns = bpf_ktime_get_ns();
	if (sight.time_ns > monitor_until_ns) {
		monitor_until_ns = 0;
		return 0;
	}
	sight.start_ns = conn->start_ns;
	sight.netns_cookie = conn->netns_cookie;
	sight.cgroup_id = conn->cgroup_id;
	sight.duration_ns = duration_ns;
	sight.service = conn->service;
	sight.backend = conn->backend;
	sight.backend_generation = conn->backend_generation;
	sight.tgid = conn->tgid;
	sight.kind = (__u16)kind;
	sight.error = (__u16)error;
	/* Who reads it looks by itself, often: to be woken would cost each connection more. */
	if (bpf_ringbuf_output(&monitor_sights, &sight, sizeof(sight), BPF_RB_NO_WAKEUP))
		__sync_fetch_and_add(&monitor_lost, 1);
	return 0;
}

static __always_inline bool is_watched_now(void)
{
	return *(volatile __u64 *)&monitor_until_ns;
}

static __always_inline void monitor_tell(const struct gw_conn *conn, enum gw_sight_kind kind,
					 __u32 error, __u64 duration_ns)
{
	if (is_watched_now())
		monitor_write(conn, kind, error, duration_ns);
}

#endif
