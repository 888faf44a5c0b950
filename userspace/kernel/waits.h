/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how long connections wait silently for their peers: the longest time in which nothing was sent
 * or received, and which data that was received ended. While it is open, a program looks at each
 * segment that an established connection of this node receives.
 */
#ifndef GWBPF_KERNEL_WAITS_H
#define GWBPF_KERNEL_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/waits.h>

struct waits;

/* One connection. */
struct wait {
	uint64_t cookie;
	uint32_t longest_ms; /* since the last exchange; 0: none of GW_WAITS_LEAST_MS or more */
	bool is_followed;    /* false: there is no room for it */
};

/* Load and attach. -EPERM, -ENOMEM, -ENOENT where the kernel has no such tracepoint, what the
 * verifier says. What it sees ends with it, and with this process. */
int waits_open(struct waits **ret);
void waits_close(struct waits *waits); /* takes NULL */

/* By cookie, for qsort(3) and bsearch(3). */
int waits_compare(const void *a, const void *b);

/*
 * Follow these connections from now on, and no others, and say what they waited. In the order of
 * waits_compare(), none of them twice. -ENOMEM, what bpf(2) says; then some may be followed that are
 * not named here.
 */
int waits_exchange(const struct waits *waits, struct wait *items, size_t count);

#endif
