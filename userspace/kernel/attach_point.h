/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cgroup of the hooks, where the operator names none. That is the root, whose programs see every
 * connect of the node. But where a program of somebody else at the root takes the Services' addresses
 * first, it is the cgroup of the node's pods: the kernel runs the programs of a cgroup before those
 * of the cgroups above it (kernel/bpf/cgroup.c).
 */
#ifndef GWBPF_KERNEL_ATTACH_POINT_H
#define GWBPF_KERNEL_ATTACH_POINT_H

#include <stdbool.h>

#define ATTACH_POINT_TEXT_MAX 440

struct attach_point {
	/* why it is not the root, and what that costs; "": it is */
	char text[ATTACH_POINT_TEXT_MAX];
};

/*
 * Choose it, and open it. A program is known to take addresses by its name (others.h), or because
 * is_taken: one of ours did not come to the hooks. Hooks that are at the pods' cgroup stay there as
 * long as a program of somebody else is at the root. A descriptor, or as mounts_open_cgroup().
 */
int attach_point_open(const char *pin_dir, bool is_taken, struct attach_point *ret);

#endif
