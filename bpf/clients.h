/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known of one client (a network namespace) and the backends of one Service: which of them
 * it has reached, and which of its connections ended at once (gw_clients). It decides who may
 * accuse a backend, and which ones this client passes over; it never concerns another client.
 */
#ifndef GWBPF_CLIENTS_H
#define GWBPF_CLIENTS_H

#include <bpf/bpf_core_read.h>
#include <stdbool.h>

#include "kernel_types.h"
#include "maps.h"

#define MS_NS 1000000ull
#define SECOND_NS 1000000000ull
/* Where ejection is off, a client still passes over for a while what failed it. */
#define SUSPECT_BASE_NS (10 * SECOND_NS)
#define SUSPECT_MAX_NS (300 * SECOND_NS)
#define DOUBLINGS_MAX 10

/* The policy in gw_conn.how. */
#define HOW_POLICY(how) ((how)&0xff)

/* Policies that follow the load return by themselves to a peer that always hangs up. */
static __always_inline bool follows_load(__u32 policy)
{
	return policy == GW_POLICY_LC || policy == GW_POLICY_WLC || policy == GW_POLICY_SED ||
	       policy == GW_POLICY_NQ || policy == GW_POLICY_P2C;
}

/* Whether this kernel says whose a network namespace is. */
static __always_inline bool can_see_owner(void)
{
	return bpf_core_field_exists(possible_net_t, net) &&
	       bpf_core_field_exists(struct net, user_ns) &&
	       bpf_core_field_exists(struct user_namespace, level);
}

/*
 * Whether a socket's network namespace belongs to a user, and not to the node: whoever may make
 * user namespaces can give it any addresses and any routes. Where the kernel does not say, all are
 * the node's, and nobody is a witness.
 */
static __always_inline bool is_in_user_netns(const struct sock *sk)
{
	return can_see_owner() && sk->__sk_common.skc_net.net->user_ns->level;
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

/* For how long a client passes a backend over, after that many occasions before this one. */
static __always_inline __u64 avoided_ns(const struct gw_conn *conn, __u32 doublings)
{
	__u32 index = conn->service;
	const struct gw_service *service = bpf_map_lookup_elem(&gw_services, &index);

	if (service && service->eject_base_ms)
		return grown(service->eject_base_ms * MS_NS, doublings,
			     service->eject_max_ms * MS_NS);
	return grown(SUSPECT_BASE_NS, doublings, SUSPECT_MAX_NS);
}

static __always_inline struct gw_client *find_client(const struct gw_conn *conn)
{
	struct gw_client_key key = {.netns_cookie = conn->netns_cookie, .service = conn->service};

	return bpf_map_lookup_elem(&gw_clients, &key);
}

/* What was short long ago says nothing now, and who was reached may exist no more. */
static __always_inline void forget_old(struct gw_client *client, __u64 now_ns)
{
	if (now_ns - client->since_ns < GW_CLIENT_MEMORY_NS || now_ns < client->until_ns)
		return;
	client->since_ns = now_ns;
	client->unsent = 0;
	client->once = 0;
	client->again = 0;
	client->reached = 0;
	if (now_ns - client->until_ns > GW_CLIENT_MEMORY_NS)
		client->shorts = 0;
}

static const struct gw_client unknown_client;

/* NULL: there is no room. */
static __always_inline struct gw_client *take_client(const struct gw_conn *conn, __u64 now_ns)
{
	struct gw_client_key key = {.netns_cookie = conn->netns_cookie, .service = conn->service};
	struct gw_client *client = bpf_map_lookup_elem(&gw_clients, &key);

	if (!client) {
		bpf_map_update_elem(&gw_clients, &key, &unknown_client, BPF_NOEXIST);
		client = bpf_map_lookup_elem(&gw_clients, &key);
	}
	if (client)
		forget_old(client, now_ns);
	return client;
}

static __always_inline __u64 bit_of(const struct gw_conn *conn)
{
	return 1ull << GW_CLIENT_BIT(conn->backend_generation);
}

/* Whether this client may accuse this backend: it has reached it before, and so can tell dead from
 * forbidden. */
static __always_inline bool is_witness(const struct gw_conn *conn)
{
	const struct gw_client *client = find_client(conn);
	__u32 bit = GW_CLIENT_BIT(conn->backend_generation);

	return can_see_owner() && !(conn->flags & GW_CONN_USER_NETNS) && client &&
	       client->mark[bit] == GW_CLIENT_MARK(conn->backend_generation);
}

static __always_inline void note_reached(const struct gw_conn *conn, __u64 now_ns)
{
	struct gw_client *client = take_client(conn, now_ns);
	__u32 bit = GW_CLIENT_BIT(conn->backend_generation);

	if (!client)
		return;
	if (client->mark[bit] != GW_CLIENT_MARK(conn->backend_generation))
		client->mark[bit] = GW_CLIENT_MARK(conn->backend_generation);
	if (!(client->reached & bit_of(conn)))
		client->reached |= bit_of(conn);
	if (client->unsent & bit_of(conn))
		client->unsent &= ~bit_of(conn);
}

/* From now on searches of this client look into its entry. Others need not. */
static __always_inline void note_choosy(const struct gw_conn *conn, __u64 now_ns, __u64 until_ns)
{
	__u32 index = conn->service;
	struct gw_cursor *cursor = bpf_map_lookup_elem(&gw_cursors, &index);

	if (!cursor)
		return;
	bpf_spin_lock(&cursor->lock);
	if (cursor->choosy_until_ns < now_ns)
		cursor->choosy = 0;
	cursor->choosy |= 1ull << GW_CLIENT_BIT(conn->netns_cookie);
	if (cursor->choosy_until_ns < until_ns)
		cursor->choosy_until_ns = until_ns;
	bpf_spin_unlock(&cursor->lock);
}

/* This client's next connect tries another one first; the one after that does not. */
static __always_inline void pass_over_next(const struct gw_conn *conn, struct gw_client *client,
					   __u64 now_ns)
{
	client->is_next = 1;
	note_choosy(conn, now_ns, now_ns + GW_CLIENT_MEMORY_NS);
}

/* No packet left: it may be the way to this backend, or the client's own trouble. */
static __always_inline void note_unsent(const struct gw_conn *conn, __u64 now_ns)
{
	struct gw_client *client = take_client(conn, now_ns);

	if (!client)
		return;
	client->unsent |= bit_of(conn);
	pass_over_next(conn, client, now_ns);
}

/* Where all that a client has reached end its connections at once, it is the client's own way. */
static __always_inline bool are_all_short(const struct gw_client *client)
{
	return !(client->reached & ~client->once);
}

/*
 * A connection ended within a second. Once may be chance: the next connect tries another one.
 * Again, with none that lasted in between: this client passes the backend over for a while.
 */
static __always_inline void note_short(const struct gw_conn *conn, __u64 now_ns)
{
	struct gw_client *client = take_client(conn, now_ns);
	__u64 bit = bit_of(conn);

	if (!client)
		return;
	if (!(client->once & bit)) {
		client->once |= bit;
		client->changed_ns = now_ns;
		pass_over_next(conn, client, now_ns);
		return;
	}
	if (are_all_short(client) || conn->start_ns < client->changed_ns)
		return;
	client->again |= bit;
	client->changed_ns = now_ns;
	client->until_ns = now_ns + avoided_ns(conn, client->shorts);
	client->shorts++;
	note_choosy(conn, now_ns, client->until_ns);
}

/* A connection lasted, or did not come about at all: those that ended too soon say nothing now. */
static __always_inline void forget_short(const struct gw_conn *conn)
{
	struct gw_client *client = find_client(conn);
	__u64 bit = bit_of(conn);

	if (!client || !(client->once & bit))
		return;
	client->once &= ~bit;
	client->again &= ~bit;
	if (!client->again)
		client->shorts = 0;
}

/* Whom one connect passes over, by GW_CLIENT_BIT. */
struct avoided {
	__u64 always;
	__u64 under_load; /* by policies that follow the load */
};

static __always_inline struct avoided take_avoided(const struct gw_conn *conn)
{
	__u32 index = conn->service;
	const struct gw_cursor *cursor = bpf_map_lookup_elem(&gw_cursors, &index);
	struct avoided avoided = {0};
	struct gw_client *client;

	if (!cursor || !(cursor->choosy & 1ull << GW_CLIENT_BIT(conn->netns_cookie)) ||
	    cursor->choosy_until_ns < conn->start_ns)
		return avoided;
	client = find_client(conn);
	if (!client)
		return avoided;
	if (client->is_next) {
		client->is_next = 0;
		avoided.always = client->unsent;
		avoided.under_load = client->once;
	}
	if (conn->start_ns < client->until_ns && !are_all_short(client))
		avoided.under_load |= client->again;
	return avoided;
}

#endif
