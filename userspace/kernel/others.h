/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of others at our hooks: they run before or after ours, and may undo what it does. */
#ifndef GWBPF_KERNEL_OTHERS_H
#define GWBPF_KERNEL_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

struct other_program {
	uint32_t id;
	char name[16];
	bool runs_first; /* before ours, or ours is not there */
};

#define OTHERS_MAX 16

/* Those that run for a socket in this cgroup, in the order in which they run. How many were
 * written, or -errno. */
int others_at_hook(int cgroup_fd, enum gw_hook hook, struct other_program ret[OTHERS_MAX]);

#endif
