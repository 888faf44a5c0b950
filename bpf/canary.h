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

static __always_inline bool is_canary_dest(const struct dest *to)
{
	const __be32 *word = to->address.word;

	if (to->port != bpf_htons(GW_CANARY_PORT) || word[1])
		return false;
	if (word[2] == V4_MAPPED)
		return !word[0] && word[3] == bpf_htonl(GW_CANARY_IPV4);
	return word[0] == bpf_htonl(GW_CANARY_IPV6_FIRST) && !word[2] &&
	       word[3] == bpf_htonl(GW_CANARY_IPV6_LAST);
}

/* Send it to the agent. */
static __always_inline enum gw_reason send_canary(struct bpf_sock *sk, struct dest *to)
{
	__u32 key = 0;
	const struct gw_meta *meta = bpf_map_lookup_elem(&gw_meta, &key);
	struct gw_conn *conn;

	if (!meta || !meta->canary_port)
		return GW_REASON_NOT_A_SERVICE;
	conn = bpf_sk_storage_get(&gw_conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!conn)
		return GW_REASON_NOT_A_SERVICE;
	conn->vip = to->address;
	conn->port = to->port;
	conn->backend = GW_CANARY_BACKEND;
	conn->state = GW_CONN_PICKED;
	to->address = loopback(&to->address);
	to->port = meta->canary_port;
	return GW_REASON_CANARY;
}

#endif
