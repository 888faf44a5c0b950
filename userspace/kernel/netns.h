/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespaces of this node: those that a thread is in, or a mount holds. */
#ifndef GWBPF_KERNEL_NETNS_H
#define GWBPF_KERNEL_NETNS_H

/*
 * Call visit inside each of them, this thread's own among them, until it returns other than 0; and
 * return to where we were. What visit returned last, or -errno.
 */
typedef int (*netns_visit)(void *arg);
int netns_visit_all(netns_visit visit, void *arg);

#endif
