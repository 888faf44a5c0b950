/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Suspicion: what one client (a network namespace) remembers of a backend that failed it.
 */
#ifndef GWBPF_SUSPECT_H
#define GWBPF_SUSPECT_H

#include "maps.h"

#define SECOND_NS 1000000000ull
#define SUSPECT_BASE_NS (10 * SECOND_NS)
#define SUSPECT_MAX_NS (300 * SECOND_NS)
#define SUSPECT_DOUBLINGS_MAX 5

static __always_inline struct gw_suspect_key suspect_key(const struct gw_conn *conn)
{
	struct gw_suspect_key key = {
		.netns_cookie = conn->netns_cookie,
		.backend = conn->backend,
		.backend_generation = conn->backend_generation,
	};

	return key;
}

static __always_inline void note_suspect_until(__u32 backend, __u64 until_ns)
{
	struct gw_health *health = bpf_map_lookup_elem(&gw_health, &backend);

	if (!health)
		return;
	bpf_spin_lock(&health->lock);
	if (health->suspect_until_ns < until_ns)
		health->suspect_until_ns = until_ns;
	bpf_spin_unlock(&health->lock);
}

/* The client of this record passes its backend over for a while, longer with each failure. */
static __always_inline void suspect(const struct gw_conn *conn, enum gw_suspicion kind,
				    __u64 now_ns)
{
	struct gw_suspect_key key = suspect_key(conn);
	struct gw_suspect value = {.failures = 1, .kind = kind};
	struct gw_suspect *known = bpf_map_lookup_elem(&gw_suspects, &key);
	__u32 doublings = 0;
	__u64 time_ns;

	if (known && known->kind == kind) {
		doublings = known->failures;
		value.failures = known->failures + 1;
	}
	if (doublings > SUSPECT_DOUBLINGS_MAX)
		doublings = SUSPECT_DOUBLINGS_MAX;
	time_ns = SUSPECT_BASE_NS << doublings;
	if (time_ns > SUSPECT_MAX_NS)
		time_ns = SUSPECT_MAX_NS;
	value.until_ns = now_ns + time_ns;
	bpf_map_update_elem(&gw_suspects, &key, &value, BPF_ANY);
	note_suspect_until(key.backend, value.until_ns);
}

/* The suspicion of this kind is refuted. */
static __always_inline void trust(const struct gw_conn *conn, enum gw_suspicion kind)
{
	struct gw_suspect_key key = suspect_key(conn);
	struct gw_suspect *known = bpf_map_lookup_elem(&gw_suspects, &key);

	if (known && known->kind == kind)
		bpf_map_delete_elem(&gw_suspects, &key);
}

#endif
