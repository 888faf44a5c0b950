/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory cgroups: whom the kernel charges for what a map allocates later. That is the memory cgroup
 * of the process that made the map, also when another one's connection needs the memory.
 */
#ifndef GWBPF_KERNEL_MEMCG_H
#define GWBPF_KERNEL_MEMCG_H

/*
 * Run make in a child inside the root memory cgroup, for whose memory nobody is charged. The child
 * shares this process's descriptors: what make returns, such as a new map, is ours. -ENOENT: the
 * root cannot be seen from here; -EACCES, -EPERM: it cannot be entered; else what make says.
 */
int memcg_run_at_root(int (*make)(void *arg), void *arg);

#endif
