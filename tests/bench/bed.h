/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all benchmarks stand on: one CPU that others cannot take away, cgroups with and without
 * hooks, and the lab's datapath as an agent with its defaults leaves it.
 */
#ifndef GWBPF_BENCH_BED_H
#define GWBPF_BENCH_BED_H

/* This process and those to come get nearly all of the CPUs, as on a machine where
 * nothing else runs; what the kernel does itself is not kept from them, as it is by FIFO. */
void bed_before_others(void);

/* This process and those to come share this one CPU, and go before all others there. */
void bed_on_one_cpu(void);

/* Make a cgroup below the lab's; the path is good until bed_remove_cgroups(). */
const char *bed_make_cgroup(const char *name);

/* Sockets made from now on belong to it; NULL: to the lab's own. */
void bed_enter_cgroup(const char *path);

/* Back to the lab's own cgroup; no other process is in one of them any more. */
void bed_remove_cgroups(void);

/* lab_open() for this cgroup alone, with the default settings and a heartbeat of now, in a memory
 * cgroup of the agent's own. From then on this process is in that of the clients. */
void bed_open(const char *cgroup);

/* Which arrangement that is here, in a line. */
void bed_print(void);

#endif
