/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether as few connects failed as gwbpf promises: from the list of what was broken, the clients'
 * lists of connects that failed, and the number of ejections. Pure.
 */
#ifndef GWBPF_TESTS_JUDGE_H
#define GWBPF_TESTS_JUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "soak/crowd.h"

#define JUDGE_ALL (-1)

/* A peer was lost for one client or for all. */
struct judge_loss {
	int peer;
	int client;        /* or JUDGE_ALL */
	uint64_t began_ns; /* a moment before it was broken */
	uint64_t ended_ns; /* when it was seen to answer again */
};

/* What a connect that failed is. Of the last two there must be none. */
#define JUDGE_KINDS(X)                                                                             \
	X(FIRST, "the first of a client and a loss")                                               \
	X(TOGETHER, "under way before its client could know")                                      \
	X(TRIAL, "by a lease, after an ejection")                                                  \
	X(UNSENT, "before the first packet: it costs every second connect, and blames nobody")     \
	X(AGAIN, "again, without an ejection, when the client's own time was over")                \
	X(EARLY, "again, before that")                                                             \
	X(UNEXPLAINED, "although nothing was broken")

enum judge_kind {
#define JUDGE_KIND_ENUM(id, text) JUDGE_##id,
	JUDGE_KINDS(JUDGE_KIND_ENUM)
#undef JUDGE_KIND_ENUM
		JUDGE_KIND_MAX_
};

struct judge_verdict {
	uint64_t kinds[JUDGE_KIND_MAX_];
	uint64_t meetings; /* of a client and a loss, at most: the bound of the first kind */
	uint64_t counted[TOWN_PEERS];    /* all but those that were under way together */
	uint64_t ejections[TOWN_PEERS];  /* that there must have been, at least */
	uint64_t ejected_ns[TOWN_PEERS]; /* when the last of them was, at the latest */
};

/* `failed` is sorted by this, and judged. `base_ms`: of the Service's ejection. */
struct judge_verdict judge(const struct judge_loss *losses, size_t loss_count,
			   struct crowd_failed *failed, size_t failed_count, uint64_t base_ms);

#endif
