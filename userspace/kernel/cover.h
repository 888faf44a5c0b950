/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a cgroup holds the pods of this node, so that hooks there see their connections. */
#ifndef GWBPF_KERNEL_COVER_H
#define GWBPF_KERNEL_COVER_H

#include <stdbool.h>

#include <gwbpf/abi.h>

/*
 * The root of the whole hierarchy holds everything; so does one that has a kubelet's pods below it
 * (a node that is itself a container). A part of the hierarchy of which nothing else can be seen, in
 * which no kubelet's pods are, is a private cgroup namespace: GW_COVER_NO; so is a cgroup that holds
 * nobody but this process. Else it is for the operator to know.
 */
enum gw_cover cover_of_cgroup(int cgroup_fd);

/* Whether any process is in the cgroup of this name below parent, a descriptor, or below that. */
bool cover_is_used(int parent, const char *name);

/* Whether this process is the only one in it, and nothing is below: the cgroup of a container. */
bool cover_is_alone(int cgroup_fd);

/* Whether the pods of this node are in plain sight at the root of the cgroup v2 mount, and neither
 * below this cgroup nor around it. */
bool cover_misses_pods(int cgroup_fd);

#endif
