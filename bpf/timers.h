/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The timers of a balanced connection: a first SYN that is lost is repeated soon, an attempt ends
 * in time, and so does a connection whose peer has vanished. What the application has set, or sets
 * later, wins: each option is set on its own, only where the socket has none, and what we set the
 * record remembers, so that it can be taken back.
 */
#ifndef GWBPF_TIMERS_H
#define GWBPF_TIMERS_H

#include <bpf/bpf_core_read.h>

#include "count.h"
#include "health.h"
#include "kernel_types.h"
#include "maps.h"

/* As in linux/tcp.h and asm/socket.h. */
#define SOL_SOCKET 1
#define SOL_TCP 6
#define SO_KEEPALIVE 9
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_SYNCNT 7
#define TCP_USER_TIMEOUT 18
#define KEEPIDLE_MAX_S 32767

#define FIRST_SYN_AGAIN_MS 200
#define KERNELS_SYN_AGAIN_MS 1000
#define SYN_COUNT 8 /* with a first one after 200 ms: for about as long as the kernel's own */
#define AT_ONCE_MS 1
#define MARGIN_MS 500 /* the kernel begins to count at the first repeat, two round trips late */

/* Jiffies a second of this kernel. Set between open and load. */
const volatile __u32 jiffies_per_second = 250;

/* ctx is that of a sockops program or of a connect hook. */
static __always_inline void set_option(void *ctx, int level, int name, int value)
{
	bpf_setsockopt(ctx, level, name, &value, sizeof(value));
}

static __always_inline void set_timeout(void *ctx, struct gw_conn *conn, __u32 ms)
{
	conn->our_timeout_ms = ms;
	set_option(ctx, SOL_TCP, TCP_USER_TIMEOUT, ms);
}

/* Whether what the socket has is nothing, or what we set: an application may set it any time. */
static __always_inline bool is_timeout_ours(const struct tcp_sock *tcp, const struct gw_conn *conn)
{
	return tcp->inet_conn.icsk_user_timeout == conn->our_timeout_ms;
}

static __always_inline bool is_idle_ours(const struct tcp_sock *tcp, const struct gw_conn *conn)
{
	return !tcp->keepalive_time || tcp->keepalive_time == conn->our_idle_s * jiffies_per_second;
}

static __always_inline bool is_interval_ours(const struct tcp_sock *tcp, const struct gw_conn *conn)
{
	return !tcp->keepalive_intvl ||
	       tcp->keepalive_intvl == conn->our_interval_s * jiffies_per_second;
}

static __always_inline bool is_syn_count_ours(const struct tcp_sock *tcp,
					      const struct gw_conn *conn)
{
	return !tcp->inet_conn.icsk_syn_retries ||
	       tcp->inet_conn.icsk_syn_retries == conn->our_syn_count;
}

static __always_inline bool is_kept_alive(const struct tcp_sock *tcp)
{
	return tcp->inet_conn.icsk_inet.sk.__sk_common.skc_flags &
	       1ul << bpf_core_enum_value(enum sock_flags, SOCK_KEEPOPEN);
}

static __always_inline const struct gw_service *service_of(const struct gw_conn *conn)
{
	__u32 index = conn->service;

	return bpf_map_lookup_elem(&gw_services, &index);
}

/* When the first SYN is repeated. An application that counts its SYNs means the kernel's pace. */
static __always_inline __u32 first_repeat_ms(const struct tcp_sock *tcp, const struct gw_conn *conn)
{
	return is_syn_count_ours(tcp, conn) ? FIRST_SYN_AGAIN_MS : KERNELS_SYN_AGAIN_MS;
}

/* Before the first SYN: only what cannot wait for its first repeat, which few connects see. */
static __always_inline void limit_early(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
					struct gw_conn *conn)
{
	const struct gw_service *service = service_of(conn);

	if (service && service->connect_timeout_ms && is_timeout_ours(tcp, conn) &&
	    service->connect_timeout_ms < first_repeat_ms(tcp, conn))
		set_timeout(ctx, conn, service->connect_timeout_ms);
}

/* A SYN is being repeated. Its backend may have left the set meanwhile: then nobody will answer. */
static __always_inline void limit_connect(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
					  struct gw_conn *conn, bool is_gone)
{
	const struct gw_service *service = service_of(conn);
	__u32 timeout_ms;

	if (!service)
		return;
	if (is_syn_count_ours(tcp, conn) && conn->our_syn_count != SYN_COUNT) {
		conn->our_syn_count = SYN_COUNT;
		set_option(ctx, SOL_TCP, TCP_SYNCNT, SYN_COUNT);
	}
	timeout_ms = is_gone ? AT_ONCE_MS : service->connect_timeout_ms;
	if (timeout_ms && timeout_ms != conn->our_timeout_ms && is_timeout_ours(tcp, conn))
		set_timeout(ctx, conn, timeout_ms);
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

/* An idle connection is probed from a third of the time on, every sixth. How often does not matter
 * to the kernel, as there is a TCP_USER_TIMEOUT. */
static __always_inline void watch_peer(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
				       struct gw_conn *conn, __u32 timeout_ms)
{
	if (is_idle_ours(tcp, conn)) {
		conn->our_idle_s = whole_seconds(timeout_ms / 3);
		set_option(ctx, SOL_TCP, TCP_KEEPIDLE, conn->our_idle_s);
	}
	if (is_interval_ours(tcp, conn)) {
		conn->our_interval_s = whole_seconds(timeout_ms / 6);
		set_option(ctx, SOL_TCP, TCP_KEEPINTVL, conn->our_interval_s);
	}
	/* Last: it starts the timer, which a time that is set later would start again. */
	if (!is_kept_alive(tcp)) {
		conn->flags |= GW_CONN_OUR_KEEPALIVE;
		set_option(ctx, SOL_SOCKET, SO_KEEPALIVE, 1);
	}
}

/* Once established: the limit of the attempt gives way to that of a dead peer. */
static __always_inline void limit_silence(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
					  struct gw_conn *conn)
{
	const struct gw_service *service = service_of(conn);
	__u32 timeout_ms;

	if (!service)
		return;
	timeout_ms = patience(service->dead_peer_timeout_ms);
	if (timeout_ms != conn->our_timeout_ms && is_timeout_ours(tcp, conn))
		set_timeout(ctx, conn, timeout_ms);
	if (service->dead_peer_timeout_ms)
		watch_peer(ctx, tcp, conn, service->dead_peer_timeout_ms);
}

/*
 * The socket turns elsewhere. These three cannot be set back to nothing: they get what nothing
 * means now, and the record says that it is not the application's.
 */
static __always_inline void reset_options(struct bpf_sock_addr *ctx, const struct tcp_sock *tcp,
					  struct gw_conn *conn)
{
	const struct net *net = tcp->inet_conn.icsk_inet.sk.__sk_common.skc_net.net;
	__u32 idle_s = net->ipv4.sysctl_tcp_keepalive_time / jiffies_per_second;
	__u32 interval_s = net->ipv4.sysctl_tcp_keepalive_intvl / jiffies_per_second;

	if (tcp->keepalive_time && is_idle_ours(tcp, conn)) {
		conn->our_idle_s = idle_s < KEEPIDLE_MAX_S ? idle_s : KEEPIDLE_MAX_S;
		set_option(ctx, SOL_TCP, TCP_KEEPIDLE, conn->our_idle_s);
	}
	if (tcp->keepalive_intvl && is_interval_ours(tcp, conn)) {
		conn->our_interval_s = interval_s < KEEPIDLE_MAX_S ? interval_s : KEEPIDLE_MAX_S;
		set_option(ctx, SOL_TCP, TCP_KEEPINTVL, conn->our_interval_s);
	}
	if (tcp->inet_conn.icsk_syn_retries && is_syn_count_ours(tcp, conn)) {
		/* Whatever the size of the field: that differs between kernels. */
		conn->our_syn_count = BPF_CORE_READ_BITFIELD(net, ipv4.sysctl_tcp_syn_retries);
		set_option(ctx, SOL_TCP, TCP_SYNCNT, conn->our_syn_count);
	}
}

static __always_inline bool has_our_options(const struct gw_conn *conn)
{
	return conn->our_timeout_ms || conn->our_syn_count || conn->our_idle_s ||
	       conn->our_interval_s || conn->flags & GW_CONN_OUR_KEEPALIVE;
}

static __always_inline void take_back_options(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
					      struct gw_conn *conn)
{
	const struct tcp_sock *tcp;

	if (!has_our_options(conn))
		return;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return;
	if (conn->our_timeout_ms && is_timeout_ours(tcp, conn))
		set_option(ctx, SOL_TCP, TCP_USER_TIMEOUT, 0);
	conn->our_timeout_ms = 0;
	if (conn->flags & GW_CONN_OUR_KEEPALIVE && is_kept_alive(tcp))
		set_option(ctx, SOL_SOCKET, SO_KEEPALIVE, 0);
	conn->flags &= ~GW_CONN_OUR_KEEPALIVE;
	reset_options(ctx, tcp, conn);
}

#endif
