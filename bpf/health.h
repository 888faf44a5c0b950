/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Failing backends. Suspicion belongs to one client (a network namespace), so that one that is cut
 * off by a firewall takes nothing from the others; ejection belongs to the node, and comes when two
 * witnesses fail and nobody contradicts. An ejected backend comes back through one connection that
 * tries it. What is known of clients is in clients.h.
 *
 * Of a network namespace that belongs to a user nothing is written here, nor there: the maps are the
 * node's, and whoever makes one namespace after the other could push out what is known of all others.
 */
#ifndef GWBPF_HEALTH_H
#define GWBPF_HEALTH_H

#include <linux/errno.h>
#include <stdbool.h>

#include "clients.h"
#include "maps.h"
#include "monitor.h"
#include "origin.h"

#define SILENT_NS SECOND_NS /* how long a repeated SYN counts after the next one is due */

static __always_inline struct gw_suspect_key suspect_key(const struct gw_conn *conn)
{
	struct gw_suspect_key key = {
		.netns_cookie = conn->netns_cookie,
		.backend = conn->backend,
		.backend_generation = conn->backend_generation,
	};

	return key;
}

/* Those of users' namespaces are apart (gwbpf/abi.h). */
static __always_inline struct gw_suspect *find_suspect(const struct gw_suspect_key *key,
						       bool is_user)
{
	return is_user ? bpf_map_lookup_elem(&gw_user_suspects, key)
		       : bpf_map_lookup_elem(&gw_suspects, key);
}

static __always_inline struct gw_suspect *suspect_of(const struct gw_conn *conn)
{
	struct gw_suspect_key key = suspect_key(conn);

	return find_suspect(&key, conn->flags & GW_CONN_USER_NETNS);
}

static __always_inline struct gw_health *health_of(const struct gw_conn *conn)
{
	__u32 id = conn->backend;

	return bpf_map_lookup_elem(&gw_health, &id);
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

static __always_inline void note_suspect(const struct gw_conn *conn, __u64 until_ns)
{
	struct gw_health *health = health_of(conn);

	/* A search for such a client looks in any case (pick.h). */
	if (!health || conn->flags & GW_CONN_USER_NETNS)
		return;
	bpf_spin_lock(&health->lock);
	if (health->suspect_until_ns < until_ns)
		health->suspect_until_ns = until_ns;
	bpf_spin_unlock(&health->lock);
	note_trouble(conn->service, until_ns, false);
}

static __always_inline void write_suspect(const struct gw_conn *conn, struct gw_suspect *value)
{
	struct gw_suspect_key key = suspect_key(conn);

	/* First, or whoever is reached in between would not look for it. */
	note_suspect(conn, value->until_ns);
	if (conn->flags & GW_CONN_USER_NETNS)
		bpf_map_update_elem(&gw_user_suspects, &key, value, BPF_ANY);
	else
		bpf_map_update_elem(&gw_suspects, &key, value, BPF_ANY);
}

/* The client of this record passes its backend over for a while, longer with each failure. Many
 * attempts that fail together are one failure. Returns until when. */
static __always_inline __u64 suspect(const struct gw_conn *conn, enum gw_suspicion kind,
				     __u64 now_ns)
{
	struct gw_suspect value = {.failures = 1, .kind = kind, .changed_ns = now_ns};
	const struct gw_suspect *known = suspect_of(conn);

	if (known && known->failures && conn->start_ns < known->changed_ns)
		return known->until_ns;
	if (known)
		value.failures = known->failures + 1;
	value.until_ns = now_ns + avoided_ns(conn, value.failures - 1);
	write_suspect(conn, &value);
	return value.until_ns;
}

/* A SYN had to be repeated, and will be again: until it is answered, or has failed, this client
 * tries others first. */
static __always_inline void suspect_silence(const struct gw_conn *conn, __u64 now_ns,
					    __u64 again_ns)
{
	struct gw_suspect value = {
		.until_ns = now_ns + again_ns + SILENT_NS,
		.changed_ns = now_ns,
		.failures = 0,
		.kind = GW_SUSPICION_SILENT,
	};
	const struct gw_suspect *known = suspect_of(conn);

	if (known && known->kind != GW_SUSPICION_SILENT && known->until_ns > value.until_ns)
		return;
	/* The failures so far are not forgotten over it, nor when the last one was. */
	if (known && known->failures) {
		value.failures = known->failures;
		value.changed_ns = known->changed_ns;
	}
	write_suspect(conn, &value);
}

static __always_inline bool is_in_force(const struct gw_suspect *known, __u64 now_ns)
{
	return known && known->until_ns > now_ns;
}

static __always_inline bool is_failing(const struct gw_conn *conn, __u64 now_ns)
{
	const struct gw_health *health = health_of(conn);

	return health && health->suspect_until_ns > now_ns && is_in_force(suspect_of(conn), now_ns);
}

/* It was reached: what failed earlier is over. Not what failed after this attempt began, unless
 * that is a SYN to which there was no answer yet. */
static __always_inline void forget_suspicion(const struct gw_conn *conn)
{
	struct gw_suspect_key key = suspect_key(conn);
	const struct gw_suspect *known = suspect_of(conn);

	if (!known || (known->kind != GW_SUSPICION_SILENT && conn->start_ns < known->changed_ns))
		return;
	if (conn->flags & GW_CONN_USER_NETNS)
		bpf_map_delete_elem(&gw_user_suspects, &key);
	else
		bpf_map_delete_elem(&gw_suspects, &key);
}

/* With the lock held: nobody on this node is sent there. */
static __always_inline void eject(struct gw_health *health, const struct gw_service *service,
				  const struct gw_conn *conn, __u64 now_ns)
{
	__u64 base_ns = service->eject_base_ms * MS_NS;
	__u64 max_ns = service->eject_max_ms * MS_NS;

	/* Well for longer than any ejection lasts: the past is forgotten. */
	if (!health->is_ejected && now_ns - health->changed_ns > max_ns)
		health->doublings = 0;
	health->failed_client = health->is_ejected ? conn->netns_cookie : 0;
	health->is_ejected = 1;
	health->changed_ns = now_ns;
	health->changed_client = conn->netns_cookie;
	health->ejected_until_ns = now_ns + grown(base_ns, health->doublings, max_ns);
	health->lease_until_ns = 0;
	health->failed_until_ns = 0;
	health->doublings++;
	health->ejections++;
}

/* With the lock held: the lease of this record is for others to take, unless its time is over and
 * another connection has it already. */
static __always_inline void give_lease_back(struct gw_health *health, const struct gw_conn *conn)
{
	if (health->lease_until_ns == conn->start_ns + GW_LEASE_NS)
		health->lease_until_ns = 0;
}

/*
 * With the lock held: a trial of an ejected backend failed. Whether it is ejected anew. One client
 * that is cut off must not keep it ejected by trying alone; one that has never reached it, which
 * does not know whether it ever could, puts off the next trial and no more.
 */
static __always_inline bool weigh_trial(struct gw_health *health, const struct gw_service *service,
					const struct gw_conn *conn, bool is_from_witness,
					__u64 now_ns)
{
	if (health->failed_client == conn->netns_cookie)
		return false;
	if (is_from_witness) {
		eject(health, service, conn, now_ns);
		return true;
	}
	health->failed_client = conn->netns_cookie;
	health->ejected_until_ns = now_ns + service->eject_base_ms * MS_NS;
	return false;
}

/*
 * With the lock held: a witness failed. Whether that ejects. Silence is weak: a backend that
 * anybody has reached within the base time is there, and something else is in the way of those who
 * fail.
 */
static __always_inline bool weigh_failure(struct gw_health *health,
					  const struct gw_service *service,
					  const struct gw_conn *conn, bool is_silence,
					  __u64 suspect_until_ns, __u64 now_ns)
{
	bool is_second = health->failed_until_ns > now_ns &&
			 health->failed_client != conn->netns_cookie;
	bool is_weak = is_silence || health->is_silence;
	bool is_there = health->reached_ns &&
			now_ns - health->reached_ns < service->eject_base_ms * MS_NS;

	if (health->reached_ns > conn->start_ns)
		return false;
	if (is_second && !(is_weak && is_there)) {
		eject(health, service, conn, now_ns);
		return true;
	}
	if (is_second || health->failed_until_ns <= now_ns)
		health->accusations++;
	health->failed_client = conn->netns_cookie;
	health->failed_ns = conn->start_ns;
	health->failed_until_ns = suspect_until_ns;
	health->is_silence = is_silence;
	return false;
}

/*
 * An attempt of this record failed; its client suspects the backend until then. An attempt that
 * began before the backend's last change of health says nothing of what it is now.
 */
static __always_inline void judge(const struct gw_conn *conn, int error, __u64 suspect_until_ns,
				  __u64 now_ns)
{
	__u32 service_index = conn->service;
	struct gw_health *health = health_of(conn);
	const struct gw_service *service = bpf_map_lookup_elem(&gw_services, &service_index);
	bool is_accuser = is_witness(conn), is_ejection = false, is_current, is_accusation;
	__u64 ejected_ns;
	__u32 accusations;

	if (!health || !service)
		return;
	bpf_spin_lock(&health->lock);
	accusations = health->accusations;
	health->error = error;
	health->error_ns = now_ns;
	health->error_client = conn->netns_cookie;
	health->failures++;
	if (conn->flags & GW_CONN_PROBE)
		give_lease_back(health, conn);
	is_current = service->eject_base_ms && conn->start_ns >= health->changed_ns;
	if (is_current && health->is_ejected && conn->flags & GW_CONN_PROBE)
		is_ejection = weigh_trial(health, service, conn, is_accuser, now_ns);
	else if (is_current && !health->is_ejected && is_accuser)
		is_ejection = weigh_failure(health, service, conn, error == ETIMEDOUT,
					    suspect_until_ns, now_ns);
	ejected_ns = health->ejected_until_ns - now_ns;
	is_accusation = health->accusations != accusations;
	bpf_spin_unlock(&health->lock);
	if (is_accusation)
		note_origin(conn, GW_ORIGIN_ACCUSED);
	if (!is_ejection)
		return;
	note_origin(conn, GW_ORIGIN_EJECTED);
	monitor_tell(conn, GW_SIGHT_EJECTED, error, ejected_ns);
	note_trouble(conn->service, now_ns, true);
}

/* With the lock held: this connection began after the ejection. */
static __always_inline void restore(struct gw_health *health, const struct gw_conn *conn,
				    __u64 now_ns)
{
	health->is_ejected = 0;
	health->changed_ns = now_ns;
	health->changed_client = conn->netns_cookie;
	health->failed_until_ns = 0;
	health->returns++;
}

/* With the lock held: what an attempt that began earlier says of this backend does not hold.
 * Returns whether it was an accusation that is in force. */
static __always_inline bool contradict(struct gw_health *health, const struct gw_conn *conn,
				       __u64 now_ns)
{
	bool is_in_force = health->failed_until_ns > now_ns;

	if (is_in_force) {
		health->contradictions++;
		health->contradicted_by = conn->netns_cookie;
	}
	health->failed_until_ns = 0;
	return is_in_force;
}

/*
 * A connection is established. If the backend was ejected, it is back, and its share of new
 * connections grows from nothing within the base time (slow start). Most backends are not in
 * trouble, and then nothing is written here but the time, and that seldom.
 */
static __always_inline void trust(const struct gw_conn *conn, __u64 now_ns)
{
	__u32 service_index = conn->service;
	struct gw_health *health = health_of(conn);
	const struct gw_service *service;
	bool is_back = false, is_told = false;

	if (!health)
		return;
	if (conn->start_ns > health->reached_ns + GW_REACHED_STEP_NS ||
	    (conn->start_ns > health->reached_ns && health->failed_until_ns))
		health->reached_ns = conn->start_ns;
	if (!health->is_ejected && !health->failed_until_ns && !health->failures)
		return;
	bpf_spin_lock(&health->lock);
	health->failures = 0;
	if (!health->is_ejected && conn->start_ns > health->failed_ns)
		is_told = contradict(health, conn, now_ns);
	if (health->is_ejected && conn->start_ns >= health->changed_ns) {
		restore(health, conn, now_ns);
		is_back = true;
	}
	bpf_spin_unlock(&health->lock);
	if (is_told || is_back)
		note_origin(conn, GW_ORIGIN_REACHED);
	if (is_back)
		monitor_tell(conn, GW_SIGHT_RETURNED, 0, 0);
	service = bpf_map_lookup_elem(&gw_services, &service_index);
	if (is_back && service)
		note_trouble(service_index, now_ns + service->eject_base_ms * MS_NS, false);
}

/* Its own client trusts the backend again. */
static __always_inline void trust_own(const struct gw_conn *conn)
{
	const struct gw_health *health = health_of(conn);

	/* Most backends never are suspect: they need no look-up in the hash. */
	if (health && (health->suspect_until_ns || conn->flags & GW_CONN_USER_NETNS))
		forget_suspicion(conn);
}

/* A trial that is over and has shown nothing. Its client does not try again before others can. */
static __always_inline void end_trial(const struct gw_conn *conn)
{
	struct gw_health *health = health_of(conn);

	if (!health || !(conn->flags & GW_CONN_PROBE))
		return;
	suspect(conn, GW_SUSPICION_GAVE_UP, bpf_ktime_get_ns());
	bpf_spin_lock(&health->lock);
	give_lease_back(health, conn);
	bpf_spin_unlock(&health->lock);
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
		health->lease_until_ns = now_ns + GW_LEASE_NS;
		is_mine = true;
	}
	bpf_spin_unlock(&health->lock);
	return is_mine;
}

#endif
