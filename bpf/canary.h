/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The agent's own connection, by which it sees that the hooks run (gwbpf/abi.h). It passes every
 * hook as any other does, is counted nowhere, and leaves the time behind.
 */
#ifndef GWBPF_CANARY_H
#define GWBPF_CANARY_H

#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <stdbool.h>

#include "dest.h"
#include "maps.h"

static __always_inline void mark_live(enum gw_hook hook)
{
	__u32 key = 0;
	struct gw_meta *meta = bpf_map_lookup_elem(&gw_meta, &key);

	if (meta)
		meta->live_ns[hook] = bpf_ktime_get_ns();
}

static __always_inline bool is_canary(const struct gw_conn *conn)
{
	return conn->backend == GW_CANARY_BACKEND;
}

/* From now on it is a socket like any other. */
static __always_inline void forget_canary(struct gw_conn *conn)
{
	conn->backend = 0;
	conn->state = GW_CONN_IDLE;
}

/* One to the API server, which the agent has given its record. */
static __always_inline bool is_own(const struct gw_conn *conn)
{
	return conn->backend == GW_OWN_BACKEND;
}

static __always_inline bool is_canary_dest(const struct dest *to)
{
	const __be32 *word = to->address.word;

	return word[3] == bpf_htonl(GW_CANARY_IPV4) && word[2] == V4_MAPPED && !word[1] && !word[0];
}

/* One by which the agent asks whether this address comes here. */
static __always_inline bool is_proof(const struct gw_conn *conn)
{
	return conn->backend == GW_PROOF_BACKEND;
}

static __always_inline enum gw_reason make_canary(struct gw_conn *conn, struct dest *to)
{
	conn->vip = to->address;
	conn->port = to->port;
	conn->backend = GW_CANARY_BACKEND;
	conn->state = GW_CONN_PICKED;
	to->address = loopback(&to->address);
	return GW_REASON_CANARY;
}

/* Where the agent does not listen it is refused. */
static __always_inline enum gw_reason answer_proof(struct gw_conn *conn, struct dest *to)
{
	__u32 key = 0;
	const struct gw_meta *meta = bpf_map_lookup_elem(&gw_meta, &key);
	enum gw_reason reason = make_canary(conn, to);

	to->port = meta ? meta->canary_port : 0;
	return reason;
}

/* Send it to the agent, if it is our own agent's: another gwbpf may share the cgroup. */
static __always_inline enum gw_reason send_canary(struct bpf_sock *sk, struct dest *to)
{
	__u32 key = 0;
	const struct gw_meta *meta = bpf_map_lookup_elem(&gw_meta, &key);
	struct gw_conn *conn;

	if (!meta || !to->port || meta->canary_port != to->port)
		return GW_REASON_NOT_A_SERVICE;
	conn = bpf_sk_storage_get(&gw_conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!conn)
		return GW_REASON_NOT_A_SERVICE;
	return make_canary(conn, to);
}

#endif
