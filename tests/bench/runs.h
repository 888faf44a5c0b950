/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each hook has run and for how long, by the kernel's own clock (bpf_stats); and empty
 * programs at the same hooks, whose time is the clock's own.
 */
#ifndef GWBPF_BENCH_RUNS_H
#define GWBPF_BENCH_RUNS_H

#include <stdint.h>

#include <gwbpf/abi.h>

struct runs {
	uint64_t ns;
	uint64_t count;
};

/* Begin to measure, until runs_stop(). The programs of the lab's datapath must be attached. */
void runs_start(void);
void runs_stop(void);

/* Attach empty programs for connect4, sockops and sock_release to this cgroup. */
void runs_attach_empty(const char *cgroup);

struct runs runs_of(enum gw_hook hook);
struct runs runs_of_empty(enum gw_hook hook);

#endif
