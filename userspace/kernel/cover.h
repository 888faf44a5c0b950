/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a cgroup holds the pods of this node, so that hooks there see their connections. */
#ifndef GWBPF_KERNEL_COVER_H
#define GWBPF_KERNEL_COVER_H

#include <stdbool.h>

#include <gwbpf/abi.h>

/*
 * The root of the whole hierarchy holds everything; so does one that has a kubelet's pods below it
 * (a node that is itself a container). One that holds nobody but this process is the private
 * cgroup of a container: GW_COVER_NO. Else it is for the operator to know.
 */
enum gw_cover cover_of_cgroup(int cgroup_fd);

/* Whether the pods of this node are in plain sight at the root of the cgroup v2 mount, and neither
 * below this cgroup nor around it. */
bool cover_misses_pods(int cgroup_fd);

#endif
