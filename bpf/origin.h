/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who changed the health of a backend, for people to read (gwbpf/origin.h). Written only where that
 * changes, and nothing here decides anything.
 */
#ifndef GWBPF_ORIGIN_BPF_H
#define GWBPF_ORIGIN_BPF_H

#include <gwbpf/origin.h>

#include "maps.h"

/* Not pinned: each agent's programs have their own. Its places are few: a name that another backend
 * has pushed out is missing in a line, and no more. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GW_ORIGINS_MAX);
	__type(key, __u32);
	__type(value, struct gw_origins);
} health_origins SEC(".maps");

/* Two CPUs may change the health of one backend at once: the lock keeps the parts together. */
static __noinline int note_origin(const struct gw_conn *conn, __u32 kind)
{
	__u32 place = conn->backend % GW_ORIGINS_MAX;
	struct gw_origins *origins = bpf_map_lookup_elem(&health_origins, &place);
	struct gw_origin *origin;

	if (!origins || kind >= GW_ORIGIN_KIND_MAX_)
		return 0;
	origin = &origins->all[kind];
	bpf_spin_lock(&origins->lock);
	origin->netns_cookie = conn->netns_cookie;
	origin->cgroup_id = conn->cgroup_id;
	origin->tgid = conn->tgid;
	origin->backend = conn->backend;
	origin->backend_generation = conn->backend_generation;
	bpf_spin_unlock(&origins->lock);
	return 0;
}

#endif
