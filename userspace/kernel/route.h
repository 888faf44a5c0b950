/* SPDX-License-Identifier: Apache-2.0 */
/* Where the kernel would send a packet. */
#ifndef GWBPF_KERNEL_ROUTE_H
#define GWBPF_KERNEL_ROUTE_H

#include <gwbpf/abi.h>

struct route;

/* What socket(2) says; -ENOMEM. */
int route_open(struct route **ret);
void route_close(struct route *route); /* takes NULL */

/* Whether this address is another host's, or a pod's: not one of this node, which the kernel takes in
 * itself, nor a broadcast or multicast address. 0: it is; -EADDRNOTAVAIL: it is not; or why the
 * kernel does not know, such as -ENETUNREACH. */
int route_is_elsewhere(struct route *route, const struct gw_addr *address);

#endif
