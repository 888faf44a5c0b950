/* SPDX-License-Identifier: Apache-2.0 */
/* The cgroups of this node's pods, by the names that the kubelet gives them. */
#ifndef GWBPF_KERNEL_POD_CGROUPS_H
#define GWBPF_KERNEL_POD_CGROUPS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether a cgroup of this name is one below which a kubelet has its pods: by its cgroup driver and
 * its --cgroup-root "kubepods", "kubepods.slice" or "…-kubepods.slice". */
bool pod_cgroups_is_root(const char *name);

/* Called for each cgroup where a pod's can be; id as of mounts_cgroup_id(). Returns whether it is a
 * pod's: what is below a pod's is not looked at. */
typedef bool (*pod_cgroups_found)(const char *name, uint64_t id, void *arg);

/* Look at those that this process sees. What cannot be read is not there. */
void pod_cgroups_visit(pod_cgroups_found found, void *arg);

#endif
