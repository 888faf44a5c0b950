/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failing backends. Suspicion belongs to one client (a network namespace), so that one that is cut
 * off by a firewall takes nothing from the others; ejection belongs to the node, and comes when two
 * clients fail. An ejected backend comes back through one connection that tries it.
 */
#ifndef GWBPF_HEALTH_H
#define GWBPF_HEALTH_H

#include <stdbool.h>

#include "maps.h"

#define MS_NS 1000000ull
#define SECOND_NS 1000000000ull
/* Where ejection is off, a client still passes over for a while what failed it. */
#define SUSPECT_BASE_NS (10 * SECOND_NS)
#define SUSPECT_MAX_NS (300 * SECOND_NS)
#define SILENT_NS SECOND_NS /* how long a repeated SYN counts after the next one is due */
#define LEASE_NS (5 * SECOND_NS)
#define DOUBLINGS_MAX 10

/* The policy in gw_conn.how. */
#define HOW_POLICY(how) ((how) & 0xff)

/* Policies that follow the load return by themselves to a peer that always hangs up. */
static __always_inline bool follows_load(__u32 policy)
{
	return policy == GW_POLICY_LC || policy == GW_POLICY_WLC || policy == GW_POLICY_SED ||
	       policy == GW_POLICY_NQ || policy == GW_POLICY_P2C;
}

/* base, doubled that often, but no more than max. */
static __always_inline __u64 grown(__u64 base_ns, __u32 doublings, __u64 max_ns)
{
	__u64 time_ns;

	if (doublings > DOUBLINGS_MAX)
		doublings = DOUBLINGS_MAX;
	time_ns = base_ns << doublings;
	return time_ns < max_ns ? time_ns : max_ns;
}

static __always_inline struct gw_suspect_key suspect_key(const struct gw_conn *conn, bool is_short)
{
	struct gw_suspect_key key = {
		.netns_cookie = conn->netns_cookie,
		.backend = conn->backend,
		.backend_generation = conn->backend_generation,
		.is_short = is_short,
	};

	return key;
}

/* The searches of this service look at health until then. */
static __always_inline void note_trouble(__u32 service, __u64 until_ns, bool is_ejection)
{
	struct gw_cursor *cursor = bpf_map_lookup_elem(&gw_cursors, &service);

	if (!cursor)
		return;
	bpf_spin_lock(&cursor->lock);
	if (cursor->trouble_until_ns < until_ns)
		cursor->trouble_until_ns = until_ns;
	if (is_ejection)
		cursor->ejected = cursor->ejected + 1 ? cursor->ejected + 1 : 1;
	bpf_spin_unlock(&cursor->lock);
}

static __always_inline void note_suspect(const struct gw_conn *conn, __u64 until_ns, bool is_short)
{
	__u32 id = conn->backend;
	struct gw_health *health = bpf_map_lookup_elem(&gw_health, &id);

	if (!health)
		return;
	bpf_spin_lock(&health->lock);
	if (is_short && health->short_until_ns < until_ns)
		health->short_until_ns = until_ns;
	if (!is_short && health->suspect_until_ns < until_ns)
		health->suspect_until_ns = until_ns;
	bpf_spin_unlock(&health->lock);
	note_trouble(conn->service, until_ns, false);
}

static __always_inline void write_suspect(const struct gw_conn *conn, struct gw_suspect *value)
{
	bool is_short = value->kind == GW_SUSPICION_SHORT;
	struct gw_suspect_key key = suspect_key(conn, is_short);

	/* First, or whoever is reached in between would not look for it. */
	note_suspect(conn, value->until_ns, is_short);
	bpf_map_update_elem(&gw_suspects, &key, value, BPF_ANY);
}

/* The client of this record passes its backend over for a while, longer with each failure. Many
 * attempts that fail together are one failure. Returns until when. */
static __always_inline __u64 suspect(const struct gw_conn *conn, enum gw_suspicion kind,
				     __u64 now_ns)
{
	bool is_short = kind == GW_SUSPICION_SHORT;
	struct gw_suspect_key key = suspect_key(conn, is_short);
	struct gw_suspect value = {.failures = 1, .kind = kind, .changed_ns = now_ns};
	const struct gw_suspect *known = bpf_map_lookup_elem(&gw_suspects, &key);
	__u32 service_index = conn->service;
	const struct gw_service *service = bpf_map_lookup_elem(&gw_services, &service_index);
	__u64 base_ns = SUSPECT_BASE_NS, max_ns = SUSPECT_MAX_NS;

	if (service && service->eject_base_ms) {
		base_ns = service->eject_base_ms * MS_NS;
		max_ns = service->eject_max_ms * MS_NS;
	}
	if (known && known->failures && conn->start_ns < known->changed_ns)
		return known->until_ns;
	/* It lasts nearly as long as any can: a client of short connections need not write it anew at
	 * the end of each. */
	if (is_short && known && known->until_ns > now_ns + max_ns - max_ns / 16)
		return known->until_ns;
	if (known)
		value.failures = known->failures + 1;
	value.until_ns = now_ns + grown(base_ns, value.failures - 1, max_ns);
	write_suspect(conn, &value);
	return value.until_ns;
}

/* A SYN had to be repeated, and will be again: until it is answered, or has failed, this client
 * tries others first. */
static __always_inline void suspect_silence(const struct gw_conn *conn, __u64 now_ns,
					    __u64 again_ns)
{
	struct gw_suspect_key key = suspect_key(conn, false);
	struct gw_suspect value = {
		.until_ns = now_ns + again_ns + SILENT_NS,
		.changed_ns = now_ns,
		.failures = 0,
		.kind = GW_SUSPICION_SILENT,
	};
	const struct gw_suspect *known = bpf_map_lookup_elem(&gw_suspects, &key);

	if (known && known->kind != GW_SUSPICION_SILENT && known->until_ns > value.until_ns)
		return;
	/* The failures so far are not forgotten over it, nor when the last one was. */
	if (known && known->failures) {
		value.failures = known->failures;
		value.changed_ns = known->changed_ns;
	}
	write_suspect(conn, &value);
}

/* Most backends never are, and the look-up in the hash need not be paid for them. */
static __always_inline bool was_suspect(const struct gw_conn *conn)
{
	__u32 id = conn->backend;
	const struct gw_health *health = bpf_map_lookup_elem(&gw_health, &id);

	return health && health->suspect_until_ns;
}

static __always_inline bool is_in_force(const struct gw_suspect_key *key, __u64 now_ns)
{
	const struct gw_suspect *known = bpf_map_lookup_elem(&gw_suspects, key);

	return known && known->until_ns > now_ns;
}

static __always_inline bool is_failing(const struct gw_conn *conn, __u64 now_ns)
{
	struct gw_suspect_key key = suspect_key(conn, false);

	return was_suspect(conn) && is_in_force(&key, now_ns);
}

/* A connection ended too soon. While a failure is in force that says nothing of its own: when a
 * backend dies, connections of every age end around the first one that it refuses. */
static __always_inline void suspect_short(const struct gw_conn *conn, __u64 now_ns)
{
	if (!is_failing(conn, now_ns))
		suspect(conn, GW_SUSPICION_SHORT, now_ns);
}

/* A connection lasted, or did not come about at all: those that ended too soon say nothing now. */
static __always_inline void forget_short(const struct gw_conn *conn)
{
	struct gw_suspect_key key = suspect_key(conn, true);
	__u32 id = conn->backend;
	const struct gw_health *health = bpf_map_lookup_elem(&gw_health, &id);

	if (health && health->short_until_ns)
		bpf_map_delete_elem(&gw_suspects, &key);
}

/* It was reached: what failed earlier is over. Not what failed after this attempt began, unless
 * that is a SYN to which there was no answer yet. */
static __always_inline void trust_reachable(const struct gw_conn *conn)
{
	struct gw_suspect_key key = suspect_key(conn, false);
	const struct gw_suspect *known;

	if (!was_suspect(conn))
		return;
	known = bpf_map_lookup_elem(&gw_suspects, &key);
	if (known && (known->kind == GW_SUSPICION_SILENT || conn->start_ns >= known->changed_ns))
		bpf_map_delete_elem(&gw_suspects, &key);
}

/* With the lock held: nobody on this node is sent there. */
static __always_inline void eject(struct gw_health *health, const struct gw_service *service,
				  __u64 failed_probe, __u64 now_ns)
{
	__u64 base_ns = service->eject_base_ms * MS_NS;
	__u64 max_ns = service->eject_max_ms * MS_NS;

	/* Well for longer than any ejection lasts: the past is forgotten. */
	if (!health->is_ejected && now_ns - health->changed_ns > max_ns)
		health->doublings = 0;
	health->is_ejected = 1;
	health->changed_ns = now_ns;
	health->ejected_until_ns = now_ns + grown(base_ns, health->doublings, max_ns);
	health->lease_until_ns = 0;
	health->failed_until_ns = 0;
	health->failed_client = failed_probe;
	health->doublings++;
	health->ejections++;
}

/*
 * With the lock held: whether this failure ejects, or does so again. Of two failures in a row one
 * must be another client's: one that is cut off must not decide alone, nor by trying alone.
 */
static __always_inline bool is_second_opinion(const struct gw_health *health,
					      const struct gw_conn *conn, __u64 now_ns)
{
	if (health->failed_client == conn->netns_cookie)
		return false;
	return health->is_ejected ? conn->flags & GW_CONN_PROBE : health->failed_until_ns > now_ns;
}

/*
 * An attempt of this record failed; its client suspects the backend until then. An attempt that
 * began before the backend's last change of health says nothing of what it is now.
 */
static __always_inline void judge(const struct gw_conn *conn, __u64 suspect_until_ns, __u64 now_ns)
{
	__u32 id = conn->backend, service_index = conn->service;
	struct gw_health *health = bpf_map_lookup_elem(&gw_health, &id);
	const struct gw_service *service = bpf_map_lookup_elem(&gw_services, &service_index);
	bool is_probe = conn->flags & GW_CONN_PROBE, is_ejection = false;

	if (!health || !service || !service->eject_base_ms)
		return;
	bpf_spin_lock(&health->lock);
	if (conn->start_ns < health->changed_ns) {
		bpf_spin_unlock(&health->lock);
		return;
	}
	if (is_second_opinion(health, conn, now_ns)) {
		eject(health, service, is_probe ? conn->netns_cookie : 0, now_ns);
		is_ejection = true;
	} else if (is_probe) {
		health->lease_until_ns = 0;
	} else if (!health->is_ejected) {
		health->failed_client = conn->netns_cookie;
		health->failed_until_ns = suspect_until_ns;
	}
	bpf_spin_unlock(&health->lock);
	if (is_ejection)
		note_trouble(conn->service, now_ns, true);
}

/* A connection that began after the ejection is established: the backend is back, and its share of
 * new connections grows from nothing within the base time (slow start). */
static __always_inline void restore(const struct gw_conn *conn, __u64 now_ns)
{
	__u32 id = conn->backend, service_index = conn->service;
	struct gw_health *health = bpf_map_lookup_elem(&gw_health, &id);
	const struct gw_service *service = bpf_map_lookup_elem(&gw_services, &service_index);

	if (!health || !service || !health->is_ejected)
		return;
	bpf_spin_lock(&health->lock);
	if (conn->start_ns < health->changed_ns) {
		bpf_spin_unlock(&health->lock);
		return;
	}
	health->is_ejected = 0;
	health->changed_ns = now_ns;
	health->failed_until_ns = 0;
	bpf_spin_unlock(&health->lock);
	note_trouble(service_index, now_ns + service->eject_base_ms * MS_NS, false);
}

/* Become the one connection that may try an ejected backend. */
static __always_inline bool take_lease(__u32 backend, __u64 now_ns)
{
	struct gw_health *health = bpf_map_lookup_elem(&gw_health, &backend);
	bool is_mine = false;

	if (!health)
		return false;
	bpf_spin_lock(&health->lock);
	if (health->is_ejected && now_ns >= health->ejected_until_ns &&
	    now_ns >= health->lease_until_ns) {
		health->lease_until_ns = now_ns + LEASE_NS;
		is_mine = true;
	}
	bpf_spin_unlock(&health->lock);
	return is_mine;
}

#endif
