/* SPDX-License-Identifier: Apache-2.0 */
/* How a Service wants to be balanced, as far as the kernel is told it as it is. */
#ifndef GWBPF_MODEL_SETTINGS_H
#define GWBPF_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <gwbpf/abi.h>

struct settings {
	enum gw_policy policy;
	uint32_t connect_timeout_ms;   /* of one attempt; 0: the kernel's */
	uint32_t dead_peer_timeout_ms; /* 0: the sockets are left alone */
	uint32_t eject_base_ms;        /* 0: nothing is ejected */
	uint32_t eject_max_ms;
	uint32_t keep_percent; /* of the backends that are never ejected */
	uint32_t rebalance_ms; /* how long a connection is quiet before it may be moved; 0: none is
				* moved; GW_REBALANCE_AUTO: as long as its Service teaches */
	uint32_t drain_deadline_ms; /* when a drain moves what is left of it; 0: never */
	struct gw_tls tls;
	uint32_t
		moves_down; /* 1: connections of a backend that is down are moved; no padding here */
	struct gw_check check;
};

/* The defaults that hold where a Service has no annotation. */
void settings_init(struct settings *settings);

bool settings_equal(const struct settings *a, const struct settings *b);

const char *policy_name(enum gw_policy policy);

/* Returns false if no policy has this name. */
bool policy_parse(const char *name, enum gw_policy *ret);

#endif
