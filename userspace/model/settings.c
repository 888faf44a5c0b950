// SPDX-License-Identifier: Apache-2.0
#include "model/settings.h"

#include <stddef.h>
#include <string.h>

static const char *const policy_names[] = {
#define POLICY_NAME(id, name, text) [GW_POLICY_##id] = name,
	GW_POLICIES(POLICY_NAME)
#undef POLICY_NAME
};

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.policy = GW_POLICY_LC,
		.connect_timeout_ms = 3000,
		.dead_peer_timeout_ms = 30000,
		.eject_base_ms = 10000,
		.eject_max_ms = 300000,
		.keep_percent = 50,
	};
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	return a->policy == b->policy && a->connect_timeout_ms == b->connect_timeout_ms &&
	       a->dead_peer_timeout_ms == b->dead_peer_timeout_ms &&
	       a->eject_base_ms == b->eject_base_ms && a->eject_max_ms == b->eject_max_ms &&
	       a->keep_percent == b->keep_percent && a->rebalance_ms == b->rebalance_ms &&
	       a->drain_deadline_ms == b->drain_deadline_ms && a->moves_down == b->moves_down &&
	       !memcmp(&a->check, &b->check, sizeof(a->check)) &&
	       !memcmp(&a->tls, &b->tls, sizeof(a->tls));
}

const char *policy_name(enum gw_policy policy)
{
	return policy_names[policy];
}

bool policy_parse(const char *name, enum gw_policy *ret)
{
	for (size_t i = 0; i < GW_POLICY_MAX_; i++) {
		if (strcmp(name, policy_names[i]) == 0) {
			*ret = (enum gw_policy)i;
			return true;
		}
	}
	return false;
}
