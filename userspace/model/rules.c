// SPDX-License-Identifier: Apache-2.0
/* kube-proxy's rules, one row of a table each. Knows endpoints alone. */
#include "model/rules.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Is name one of hints, each of which ends in '\n'? An unknown name never is. */
static bool has_hint(const char *hints, const char *name)
{
	size_t length = strlen(name);
	const char *end;

	if (length == 0)
		return false;
	while ((end = strchr(hints, '\n'))) {
		if ((size_t)(end - hints) == length && memcmp(hints, name, length) == 0)
			return true;
		hints = end + 1;
	}
	return false;
}

static bool is_local(const struct endpoint *endpoint, const struct place *place)
{
	return place->node[0] != '\0' && strcmp(endpoint->node, place->node) == 0;
}

static bool is_leaving(const struct endpoint *endpoint)
{
	return endpoint->serving && endpoint->terminating;
}

/* The questions of the rules. */

static bool use_ready(const struct endpoint *endpoint, const struct place *place)
{
	(void)place;
	return endpoint->ready;
}

static bool use_leaving(const struct endpoint *endpoint, const struct place *place)
{
	(void)place;
	return is_leaving(endpoint);
}

static bool use_hinted_node(const struct endpoint *endpoint, const struct place *place)
{
	return endpoint->ready && has_hint(endpoint->node_hints, place->node);
}

static bool use_hinted_zone(const struct endpoint *endpoint, const struct place *place)
{
	return endpoint->ready && has_hint(endpoint->zone_hints, place->zone);
}

static bool use_local_ready(const struct endpoint *endpoint, const struct place *place)
{
	return endpoint->ready && is_local(endpoint, place);
}

static bool use_local_leaving(const struct endpoint *endpoint, const struct place *place)
{
	return is_leaving(endpoint) && is_local(endpoint, place);
}

static bool has_node_hints(const struct endpoint *endpoint)
{
	return endpoint->node_hints[0] != '\0';
}

static bool has_zone_hints(const struct endpoint *endpoint)
{
	return endpoint->zone_hints[0] != '\0';
}

static const struct rule cluster_rules[] = {
	{CHOICE_SAME_NODE, use_hinted_node, has_node_hints},
	{CHOICE_SAME_ZONE, use_hinted_zone, has_zone_hints},
	{CHOICE_READY, use_ready, NULL},
	{CHOICE_TERMINATING_FALLBACK, use_leaving, NULL},
};

static const struct rule local_rules[] = {
	{CHOICE_LOCAL, use_local_ready, NULL},
	{CHOICE_TERMINATING_FALLBACK, use_local_leaving, NULL},
};

size_t rules_count(const struct rule *rule, const struct candidates *all, const struct place *place,
		   uint16_t weight_min)
{
	size_t used = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct member *member = &all->members[i];
		const struct endpoint *endpoint = member->endpoint;

		if (rule->require && endpoint->ready && !rule->require(endpoint))
			return 0;
		used += member->weight >= weight_min && rule->use(endpoint, place);
	}
	return used;
}

const struct rule *rules_find(bool local, const struct candidates *all, const struct place *place,
			      uint16_t weight_min)
{
	const struct rule *rules = local ? local_rules : cluster_rules;
	size_t count = local ? COUNT(local_rules) : COUNT(cluster_rules);

	for (size_t i = 0; i < count; i++) {
		if (rules_count(&rules[i], all, place, weight_min) > 0)
			return &rules[i];
	}
	return NULL;
}

bool rules_are_met_anywhere(const struct candidates *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->members[i].endpoint->ready || is_leaving(all->members[i].endpoint))
			return true;
	}
	return false;
}
