/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients of the soak: processes in the clients' namespaces that open connections to the
 * Service, hold them and close them as chance has it, and keep a list of what became of each. This
 * list is what gwbpf's counts are compared with.
 */
#ifndef GWBPF_TESTS_CROWD_H
#define GWBPF_TESTS_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "soak/town.h"

/* The end of an attempt; the names are those of `gwbpf backends -o json`. */
#define CROWD_ENDS(X)                                                                              \
	X(ESTABLISHED, "establishedTotal")                                                         \
	X(REFUSED, "refusedTotal")                                                                 \
	X(TIMED_OUT, "timedOutTotal")                                                              \
	X(UNREACHABLE, "unreachableTotal")                                                         \
	X(OTHER, "otherFailedTotal")                                                               \
	X(CANCELED, "canceledTotal")

enum crowd_end {
#define CROWD_END_ENUM(id, name) CROWD_##id,
	CROWD_ENDS(CROWD_END_ENUM)
#undef CROWD_END_ENUM
		CROWD_END_MAX_,
	CROWD_NO_ROUTE = CROWD_END_MAX_, /* before its first packet: no attempt */
};

/* A connect that failed. Times are of CLOCK_MONOTONIC, as the client saw them. */
struct crowd_failed {
	int client;
	int peer;
	enum crowd_end end;
	uint64_t start_ns; /* before connect(2) */
	uint64_t sent_ns;  /* after it */
	uint64_t end_ns;
	int judged; /* enum judge_kind, written by judge() */
};

/* What clients did with one peer. */
struct crowd_tally {
	uint64_t ends[CROWD_END_MAX_];
	uint64_t no_route;
	uint64_t closed;
	uint64_t silent; /* of the established: no greeting came in time */
};

enum crowd_phase {
	CROWD_RUNS,
	CROWD_HOLDS, /* opens no more; only what ends by itself is closed */
	CROWD_CLOSES,
	CROWD_LEAVES,
};

void crowd_start(const char *vip, unsigned seed);
void crowd_stop(void);

/* Wait until all of them have come so far. */
void crowd_tell(enum crowd_phase phase);

/* Which peer a client has no route to, from now on. */
void crowd_note_cut(int client, int peer);

struct crowd_tally crowd_tally(int peer);

/* How many failed; copies at most max of them. */
size_t crowd_failed(struct crowd_failed *ret, size_t max);

/* What must not be, such as a connection that went to no peer at all. "": nothing. */
const char *crowd_problem(void);

#endif
