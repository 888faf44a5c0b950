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

#define SOCK_STREAM 1

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
	const __u32 *found = bpf_map_lookup_elem(&gw_vips, &key);

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

/* Whether the agent is there to follow what Kubernetes says. The heartbeat is read before the time
 * is: one that is written between the two reads must not lie in the future. */
static __always_inline enum gw_reason check_agent(__u64 *now_ns)
{
	__u32 key = 0;
	const volatile struct gw_meta *meta = bpf_map_lookup_elem(&gw_meta, &key);
	__u64 heartbeat_ns = meta ? meta->heartbeat_ns : 0;
	__u64 stale_after_ns = meta ? meta->stale_after_ns : 0;

	*now_ns = bpf_ktime_get_ns();
	if (meta && meta->suspended)
		return GW_REASON_SUSPENDED;
	if (stale_after_ns && *now_ns > heartbeat_ns && *now_ns - heartbeat_ns > stale_after_ns)
		return GW_REASON_STEPPED_ASIDE;
	return GW_REASON_BALANCED;
}

static __always_inline void fill_record(struct bpf_sock_addr *ctx, struct gw_conn *conn,
					__u32 service, const struct dest *to)
{
	conn->service = service;
	conn->vip = to->address;
	conn->port = to->port;
	conn->established_ns = 0;
	conn->flags = 0;
	conn->how = 0;
	conn->netns_cookie = bpf_get_netns_cookie(ctx);
	conn->cgroup_id = bpf_get_current_cgroup_id();
	conn->tgid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_socket_cookie(ctx); /* give the socket one, for whoever looks at it later */
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
					      __u32 service, __u32 affinity_s,
					      __u64 hints_until_ns, struct dest *to)
{
	const struct gw_backend *backend;
	enum gw_reason reason;
	__u32 id;

	fill_record(ctx, conn, service, to);
	reason = pick(ctx, conn, service, affinity_s, hints_until_ns);
	if (reason != GW_REASON_BALANCED)
		return reason;
	id = conn->best_backend;
	backend = bpf_map_lookup_elem(&gw_backends, &id);
	if (!backend)
		return GW_REASON_NO_BACKENDS;
	conn->backend = id;
	conn->backend_generation = conn->best_generation;
	conn->state = GW_CONN_PICKED;
	to->address = backend->address;
	to->port = backend->port;
	return GW_REASON_BALANCED;
}

/* Decide about one connect, and change `to` if it is balanced. */
static __always_inline enum gw_reason translate(struct bpf_sock_addr *ctx, struct dest *to)
{
	struct bpf_sock *sk = ctx->sk;
	const struct gw_service *service = NULL;
	enum gw_reason reason;
	struct gw_conn *conn;
	__u64 now_ns = 0;
	__u32 index = 0;

	if (ctx->protocol != IPPROTO_TCP || ctx->type != SOCK_STREAM || !sk)
		return GW_REASON_NOT_TCP;
	conn = bpf_sk_storage_get(&gw_conns, sk, NULL, 0);
	if (conn)
		conn_end_old(conn);
	reason = find_service(to, &index, &service);
	if (reason == GW_REASON_NOT_A_SERVICE && is_canary_dest(to))
		return send_canary(sk, to);
	if (reason == GW_REASON_BALANCED)
		reason = check_agent(&now_ns);
	if (reason != GW_REASON_BALANCED || !service)
		return reason;
	if (!conn)
		conn = bpf_sk_storage_get(&gw_conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (conn) {
		conn->start_ns = now_ns;
		reason = balance(ctx, conn, index, service->affinity_timeout_s,
				 service->hints_until_ns, to);
	} else {
		reason = balance_unrecorded(index, to);
	}
	if (reason == GW_REASON_NO_BACKENDS)
		count_no_backends(index);
	return reason;
}

#endif
