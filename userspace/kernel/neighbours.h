/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who else on this node has a hand in where connections go, and what follows from it: programs of
 * others at our hooks, and the rules of kube-proxy.
 */
#ifndef GWBPF_KERNEL_NEIGHBOURS_H
#define GWBPF_KERNEL_NEIGHBOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

enum neighbour_effect {
	NEIGHBOUR_HARMLESS,
	NEIGHBOUR_NOTABLE,    /* gwbpf does less with it than without */
	NEIGHBOUR_UNKNOWN,    /* whether it is there could not be seen */
	NEIGHBOUR_IN_THE_WAY, /* gwbpf cannot be attached */
};

struct neighbour {
	char name[16];     /* of the program, or the mode of kube-proxy */
	const char *owner; /* "Cilium", "kube-proxy"; NULL: nobody that we know */
	enum neighbour_effect effect;
	char consequence[256]; /* what follows, and the remedy */

	/* Of a program. */
	const char *hook; /* "connect4"; NULL: it is none */
	uint32_t id;
	bool runs_first;
	bool is_exclusive;
	bool takes_all; /* balances every Service that there is, by what is known of its owner */

	/* Of kube-proxy. */
	bool is_counted;
	size_t services; /* ports that have rules */
};

#define NEIGHBOURS_MAX 48

/*
 * Look for all of them; `ours` are the ids of our programs by hook, 0 where there is none.
 * cgroup_fd may be -1: programs are not looked for. Returns how many were written.
 */
size_t neighbours_look(int cgroup_fd, const uint32_t ours[GW_HOOK_MAX_],
		       struct neighbour ret[NEIGHBOURS_MAX]);

/* The programs alone. */
size_t neighbours_look_at_hooks(int cgroup_fd, const uint32_t ours[GW_HOOK_MAX_],
				struct neighbour ret[NEIGHBOURS_MAX]);

#endif
