/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of others at our hooks: they run before or after ours, and may undo what it does. */
#ifndef GWBPF_KERNEL_OTHERS_H
#define GWBPF_KERNEL_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

/* Whose names we know. */
struct other_owner {
	const char *name;   /* "Cilium" */
	const char *prefix; /* of its programs' names, as the kernel cuts them to 15 bytes */
	bool takes_all;     /* it balances every Service that there is */
	const char *remedy; /* how it is told to leave Services alone */
};

struct other_program {
	uint32_t id;
	char name[16];
	enum gw_hook hook;
	bool runs_first;   /* before ours, or ours is not there */
	bool is_exclusive; /* nothing can be attached beside or below it */
	bool is_replaced;  /* attached above, and no longer run once ours is attached */
	const struct other_owner *owner; /* NULL: nobody that we know */
};

#define OTHERS_MAX 16

/*
 * Those that run for a socket in this cgroup, in the order in which they run; `ours` is the id of
 * our program there, 0 if there is none. How many were written, or -errno.
 */
int others_at_hook(int cgroup_fd, enum gw_hook hook, uint32_t ours,
		   struct other_program ret[OTHERS_MAX]);

/*
 * A program of the older kind, which does not share its hook, of this cgroup or one above: it keeps
 * ours from being attached, or gives way to it, as its owner chose. 1, 0 if there is none, or
 * -errno.
 */
int others_find_unshared(int cgroup_fd, enum gw_hook hook, struct other_program *ret);

#endif
