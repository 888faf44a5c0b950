/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the address that an application dials to the backend that it gets. Knows no address family.
 */
#ifndef GWBPF_CONNECT_H
#define GWBPF_CONNECT_H

#include <linux/in.h>
#include <stdbool.h>

#include "canary.h"
#include "dest.h"
#include "life.h"
#include "pick.h"
#include "timers.h"

#define SOCK_STREAM 1

/* The agent's heartbeat comes each second. */
#define ALONE_AFTER_NS (15 * SECOND_NS)

/* Kernels before 5.18 lack bpf_set_retval() and bpf_get_retval(). Set between open and load. */
const volatile bool has_set_retval = true;

/* Whether the address can be a Service's: a bit tells so of nearly all that are not. */
static __always_inline bool may_be_service(const struct dest *to)
{
	__u32 bit = gw_filter_bit(&to->address, to->port), index = bit / 64;
	const __u64 *word = bpf_map_lookup_elem(&gw_filter, &index);

	return word && *word >> bit % 64 & 1;
}

/* Find the service that an address belongs to. Not GW_REASON_BALANCED: why it is none of ours. */
static __always_inline enum gw_reason find_service(const struct dest *to, __u32 *index,
						   const struct gw_service **ret)
{
	struct gw_vip_key key = {
		.address = to->address,
		.port = to->port,
		.protocol = IPPROTO_TCP,
	};
	const struct gw_service *service;
	const __u32 *found;

	if (!may_be_service(to))
		return GW_REASON_NOT_A_SERVICE;
	found = bpf_map_lookup_elem(&gw_vips, &key);
	if (!found)
		return GW_REASON_NOT_A_SERVICE;
	*index = *found;
	service = bpf_map_lookup_elem(&gw_services, index);
	/* The hash may hand out an element that is just being reused for another address. */
	if (!service || service->port != to->port || !same_address(&service->vip, &to->address))
		return GW_REASON_STALE_VIP;
	*ret = service;
	return service->suspended ? GW_REASON_SUSPENDED : GW_REASON_BALANCED;
}

/* Whether the agent is there to follow what Kubernetes says, and has not been for a while. The
 * heartbeat is read before the time is: one that is written between the two reads must not lie in
 * the future. Who never steps aside has nobody to leave a connect to. */
static __always_inline enum gw_reason check_agent(__u64 *now_ns, bool *is_alone)
{
	__u32 key = 0;
	const volatile struct gw_meta *meta = bpf_map_lookup_elem(&gw_meta, &key);
	__u64 heartbeat_ns = meta ? meta->heartbeat_ns : 0;
	__u64 stale_after_ns = meta ? meta->stale_after_ns : 0;

	*now_ns = bpf_ktime_get_ns();
	if (meta && meta->suspended)
		return GW_REASON_SUSPENDED;
	if (!stale_after_ns || *now_ns <= heartbeat_ns)
		return GW_REASON_BALANCED;
	*is_alone = *now_ns - heartbeat_ns >= ALONE_AFTER_NS;
	if (*now_ns - heartbeat_ns > stale_after_ns)
		return GW_REASON_STEPPED_ASIDE;
	return GW_REASON_BALANCED;
}

/* Whether a program that ran before this one has refused the connect. */
static __always_inline bool is_denied(void)
{
	return has_set_retval && bpf_get_retval() < 0;
}

/* Whether the process is of a pod whose connects to this service are left alone. */
static __always_inline bool is_excepted(__u32 service)
{
	struct gw_excepted_key key = {.service = service};

	for (int level = 1; level <= GW_EXCEPTED_LEVEL_MAX; level++) {
		key.cgroup_id = bpf_get_current_ancestor_cgroup_id(level);
		if (!key.cgroup_id)
			return false;
		if (bpf_map_lookup_elem(&gw_excepted, &key))
			return true;
	}
	return false;
}

static __always_inline bool is_agents(struct bpf_sock *sk)
{
	const struct gw_conn *conn = bpf_sk_storage_get(&gw_conns, sk, NULL, 0);

	return conn && (is_own(conn) || is_proof(conn));
}

static __always_inline __u8 owner_flag(struct bpf_sock *sk)
{
	const struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	return tcp && is_in_user_netns(&tcp->inet_conn.icsk_inet.sk) ? GW_CONN_USER_NETNS : 0;
}

static __always_inline void fill_record(struct bpf_sock_addr *ctx, struct gw_conn *conn,
					__u32 service, const struct dest *to)
{
	conn->service = service;
	conn->vip = to->address;
	conn->port = to->port;
	conn->established_ns = 0;
	conn->flags = owner_flag(ctx->sk);
	conn->how = 0;
	conn->netns_cookie = bpf_get_netns_cookie(ctx);
	conn->cgroup_id = bpf_get_current_cgroup_id();
	conn->tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_socket_cookie(ctx); /* give the socket one, for whoever looks at it later */
}

/* Another version may keep something there. */
static __always_inline void clear_scratch(struct gw_conn *conn)
{
	for (int i = 0; i < 4; i++)
		conn->room[i] = 0;
}

static __always_inline enum gw_reason balance_unrecorded(__u32 service, struct dest *to)
{
	const struct gw_backend *backend = NULL;
	enum gw_reason reason = pick_unrecorded(service, &backend);

	if (reason != GW_REASON_NO_RECORD || !backend)
		return reason;
	to->address = backend->address;
	to->port = backend->port;
	return reason;
}

static __always_inline enum gw_reason balance(struct bpf_sock_addr *ctx, struct gw_conn *conn,
					      __u32 index, const struct gw_service *service,
					      bool is_alone, struct dest *to)
{
	const struct gw_backend *backend;
	enum gw_reason reason;
	__u32 id;

	fill_record(ctx, conn, index, to);
	reason = pick(ctx, conn, index, service, is_alone);
	if (reason != GW_REASON_BALANCED)
		return reason;
	id = conn->best_backend;
	backend = bpf_map_lookup_elem(&gw_backends, &id);
	if (!backend)
		return GW_REASON_NO_BACKENDS;
	conn->backend = id;
	conn->backend_generation = conn->best_generation;
	clear_scratch(conn);
	conn->state = GW_CONN_PICKED;
	to->address = backend->address;
	to->port = backend->port;
	return GW_REASON_BALANCED;
}

/* The socket connects anew: whatever its record stood for is over, and leaves nothing behind. */
static __always_inline void end_old(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
				    struct gw_conn *conn)
{
	if (is_canary(conn))
		forget_canary(conn);
	conn_end_old(conn);
	take_back_options(ctx, sk, conn);
}

/* It is none of ours, but its socket may have been. */
static __always_inline enum gw_reason leave(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
					    struct dest *to, enum gw_reason reason)
{
	struct gw_conn *conn = bpf_sk_storage_get(&gw_conns, sk, NULL, 0);

	if (conn)
		end_old(ctx, sk, conn);
	if (reason == GW_REASON_NOT_A_SERVICE && is_canary_dest(to))
		return send_canary(sk, to);
	return reason;
}

/* The record names no backend then. */
static __always_inline void refuse_all(struct gw_conn *conn, __u32 index)
{
	count_no_backends(index);
	if (!conn || !is_watched_now())
		return;
	conn->backend = 0;
	conn->backend_generation = 0;
	monitor_write(conn, GW_SIGHT_FAILED, GW_SIGHT_NO_BACKENDS, 0);
}

/* Decide about one connect, and change `to` if it is balanced. */
static __always_inline enum gw_reason translate(struct bpf_sock_addr *ctx, struct dest *to)
{
	struct bpf_sock *sk = ctx->sk;
	const struct gw_service *service = NULL;
	enum gw_reason reason;
	struct gw_conn *conn;
	bool is_alone = false;
	__u64 now_ns = 0;
	__u32 index = 0;

	if (ctx->protocol != IPPROTO_TCP || ctx->type != SOCK_STREAM || !sk)
		return GW_REASON_NOT_TCP;
	reason = find_service(to, &index, &service);
	if (reason == GW_REASON_BALANCED)
		reason = is_denied() ? GW_REASON_DENIED : check_agent(&now_ns, &is_alone);
	if (reason == GW_REASON_BALANCED && service && service->flags & GW_SERVICE_EXCEPTS &&
	    !is_agents(sk) && is_excepted(index))
		reason = GW_REASON_EXCEPTED;
	if (reason != GW_REASON_BALANCED || !service)
		return leave(ctx, sk, to, reason);
	/* A new one is all zero: nothing is to be ended. */
	conn = bpf_sk_storage_get(&gw_conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (conn && is_own(conn))
		return GW_REASON_OWN;
	if (conn && is_proof(conn))
		return answer_proof(conn, to);
	if (conn) {
		end_old(ctx, sk, conn);
		conn->start_ns = now_ns;
		reason = balance(ctx, conn, index, service, is_alone, to);
	} else {
		reason = balance_unrecorded(index, to);
	}
	if (reason == GW_REASON_NO_BACKENDS)
		refuse_all(conn, index);
	return reason;
}

#endif
