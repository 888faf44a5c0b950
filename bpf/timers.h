/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The timers of a balanced connection: a first SYN that is lost is repeated soon, an attempt ends
 * in time, and so does a connection whose peer has vanished. What the application has set, or sets
 * later, wins: each option is set on its own, only where the socket has none.
 */
#ifndef GWBPF_TIMERS_H
#define GWBPF_TIMERS_H

#include "health.h"
#include "kernel_types.h"
#include "maps.h"

/* As in linux/tcp.h and asm/socket.h. */
#define SOL_SOCKET 1
#define SOL_TCP 6
#define SO_KEEPALIVE 9
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
#define TCP_SYNCNT 7
#define TCP_USER_TIMEOUT 18

#define FIRST_SYN_AGAIN_MS 200
#define SYN_COUNT 8 /* with a first one after 200 ms: for about as long as the kernel's own */
#define KEEPALIVE_COUNT 3
#define MARGIN_MS 500 /* the kernel begins to count at the first repeat, two round trips late */

/* Jiffies a second of this kernel. Set between open and load. */
const volatile __u32 jiffies_per_second = 250;

static __always_inline void set_option(struct bpf_sock_ops *ctx, int level, int name, int value)
{
	bpf_setsockopt(ctx, level, name, &value, sizeof(value));
}

static __always_inline const struct gw_service *service_of(const struct gw_conn *conn)
{
	__u32 index = conn->service;

	return bpf_map_lookup_elem(&gw_services, &index);
}

/* Before the first SYN. */
static __always_inline void limit_connect(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
					  struct gw_conn *conn)
{
	const struct gw_service *service = service_of(conn);

	if (!service)
		return;
	if (!tcp->inet_conn.icsk_syn_retries)
		set_option(ctx, SOL_TCP, TCP_SYNCNT, SYN_COUNT);
	if (!service->connect_timeout_ms || tcp->inet_conn.icsk_user_timeout)
		return;
	conn->our_timeout_ms = service->connect_timeout_ms;
	set_option(ctx, SOL_TCP, TCP_USER_TIMEOUT, service->connect_timeout_ms);
}

/* In how long the SYN that is just being repeated will be again, at most. */
static __always_inline __u64 next_repeat_ns(const struct bpf_sock_ops *ctx)
{
	__u64 rto = ctx->args[1];

	return 2 * rto * SECOND_NS / jiffies_per_second;
}

static __always_inline int whole_seconds(__u32 ms)
{
	return ms < 1000 ? 1 : ms / 1000;
}

/*
 * For how long nothing may come back before the next probe or repeat gives up: less than the whole
 * time, which is a promise. Probes come at whole seconds.
 */
static __always_inline __u32 patience(__u32 timeout_ms)
{
	__u32 margin_ms = timeout_ms / 6 > MARGIN_MS ? timeout_ms / 6 : MARGIN_MS;
	__u32 whole_ms = timeout_ms / 1000 * 1000;

	if (!timeout_ms)
		return 0;
	return timeout_ms - margin_ms < whole_ms ? timeout_ms - margin_ms : whole_ms;
}

/* An idle connection is probed from a third of the time on, every sixth. */
static __always_inline void watch_peer(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
				       __u32 timeout_ms)
{
	if (!tcp->keepalive_time)
		set_option(ctx, SOL_TCP, TCP_KEEPIDLE, whole_seconds(timeout_ms / 3));
	if (!tcp->keepalive_intvl)
		set_option(ctx, SOL_TCP, TCP_KEEPINTVL, whole_seconds(timeout_ms / 6));
	if (!tcp->keepalive_probes)
		set_option(ctx, SOL_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
	/* Last: it starts the timer, which a time that is set later would start again. */
	if (!(tcp->inet_conn.icsk_inet.sk.__sk_common.skc_flags &
	      1ul << bpf_core_enum_value(enum sock_flags, SOCK_KEEPOPEN)))
		set_option(ctx, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* Once established: the limit of the attempt gives way to that of a dead peer. */
static __always_inline void limit_silence(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
					  const struct gw_conn *conn)
{
	const struct gw_service *service = service_of(conn);
	__u32 timeout_ms = tcp->inet_conn.icsk_user_timeout;
	bool is_ours;

	if (!service)
		return;
	is_ours = conn->our_timeout_ms && timeout_ms == conn->our_timeout_ms;
	if (is_ours || (!timeout_ms && service->dead_peer_timeout_ms))
		set_option(ctx, SOL_TCP, TCP_USER_TIMEOUT, patience(service->dead_peer_timeout_ms));
	if (service->dead_peer_timeout_ms)
		watch_peer(ctx, tcp, service->dead_peer_timeout_ms);
}

#endif
