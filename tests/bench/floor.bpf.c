// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs that do a part of what the hooks do, or nothing. Measured beside the hooks they show what
 * no hook can do without. They use the datapath's own maps.
 */
#include <linux/bpf.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <asm/socket.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

#define SOL_TCP 6
#define ALLOW 1

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Where connects are sent. Set between open and load. */
const volatile __be32 peer_ipv4;
const volatile __be16 peer_port;

/* What was read: or clang would not read it. */
__u64 read_last;

SEC("cgroup/connect4")
int floor_connect_nothing(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return ALLOW;
}

SEC("sockops")
int floor_sockops_nothing(struct bpf_sock_ops *ctx)
{
	(void)ctx;
	return ALLOW;
}

SEC("cgroup/sock_release")
int floor_release_nothing(struct bpf_sock *sk)
{
	(void)sk;
	return ALLOW;
}

/* The least by which an address that is ours can be told from others: one look into one map. */
SEC("cgroup/connect4")
int floor_look(struct bpf_sock_addr *ctx)
{
	__u32 index = ctx->user_ip4 % GW_FILTER_WORDS;
	const __u64 *word = bpf_map_lookup_elem(&gw_filter, &index);

	if (word)
		read_last = *word;
	return ALLOW;
}

static __always_inline void send_to_peer(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk || !bpf_sk_storage_get(&gw_conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE))
		return;
	ctx->user_ip4 = peer_ipv4;
	ctx->user_port = peer_port;
}

/* A balanced connect: the socket's record and another address, whatever else there is to do. */
SEC("cgroup/connect4")
int floor_record(struct bpf_sock_addr *ctx)
{
	send_to_peer(ctx);
	return ALLOW;
}

/* The fewest connections: each member's load has to be read, for which its slot has to be. */
static __always_inline __u64 read_loads(__u64 word)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < GW_SET_MAX; i++) {
		__u32 index = GW_SET_BASE(word) + 1 + i;
		const struct gw_slot *slot;
		const __u64 *load;

		if (i >= GW_SET_COUNT(word))
			break;
		slot = bpf_map_lookup_elem(&gw_slots, &index);
		if (!slot)
			break;
		index = slot->backend;
		load = bpf_map_lookup_elem(&gw_loads, &index);
		if (!load)
			break;
		sum += *load;
	}
	return sum;
}

/* floor_record, and the loads of all members of the first Service. */
SEC("cgroup/connect4")
int floor_loads(struct bpf_sock_addr *ctx)
{
	__u32 first = 0;
	const __u64 *word = bpf_map_lookup_elem(&gw_sets, &first);

	if (word)
		read_last = read_loads(*word);
	send_to_peer(ctx);
	return ALLOW;
}

static __always_inline void set_option(struct bpf_sock_ops *ctx, int level, int name, int value)
{
	bpf_setsockopt(ctx, level, name, &value, sizeof(value));
}

/* Beside floor_record: to be told of the end, without which connections could not be counted, and the
 * options by which one ends whose peer has vanished. */
SEC("sockops")
int floor_options(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
	if (ctx->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		return ALLOW;
	set_option(ctx, SOL_TCP, TCP_USER_TIMEOUT, 25000);
	set_option(ctx, SOL_TCP, TCP_KEEPIDLE, 10);
	set_option(ctx, SOL_TCP, TCP_KEEPINTVL, 5);
	set_option(ctx, SOL_SOCKET, SO_KEEPALIVE, 1);
	return ALLOW;
}
