/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One round of moving connections, in a child of the agent: look at all connections, decide which
 * leave which backend (model/balance.h), and tell their applications to connect anew
 * (kernel/mover.h). It changes nothing of what it is given; what came of it is its answer.
 */
#ifndef GWBPF_AGENT_REBALANCE_ROUND_H
#define GWBPF_AGENT_REBALANCE_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/uneven.h"
#include "kernel/mover.h"

struct conns;
struct evbuffer;
struct waits;

#define MOVED_POD_MAX 64

/* A connection that was moved, or that could not be. */
struct moved {
	uint64_t cookie;
	uint64_t netns_cookie;
	uint64_t time_ns; /* when it was told */
	uint32_t tgid;
	uint32_t service;
	uint32_t from;
	uint32_t from_generation;
	uint32_t to; /* where it is expected; ROUND_NOWHERE: wherever the policy sends it */
	uint32_t to_generation;
	uint32_t quiet_ms; /* how long it was quiet */
	enum move_result result;
	bool is_drain;           /* else for balance */
	char pod[MOVED_POD_MAX]; /* its client's name or UID, cut off; "": it is no pod */
};

#define ROUND_NOWHERE UINT32_MAX

/* A Service with rebalance: auto, to whose applications data has just come. */
struct waited {
	uint32_t service;
	uint32_t waited_ms; /* the longest wait for it since the last round; 0: none that matters */
};

struct round_input {
	const char *pin_dir;
	struct conns *conns;         /* the walk, open */
	struct gw_service *services; /* the map's memory, which parent and child share */
	/* By service index. 0: not known yet. For Services whose setting is a time it is not asked. */
	const uint32_t *learnt_quiet_ms;
	size_t service_count;
	const struct moved *moved; /* within the last hour */
	size_t moved_count;
	const struct waits *waits; /* NULL: nothing is learnt */
	uint64_t seed;
	uint32_t
		only_service; /* ROUND_NOWHERE: all that ask for it; else this one, even if it does not */
	bool decides;         /* false: look only, for what is learnt */
	bool is_dry; /* decide, and move nothing: the results are MOVE_MOVED for what would be */
};

/* The answer: this head, then the arrays. */
struct round_head {
	uint32_t busy_count;   /* moves that were put off, as there was traffic again */
	uint32_t moved_count;  /* of struct moved */
	uint32_t stuck_count;  /* of struct moved: those that are MOVE_STUCK from now on */
	uint32_t waited_count; /* of struct waited */
	uint32_t uneven_count; /* of struct uneven: the Services that are, of those decided upon */
};

/* arg: a const struct round_input. For workers.h. 0 or -errno. */
int rebalance_round(struct evbuffer *to, void *arg);

#endif
