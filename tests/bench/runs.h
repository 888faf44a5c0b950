/* SPDX-License-Identifier: Apache-2.0 */
/* How often each hook has run and for how long, by the kernel's own clock (bpf_stats). */
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

struct runs runs_of(enum gw_hook hook);

/* Of any other program. */
struct runs runs_of_program(int fd);

#endif
