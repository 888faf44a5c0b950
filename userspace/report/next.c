// SPDX-License-Identifier: Apache-2.0
#include "report/next.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* In the order in which the kernel side prefers them. */
enum tier {
	TIER_TRIAL, /* it was ejected, its time is over: the first connection tries it */
	TIER_WELL,
	TIER_SHORT,  /* this client avoids it */
	TIER_FAILED, /* likewise */
	TIER_EJECTED,
	TIER_NONE, /* takes no new connections */
};

static const char *const tier_texts[] = {
	[TIER_TRIAL] = "it was ejected, its time is over, and the next connection tries it",
	[TIER_WELL] = "",
	[TIER_SHORT] = "the client avoids all that are not ejected, so it goes by the policy: ",
	[TIER_FAILED] = "the client avoids all that are not ejected, so it goes by the policy: ",
	[TIER_EJECTED] = "all are ejected, so it goes by the policy: ",
};

/* What is said of a policy. Where a load decides, those with the least are left. */
static const char *const policy_texts[] = {
	[GW_POLICY_LC] = "the fewest active connections",
	[GW_POLICY_RR] = "one after the other",
	[GW_POLICY_WRR] = "one after the other, each as often as its weight",
	[GW_POLICY_RANDOM] = "drawn at random, each as often as its weight",
	[GW_POLICY_WLC] = "the fewest active connections for its weight",
	[GW_POLICY_SED] = "the fewest active connections and this one for its weight",
	[GW_POLICY_NQ] = "an idle one, else the fewest active connections for its weight",
	[GW_POLICY_SH] = "by a hash of the client, the same one for the same client",
	[GW_POLICY_MH] = "by a hash of the client, the same one for the same client",
	[GW_POLICY_FO] = "the highest weight that is usable",
	[GW_POLICY_OVF] = "the highest weight that has no more connections than its weight",
	[GW_POLICY_P2C] = "the less loaded for its weight of two drawn at random",
};
_Static_assert(sizeof(policy_texts) / sizeof(*policy_texts) == GW_POLICY_MAX_, "one for each");

/* The less, the sooner: as load_score() of the kernel side. */
static uint64_t score_of(enum gw_policy policy, const struct view_backend *backend)
{
	uint64_t load = backend->active, weight = backend->weight;

	switch (policy) {
	case GW_POLICY_LC:
		return load;
	case GW_POLICY_WLC:
		return (load << 32) / weight;
	case GW_POLICY_NQ:
		return load ? ((load + 1) << 32) / weight : 0;
	case GW_POLICY_SED:
		return ((load + 1) << 32) / weight;
	case GW_POLICY_FO:
		return 0xffff - weight;
	case GW_POLICY_OVF:
		return load > weight ? (1ull << 60) - weight : 0xffff - weight;
	default:
		return 0;
	}
}

static bool is_ejected(const struct view_backend *backend)
{
	return backend->state == VIEW_BACKEND_EJECTED || backend->state == VIEW_BACKEND_PROBING ||
	       backend->state == VIEW_BACKEND_RETURNING || backend->state == VIEW_BACKEND_DOWN;
}

static enum tier tier_of(const struct view_backend *backend, bool is_desperate, next_avoids avoids,
			 const void *arg)
{
	enum next_doubt doubt = avoids ? avoids(backend, arg) : NEXT_NO_DOUBT;

	if (!is_desperate && is_ejected(backend))
		return backend->state == VIEW_BACKEND_RETURNING && doubt != NEXT_FAILED
			       ? TIER_TRIAL
			       : TIER_EJECTED;
	if (doubt == NEXT_FAILED)
		return TIER_FAILED;
	return doubt == NEXT_SHORT ? TIER_SHORT : TIER_WELL;
}

/* The members of the set that take new connections; how many of them are ejected. */
static size_t find_members(const struct view *view, const struct view_service *service,
			   const struct view_backend **members, size_t *ejected)
{
	const struct view_backend *backends;
	size_t all = view_backends(view, &backends), count = 0;

	for (size_t i = 0; i < all; i++) {
		if (backends[i].service_index != service->index || !backends[i].weight ||
		    backends[i].state == VIEW_BACKEND_LEAVING)
			continue;
		*ejected += is_ejected(&backends[i]);
		members[count++] = &backends[i];
	}
	return count;
}

static void say_why(struct next *next, const struct view_service *service, enum tier tier)
{
	const char *more = next->count > 1 ? " (they are equal: by turn)" : "";

	if (service->policy != GW_POLICY_LC)
		more = "";
	if (tier == TIER_TRIAL)
		snprintf(next->reason, sizeof(next->reason), "%s", tier_texts[tier]);
	else
		snprintf(next->reason, sizeof(next->reason), "%s%s%s", tier_texts[tier],
			 policy_texts[service->policy], more);
}

static void keep_best(struct next *next, const struct view_service *service, bool is_desperate,
		      next_avoids avoids, const void *arg)
{
	enum tier best_tier = TIER_NONE;
	uint64_t best_score = 0;
	size_t kept = 0;

	for (size_t i = 0; i < next->count; i++) {
		const struct view_backend *backend = next->all[i];
		enum tier tier = tier_of(backend, is_desperate, avoids, arg);
		uint64_t score = score_of(service->policy, backend);

		if (tier > best_tier || (tier == best_tier && score > best_score))
			continue;
		if (tier < best_tier || score < best_score)
			kept = 0;
		best_tier = tier;
		best_score = score;
		next->all[kept++] = backend;
	}
	next->count = kept;
	say_why(next, service, best_tier);
}

/* Why connects do not come to the sets at all; NULL: they do. */
static const char *why_aside(const struct view_service *service)
{
	switch (service->state) {
	case VIEW_SERVICE_SUSPENDED:
		return "left to kube-proxy by 'gwbpf suspend'";
	case VIEW_SERVICE_STEPPED_ASIDE:
		return "left to kube-proxy: no agent for longer than --stale-after";
	case VIEW_SERVICE_NO_ROOM:
		return "left to kube-proxy: there is no room for its backends";
	default:
		return service->is_in_force ? NULL : "left to kube-proxy: its settings are refused";
	}
}

int next_find(const struct view *view, const struct view_service *service, next_avoids avoids,
	      const void *arg, struct next *ret)
{
	const char *aside = why_aside(service);
	const struct view_backend *backends;
	size_t ejected = 0;

	*ret = (struct next){.all = calloc(view_backends(view, &backends) + 1, sizeof(*ret->all))};
	if (!ret->all)
		return -ENOMEM;
	if (aside) {
		snprintf(ret->reason, sizeof(ret->reason), "%s", aside);
		return 0;
	}
	ret->count = find_members(view, service, ret->all, &ejected);
	if (ret->count)
		keep_best(ret, service,
			  (ret->count - ejected) * 100 < service->keep_percent * ret->count, avoids,
			  arg);
	else
		snprintf(ret->reason, sizeof(ret->reason),
			 "refused: the Service has no usable backend");
	return 0;
}

void next_done(struct next *next)
{
	free(next->all);
}
