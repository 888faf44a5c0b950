// SPDX-License-Identifier: Apache-2.0
#include "report/clients.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "kernel/datapath.h"
#include "report/pod_uid.h"

/* In the node's own network namespace all have its address. */
static bool is_of_node(const struct gw_walk_conn *walk)
{
	struct stat node;

	return !stat("/proc/1/ns/net", &node) && node.st_ino == walk->netns_inode;
}

/* NULL: no backend has the address, or two of different names have. */
static const char *find_pod(const struct view *view, const struct gw_addr *address)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	const char *pod = NULL;

	for (size_t i = 0; i < count; i++) {
		if (addr_compare(&backends[i].address, address) || !*backends[i].pod)
			continue;
		if (pod && strcmp(pod, backends[i].pod))
			return NULL;
		pod = backends[i].pod;
	}
	return pod;
}

void clients_name_pod(const struct view *view, const struct gw_walk_conn *walk,
		      char ret[GW_LONG_NAME_MAX])
{
	char path[PATH_MAX], uid[POD_UID_MAX];
	const char *pod;

	*ret = '\0';
	if (datapath_cgroup_path(walk->conn.cgroup_id, path, sizeof(path)) ||
	    !pod_uid_in(path, uid))
		return;
	pod = is_of_node(walk) ? NULL : find_pod(view, &walk->source);
	snprintf(ret, GW_LONG_NAME_MAX, "%s", pod ? pod : uid);
}
