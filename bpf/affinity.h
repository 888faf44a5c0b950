/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Session affinity: a client comes back to the backend that it had last. */
#ifndef GWBPF_AFFINITY_H
#define GWBPF_AFFINITY_H

#include "maps.h"
#include "score.h"

/* Whether this backend of a client takes its connections still. The hash may hand out an element
 * that is just being reused for another client. */
static __always_inline bool is_still_good(struct gw_conn *conn, __u32 service, __u32 id,
					  __u32 generation)
{
	const struct gw_backend *backend = bpf_map_lookup_elem(&gw_backends, &id);
	__u32 how = GW_POLICY_RR | HOW_TROUBLE | 1 << HOW_WEIGHT_SHIFT;
	__u64 score;

	if (!backend || backend->generation != generation || backend->service != service ||
	    !backend->weight)
		return false;
	/* Whether there is trouble is not known yet; to look at one backend is cheap. */
	if (conn->flags & GW_CONN_USER_NETNS)
		how |= HOW_USER_NETNS;
	score = gw_score(how, id, generation, conn->netns_cookie, conn->start_ns);
	return score < SCORE_AVOIDED && score != SCORE_PROBE;
}

/* Those of users' namespaces are apart (gwbpf/abi.h). */
static __always_inline struct gw_affinity *find_affinity(const struct gw_conn *conn, __u32 service)
{
	struct gw_affinity_key key = {.netns_cookie = conn->netns_cookie, .service = service};

	return conn->flags & GW_CONN_USER_NETNS ? bpf_map_lookup_elem(&gw_user_affinity, &key)
						: bpf_map_lookup_elem(&gw_affinity, &key);
}

/* The backend that this client had last. Each connection renews the time; another one may have
 * done so after this one began, so that the difference has a sign. */
static __always_inline bool pick_affine(struct gw_conn *conn, __u32 service, __u32 timeout_s,
					__u64 avoided)
{
	struct gw_affinity *last = find_affinity(conn, service);
	__s64 passed_ns;

	if (!last)
		return false;
	passed_ns = conn->start_ns - last->used_ns;
	if (passed_ns > (__s64)(timeout_s * SECOND_NS))
		return false;
	conn->best_backend = last->backend;
	conn->best_generation = last->backend_generation;
	if (avoided >> GW_CLIENT_BIT(conn->best_generation) & 1 ||
	    !is_still_good(conn, service, conn->best_backend, conn->best_generation))
		return false;
	last->used_ns = conn->start_ns;
	conn->how = GW_POLICY_RR; /* whatever the policy: it does not follow the load */
	return true;
}

static __always_inline void remember_affine(const struct gw_conn *conn, __u32 service)
{
	struct gw_affinity_key key = {.netns_cookie = conn->netns_cookie, .service = service};
	struct gw_affinity value = {
		.used_ns = conn->start_ns,
		.backend = conn->best_backend,
		.backend_generation = conn->best_generation,
	};

	if (conn->flags & GW_CONN_USER_NETNS)
		bpf_map_update_elem(&gw_user_affinity, &key, &value, BPF_ANY);
	else
		bpf_map_update_elem(&gw_affinity, &key, &value, BPF_ANY);
}

#endif
