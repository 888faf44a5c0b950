// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The hooks. Entries only: each turns its context into plain values, calls what the headers hold,
 * and writes the answer back.
 */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "kernel_types.h"
#include "connect.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Kernels that are locked down may lack bpf_probe_read_kernel(). Set between open and load. */
const volatile bool has_probe_read = true;

#define TCP_ESTABLISHED 1
#define TCP_SYN_SENT 2
#define TCP_SYN_RECV 3
#define TCP_CLOSE 7

#define ALLOW 1
#define DENY 0

static __always_inline bool is_refused(enum gw_reason reason)
{
	return reason == GW_REASON_NO_BACKENDS || reason == GW_REASON_OVERTAKEN;
}

static __always_inline bool is_rewritten(enum gw_reason reason)
{
	return reason == GW_REASON_BALANCED || reason == GW_REASON_NO_RECORD ||
	       reason == GW_REASON_CANARY;
}

/* Count the way out, and answer a refusal. DENY ends the connect; else `to` is where it goes. */
static __always_inline int conclude(enum gw_reason reason, enum gw_hook hook, struct dest *to)
{
	count_reason(reason);
	if (reason == GW_REASON_CANARY)
		mark_live(hook);
	if (!is_refused(reason))
		return ALLOW;
	if (has_set_retval) {
		bpf_set_retval(-ECONNREFUSED);
		return DENY;
	}
	/* Nothing can listen on port 0: connect(2) answers the same ECONNREFUSED. */
	to->address = loopback(&to->address);
	to->port = 0;
	return ALLOW;
}

SEC("cgroup/connect4")
int gw_connect4(struct bpf_sock_addr *ctx)
{
	struct dest to = {
		.address = {{0, 0, V4_MAPPED, ctx->user_ip4}},
		.port = ctx->user_port,
	};
	enum gw_reason reason = translate(ctx, &to);

	if (conclude(reason, GW_HOOK_CONNECT4, &to) == DENY)
		return DENY;
	if (is_rewritten(reason) || is_refused(reason)) {
		ctx->user_ip4 = to.address.word[3];
		ctx->user_port = to.port;
	}
	return ALLOW;
}

SEC("cgroup/connect6")
int gw_connect6(struct bpf_sock_addr *ctx)
{
	struct dest to = {
		.address = {{ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
			     ctx->user_ip6[3]}},
		.port = ctx->user_port,
	};
	enum gw_reason reason = translate(ctx, &to);

	if (conclude(reason, GW_HOOK_CONNECT6, &to) == DENY)
		return DENY;
	if (is_rewritten(reason) || is_refused(reason)) {
		ctx->user_ip6[0] = to.address.word[0];
		ctx->user_ip6[1] = to.address.word[1];
		ctx->user_ip6[2] = to.address.word[2];
		ctx->user_ip6[3] = to.address.word[3];
		ctx->user_port = to.port;
	}
	return ALLOW;
}

/* The record whose Service a connected socket shows as its peer. */
static __always_inline const struct gw_conn *shown_record(struct bpf_sock_addr *ctx,
							  enum gw_hook hook)
{
	struct bpf_sock *sk = ctx->sk;
	const struct gw_conn *conn;

	if (!sk)
		return NULL;
	conn = bpf_sk_storage_get(&gw_conns, sk, NULL, 0);
	if (!conn || conn->state != GW_CONN_COUNTED)
		return NULL;
	if (is_canary(conn))
		mark_live(hook);
	return conn;
}

SEC("cgroup/getpeername4")
int gw_getpeername4(struct bpf_sock_addr *ctx)
{
	const struct gw_conn *conn = shown_record(ctx, GW_HOOK_GETPEERNAME4);

	if (conn) {
		ctx->user_ip4 = conn->vip.word[3];
		ctx->user_port = conn->port;
	}
	return ALLOW;
}

SEC("cgroup/getpeername6")
int gw_getpeername6(struct bpf_sock_addr *ctx)
{
	const struct gw_conn *conn = shown_record(ctx, GW_HOOK_GETPEERNAME6);

	if (conn) {
		ctx->user_ip6[0] = conn->vip.word[0];
		ctx->user_ip6[1] = conn->vip.word[1];
		ctx->user_ip6[2] = conn->vip.word[2];
		ctx->user_ip6[3] = conn->vip.word[3];
		ctx->user_port = conn->port;
	}
	return ALLOW;
}

#define OUR_EVENTS (BPF_SOCK_OPS_STATE_CB_FLAG | BPF_SOCK_OPS_RTO_CB_FLAG)

/* At each event that comes in any case: another program that sets its flags may take ours away. */
static __always_inline void ask_for_events(struct bpf_sock_ops *ctx)
{
	__u32 flags = ctx->bpf_sock_ops_cb_flags;

	if ((flags & OUR_EVENTS) != OUR_EVENTS)
		bpf_sock_ops_cb_flags_set(ctx, flags | OUR_EVENTS);
}

static __always_inline void on_syn(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
				   struct gw_conn *conn)
{
	if (conn->state != GW_CONN_PICKED)
		return;
	conn_count(conn);
	limit_early(ctx, tcp, conn);
	ask_for_events(ctx);
}

/* How long until the first SYN is repeated; also asked when the kernel reckons for how long a
 * number of repeats lasts. */
static __always_inline void on_timeout_init(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
					    const struct gw_conn *conn)
{
	if (conn->state != GW_CONN_COUNTED)
		return;
	ask_for_events(ctx);
	if (is_syn_count_ours(tcp, conn))
		ctx->reply = FIRST_SYN_AGAIN_MS * jiffies_per_second / 1000;
}

static __always_inline void on_repeat(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
				      struct gw_conn *conn)
{
	bool is_gone;

	if (conn->state != GW_CONN_COUNTED || conn->established_ns)
		return;
	is_gone = !backend_is_member(conn);
	limit_connect(ctx, tcp, conn, is_gone);
	if (!is_gone)
		suspect_silence(conn, bpf_ktime_get_ns(), next_repeat_ns(ctx));
}

static __always_inline void on_established(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
					   struct gw_conn *conn)
{
	if (conn->state != GW_CONN_COUNTED || conn->established_ns)
		return;
	/* The kernel's own reading of the clock, when the answer came. */
	conn_establish(conn, tcp->tcp_clock_cache);
	limit_silence(ctx, tcp, conn);
	ask_for_events(ctx);
}

static __always_inline bool is_closed_by_application(const struct sock *sk)
{
	return sk->__sk_common.skc_flags & 1ul << bpf_core_enum_value(enum sock_flags, SOCK_DEAD);
}

/*
 * Why it ended. What its peer still sends to a connection that the application has closed is
 * answered with a reset, which also ends this side, and means nothing. An ICMP error that comes
 * while connect(2) still holds the socket, as it does from this node itself, ends nothing: the
 * kernel keeps it aside, and the application, which sees it, closes. SO_ERROR has cleared it then,
 * but not the error queue.
 */
static __always_inline int end_error(const struct tcp_sock *tcp, const struct gw_conn *conn)
{
	const struct sock *sk = &tcp->inet_conn.icsk_inet.sk;

	if (conn->established_ns && sk->sk_err == ECONNRESET && is_closed_by_application(sk))
		return 0;
	if (sk->sk_err || conn->established_ns)
		return sk->sk_err;
	if (sk->sk_err_soft)
		return sk->sk_err_soft;
	return sk->sk_error_queue.qlen ? EHOSTUNREACH : 0;
}

static __always_inline void on_state(struct bpf_sock_ops *ctx, const struct tcp_sock *tcp,
				     struct gw_conn *conn)
{
	__u32 old_state = ctx->args[0];
	__u32 new_state = ctx->args[1];
	__u32 retransmits = ctx->total_retrans;

	if (old_state == TCP_ESTABLISHED)
		conn_begin_to_end(conn);
	if (new_state == TCP_CLOSE)
		conn_close(conn, end_error(tcp, conn), retransmits);
	else if (new_state == TCP_ESTABLISHED)
		on_established(ctx, tcp, conn);
}

/* Of all that the system's sockets go through, what can be of a balanced connection. That one is
 * established ACTIVE_ESTABLISHED_CB says, which always comes, but for two that dial each other. */
static __always_inline bool is_of_interest(const struct bpf_sock_ops *ctx)
{
	__u32 old_state = ctx->args[0];
	__u32 new_state = ctx->args[1];

	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_RTO_CB:
		return true;
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		return ctx->bpf_sock_ops_cb_flags;
	case BPF_SOCK_OPS_STATE_CB:
		return old_state == TCP_ESTABLISHED || new_state == TCP_CLOSE ||
		       (old_state == TCP_SYN_RECV && new_state == TCP_ESTABLISHED);
	}
	return false;
}

SEC("sockops")
int gw_sockops(struct bpf_sock_ops *ctx)
{
	struct gw_conn *conn;
	struct tcp_sock *tcp;
	struct bpf_sock *sk;

	if (!is_of_interest(ctx))
		return ALLOW;
	sk = ctx->sk;
	if (!sk)
		return ALLOW;
	conn = bpf_sk_storage_get(&gw_conns, sk, NULL, 0);
	tcp = conn ? bpf_skc_to_tcp_sock(sk) : NULL;
	if (!conn || !tcp)
		return ALLOW;
	if (is_canary(conn)) {
		conn->state = GW_CONN_COUNTED;
		mark_live(GW_HOOK_SOCKOPS);
		return ALLOW;
	}
	switch (ctx->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
		on_syn(ctx, tcp, conn);
		break;
	case BPF_SOCK_OPS_TIMEOUT_INIT:
		on_timeout_init(ctx, tcp, conn);
		break;
	case BPF_SOCK_OPS_RTO_CB:
		on_repeat(ctx, tcp, conn);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_established(ctx, tcp, conn);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		on_state(ctx, tcp, conn);
		break;
	}
	return ALLOW;
}

/* Whether sockops will be told of the end of this socket: the context is the kernel's own socket. */
static __always_inline bool is_watched(struct bpf_sock *sk)
{
	const struct tcp_sock *tcp = (const void *)sk;
	__u8 flags = 0;

	if (!has_probe_read)
		return true;
	bpf_core_read(&flags, sizeof(flags), &tcp->bpf_sock_ops_cb_flags);
	return flags & BPF_SOCK_OPS_STATE_CB_FLAG;
}

/*
 * The last that is seen of a socket. One that is still counted, and of whose end nothing was or
 * will be said, ends here. Not if it was closed already, and a recount has begun since it was
 * counted: that may have left it out.
 */
static __always_inline void on_release(struct bpf_sock *sk, struct gw_conn *conn, __u32 tcp_state)
{
	if (conn->state == GW_CONN_COUNTED) {
		if (tcp_state == TCP_CLOSE ? conn->epoch == present_epoch() : !is_watched(sk))
			conn_close(conn, 0, 0);
	} else if (tcp_state != TCP_SYN_SENT) {
		conn_forget_picked(conn);
	}
}

/* A socket that is closed in SYN_SENT without having sent one waited for data to put into its SYN
 * (TCP_FASTOPEN_CONNECT): its application gave up, nobody failed. */
SEC("cgroup/sock_release")
int gw_sock_release(struct bpf_sock *sk)
{
	/* Before the record is: whoever closes a socket writes to that first. */
	__u32 tcp_state = sk->state;
	struct gw_conn *conn = bpf_sk_storage_get(&gw_conns, sk, NULL, 0);

	if (!conn)
		return ALLOW;
	if (is_canary(conn))
		mark_live(GW_HOOK_SOCK_RELEASE);
	else
		on_release(sk, conn, tcp_state);
	return ALLOW;
}
