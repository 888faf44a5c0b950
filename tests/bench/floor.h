/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs at the places of the hooks that do nothing, or only what no hook can do without
 * (floor.bpf.c): what these take is no matter of how the hooks are written.
 */
#ifndef GWBPF_BENCH_FLOOR_H
#define GWBPF_BENCH_FLOOR_H

#include "bench/runs.h"

enum floor {
	FLOOR_CONNECT_NOTHING,
	FLOOR_SOCKOPS_NOTHING,
	FLOOR_RELEASE_NOTHING,
	FLOOR_LOOK,    /* at connect4: one look into a map */
	FLOOR_RECORD,  /* the socket's record, and off to the peer */
	FLOOR_LOADS,   /* the same, and the load of each member of the first Service */
	FLOOR_OPTIONS, /* at sockops: told of the end, and the options of a connection */
	FLOOR_MAX
};

/* Load them, with the maps of the lab's datapath; they send connects to this peer ("IPv4:PORT"). */
void floor_open(const char *peer);

/* Attach one to a cgroup, until floor_close(). */
void floor_attach(enum floor floor, const char *cgroup);

void floor_close(void);

/* The time that it has run; only while somebody measures (runs.h). */
struct runs floor_runs(enum floor floor);

#endif
