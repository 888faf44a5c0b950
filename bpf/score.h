/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How good a backend is for one connection, as one number: the less, the better. By the policy, and
 * if there is trouble by its health.
 */
#ifndef GWBPF_SCORE_H
#define GWBPF_SCORE_H

#include "health.h"
#include "maps.h"

/* An ejected backend whose time has come is tried by the first connection that can. */
#define SCORE_PROBE 0
#define SCORE_BEST 1
/* Above any load: such a backend is chosen only if there is no better one. */
#define SCORE_RISING (1ull << 60)
#define SCORE_AVOIDED (1ull << 61)
#define SCORE_FAILED (1ull << 62)
#define SCORE_EJECTED (1ull << 63)
#define SCORE_NONE (~0ull)
#define LOAD_MAX ((1u << 27) - 1) /* shifted by 32 it stays below SCORE_RISING */

/* What gw_score() is to look at, policy and flags and weight in one argument: a global function
 * has five at most. */
#define HOW_TROUBLE 0x100   /* some backend may be suspect or ejected */
#define HOW_DESPERATE 0x200 /* too many are ejected: Kubernetes' word counts */
#define HOW_NO_PROBE 0x400  /* another connection took the lease that this one was to have */
#define HOW_ALONE 0x800 /* no agent: where nobody is known to be well, kube-proxy may know better */
#define HOW_USER_NETNS 0x1000 /* the client is in a namespace of a user */
#define HOW_WEIGHT_SHIFT 16

/* Shares of a weight are compared exactly: two different quotients of numbers below 2^16 differ by
 * more than 2^-32. */
static __always_inline __u64 load_score(__u32 policy, __u32 load, __u32 weight)
{
	if (load > LOAD_MAX)
		load = LOAD_MAX;
	switch (policy) {
	case GW_POLICY_LC:
		return load;
	case GW_POLICY_WLC:
	case GW_POLICY_P2C:
		return ((__u64)load << 32) / weight;
	case GW_POLICY_NQ:
		return load ? ((__u64)(load + 1) << 32) / weight : 0;
	case GW_POLICY_SED:
		return ((__u64)(load + 1) << 32) / weight;
	case GW_POLICY_FO:
		return 0xffff - weight;
	case GW_POLICY_OVF:
		return load > weight ? SCORE_RISING - weight : 0xffff - weight;
	default:
		return 0;
	}
}

/* Of what it would get by its score, a backend that has just come back gets a part that grows
 * within the base time. */
static __always_inline __u64 rising_score(const struct gw_health *health,
					  const struct gw_backend *known, __u64 now_ns)
{
	__u64 since_ns = health->ejections ? health->changed_ns : 0, passed_ms;
	const struct gw_service *service;
	__u32 index = known->service;

	if (since_ns < known->down_until_ns)
		since_ns = known->down_until_ns;
	if (!since_ns)
		return 0;
	service = bpf_map_lookup_elem(&gw_services, &index);
	if (!service)
		return 0;
	/* Not in nanoseconds: the product would have no room. */
	passed_ms = (now_ns - since_ns) / MS_NS;
	if (passed_ms >= service->eject_base_ms)
		return 0;
	return (__u64)bpf_get_prandom_u32() * service->eject_base_ms >> 32 < passed_ms
		       ? 0
		       : SCORE_RISING;
}

static __always_inline __u64 health_score(const struct gw_suspect_key *key, __u32 how, __u64 now_ns,
					  __u64 score)
{
	__u32 backend = key->backend;
	const struct gw_health *health = bpf_map_lookup_elem(&gw_health, &backend);
	const struct gw_backend *known = bpf_map_lookup_elem(&gw_backends, &backend);

	if (!health || !known)
		return SCORE_NONE;
	/* What clients in users' namespaces have met is noted nowhere else. */
	if ((how & HOW_USER_NETNS || now_ns < health->suspect_until_ns) &&
	    is_in_force(find_suspect(key, how & HOW_USER_NETNS), now_ns))
		score |= SCORE_FAILED;
	if (how & HOW_DESPERATE)
		return score;
	/* No connection tries it: the agent looks at it, and says when it is back. */
	if (now_ns < known->down_until_ns)
		return score | SCORE_EJECTED;
	if (!health->is_ejected)
		return score | rising_score(health, known, now_ns);
	/* Not by a client that would not try it if it were not ejected. */
	if (now_ns >= health->ejected_until_ns && now_ns >= health->lease_until_ns &&
	    score < SCORE_FAILED && !(how & HOW_NO_PROBE))
		return SCORE_PROBE;
	return score | SCORE_EJECTED;
}

/* The score for a client that passes these over, by bits of gw_clients. A trial stays one: it is
 * for whoever comes first. Without a branch, for the reason of consider(). */
static __always_inline __u64 avoid(__u64 score, __u64 avoided, __u32 generation)
{
	__u64 is_avoided = avoided >> GW_CLIENT_BIT(generation) & 1;
	__u64 is_trial = (score - 1) >> 63 & ~score >> 63;

	return score | (is_avoided & ~is_trial) * SCORE_AVOIDED;
}

/*
 * A global function, verified once and not again for each turn of the loop: without it kernel
 * 5.10 gives up at 1,000 backends.
 */
__noinline __u64 gw_score(__u32 how, __u32 backend, __u32 generation, __u64 netns_cookie,
			  __u64 now_ns)
{
	const __u64 *load = bpf_map_lookup_elem(&gw_loads, &backend);
	__u32 weight = how >> HOW_WEIGHT_SHIFT;
	__u64 score;

	if (!load || !weight)
		return SCORE_NONE;
	score = SCORE_BEST + load_score(HOW_POLICY(how), GW_LOAD_ACTIVE(*load), weight);
	if (how & HOW_TROUBLE) {
		struct gw_suspect_key key = {
			.netns_cookie = netns_cookie,
			.backend = backend,
			.backend_generation = generation,
		};

		score = health_score(&key, how, now_ns, score);
	}
	return score;
}

#endif
