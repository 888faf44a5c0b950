/* SPDX-License-Identifier: Apache-2.0 */
/* The network namespaces of this node: those that a thread is in, or a mount holds. */
#ifndef GWBPF_KERNEL_NETNS_H
#define GWBPF_KERNEL_NETNS_H

#include <stddef.h>

/*
 * Call visit inside each of them, this thread's own among them, until it returns other than 0; and
 * return to where we were. What visit returned last, or -errno. unseen: how many there are that may
 * not be looked into, such as for want of CAP_SYS_PTRACE.
 */
typedef int (*netns_visit)(void *arg);
int netns_visit_all(netns_visit visit, void *arg, size_t *unseen);

#endif
