/* SPDX-License-Identifier: Apache-2.0 */
/* Who lives in which network namespace: what a client is to the kernel side, and what to people. */
#ifndef GWBPF_REPORT_OWNERS_H
#define GWBPF_REPORT_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/clients.h"

struct owner {
	uint64_t inode;
	uint64_t dev_inode; /* the order of the list */
	uint64_t cookie;
	bool is_node; /* the node's own */
	uint32_t pid; /* the first of its processes; 0: none, or none may be seen */
	struct client client;
};

struct owners {
	struct owner *all;
	size_t count;
};

/* The names are those of clients. Empty where the kernel does not say the cookies. owners_done()
 * frees them. -ENOMEM, what netns_cookies() says. */
int owners_read(struct clients *clients, struct owners *ret);
void owners_done(struct owners *owners);

/* NULL: not known. */
const struct owner *owners_find(const struct owners *owners, uint64_t cookie);

/* By the name or UID of a pod, NAMESPACE/NAME, or the number of a process. NULL: there is none. */
const struct owner *owners_find_named(const struct owners *owners, const char *text);

#endif
