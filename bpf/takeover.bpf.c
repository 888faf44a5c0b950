// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The records of live connections, from the map of an earlier version whose records have another
 * size into that of this one.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include <gwbpf/abi.h>
#include <gwbpf/takeover.h>

#include "kernel_types.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The pinned ones take their places. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct gw_conn_2);
} gw_conns_2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct gw_conn);
} gw_conns SEC(".maps");

static __always_inline void copy_record(struct gw_conn *to, const struct gw_conn_2 *from)
{
	to->start_ns = from->start_ns;
	to->established_ns = from->established_ns;
	to->netns_cookie = from->netns_cookie;
	to->cgroup_id = from->cgroup_id;
	to->vip = from->vip;
	to->port = from->port;
	to->service = from->service;
	to->backend = from->backend;
	to->backend_generation = from->backend_generation;
	to->tgid = from->tgid;
	to->state = from->state;
}

/* Over the TCP sockets of one network namespace. A record that is there already is newer. */
SEC("iter/tcp")
int gw_take_over(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	const struct gw_conn_2 *from;
	struct tcp_sock *tcp;
	struct gw_conn *to;

	if (!common)
		return 0;
	tcp = bpf_skc_to_tcp_sock(common);
	if (!tcp)
		return 0;
	from = bpf_sk_storage_get(&gw_conns_2, tcp, NULL, 0);
	if (!from || from->backend == GW_CANARY_BACKEND)
		return 0;
	to = bpf_sk_storage_get(&gw_conns, tcp, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (to && to->state == GW_CONN_IDLE)
		copy_record(to, from);
	return 0;
}
