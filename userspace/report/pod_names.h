/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the pods of this node, by their UIDs, as the kubelet writes them down. */
#ifndef GWBPF_REPORT_POD_NAMES_H
#define GWBPF_REPORT_POD_NAMES_H

#include <stddef.h>

/* Where the kubelet keeps the logs of containers, a directory NAMESPACE_NAME_UID for each pod
 * (kubernetes/pkg/kubelet/kuberuntime/helpers.go, BuildPodLogsDirectory). Seen from PID 1, as a
 * container has its own root. */
#define POD_NAMES_DIRECTORY "/proc/1/root/var/log/pods"

struct pod_name {
	char *text; /* what the others point into */
	const char *namespace;
	const char *name;
	const char *uid;
};

struct pod_names {
	struct pod_name *all; /* ordered by UID */
	size_t count;
};

/* Read the names; none where there is no such directory, or it may not be read. pod_names_done()
 * frees them. -ENOMEM */
int pod_names_read(const char *directory, struct pod_names *ret);
void pod_names_done(struct pod_names *names);

/* NULL: no pod of this UID is known. */
const struct pod_name *pod_names_find(const struct pod_names *names, const char *uid);

#endif
