/* SPDX-License-Identifier: Apache-2.0 */
/* The pod in a path of cgroups. */
#ifndef GWBPF_REPORT_POD_UID_H
#define GWBPF_REPORT_POD_UID_H

#include <stdbool.h>

#define POD_UID_MAX 40

/* The UID of the pod in whose cgroup path lies, as the kubelet names it with either of its drivers:
 * ".../pod1f2e.../..." or "...-pod1f2e....slice/...". Returns whether there is one. Pure. */
bool pod_uid_in(const char *path, char ret[POD_UID_MAX]);

#endif
