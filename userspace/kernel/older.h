/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to balanced Services that gwbpf never saw begin. */
#ifndef GWBPF_KERNEL_OLDER_H
#define GWBPF_KERNEL_OLDER_H

#include <stddef.h>
#include <stdint.h>

#include "kernel/view.h"

/*
 * How many TCP connections of this node are open to an address and port of these Services: their
 * sockets still have the Service's address as their peer, so kube-proxy serves them. They began
 * before the hooks were attached, or while connects were left to it. Looks into every network
 * namespace, as netns.h. -EPERM, -ENOMEM, and what netlink says.
 */
int older_count(const struct view_service *services, size_t count, uint64_t *ret);

#endif
