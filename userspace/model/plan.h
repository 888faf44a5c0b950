/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be written to get from what the kernel holds for one Service to what is wanted.
 * Pure: a plan is a list of values that can be printed and tested.
 */
#ifndef GWBPF_MODEL_PLAN_H
#define GWBPF_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/choose.h"

struct present_member {
	struct gw_addr address;
	uint16_t port;
	uint16_t weight; /* as the Service asks for it */
	bool is_named;   /* by gwbpf.io/drain */
	uint32_t names;  /* endpoint_names_hash() of what stands beside it for people */
};

/* One entry of the kernel's table of services, as the tables hand it out. */
struct present {
	uint32_t index;
	const char *port_name;
	struct gw_addr vip;
	uint16_t port;
	bool published;  /* connects find it */
	bool withdrawn;  /* no longer wanted: kept while its connections live */
	bool is_lacking; /* something of it had no room: worth another try */
	struct settings settings;
	uint32_t affinity_timeout_s;          /* 0: no session affinity */
	const char *message;                  /* why it is invalid; "": it is not */
	const struct present_member *members; /* ordered by address and port */
	size_t member_count;
	const uint64_t *excepted; /* as of a choice */
	size_t excepted_count;
};

enum plan_kind {
	PLAN_WITHDRAW, /* an entry that is no longer wanted: its connections live on */
	PLAN_CHANGE,   /* other members, settings, message, or to be published again */
	PLAN_ADD,      /* a new entry */
};

struct plan_step {
	enum plan_kind kind;
	bool publish;               /* connects shall find it */
	const struct choice *want;  /* NULL for PLAN_WITHDRAW */
	const struct present *have; /* NULL for PLAN_ADD */
};

struct plan {
	struct plan_step *steps; /* withdrawals first: an address may move from one to another */
	size_t count;
};

/*
 * The steps from have to want, both of one Service. An entry is the same if port name, address
 * and port are. A choice that is left alone is not wanted, except an invalid one: it is added
 * unpublished, so that its reason can be shown. An entry that is withdrawn already and not wanted
 * needs no step. -ENOMEM. plan_done() frees what ret holds.
 */
int plan_make(const struct choice *want, size_t want_count, const struct present *have,
	      size_t have_count, struct plan *ret);
void plan_done(struct plan *plan);

/* FNV-1a over pod, node and zone, each as far as struct gw_backend_names has room for it, with its
 * final zero. */
uint32_t endpoint_names_hash(const char *pod, const char *node, const char *zone);

#endif
