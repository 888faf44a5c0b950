/* SPDX-License-Identifier: Apache-2.0 */
/* By which number the kernel side knows each network namespace of this node. */
#ifndef GWBPF_KERNEL_NETNS_COOKIES_H
#define GWBPF_KERNEL_NETNS_COOKIES_H

#include <stddef.h>
#include <stdint.h>

struct netns_cookie {
	uint64_t inode;
	uint64_t
		dev_inode; /* of its /proc/PID/net/dev: which is it of a process, without waiting for that */
	uint64_t cookie;
};

/*
 * Of every namespace that may be looked into, in order of inode. Takes some ms for each. The array
 * belongs to the caller: free(3). -ENOPROTOOPT: this kernel does not say them (before Linux 5.14);
 * -ENOMEM, and what netns_visit_all() says.
 */
int netns_cookies(struct netns_cookie **ret, size_t *count);

#endif
