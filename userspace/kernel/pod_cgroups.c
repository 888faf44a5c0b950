// SPDX-License-Identifier: Apache-2.0
/*
 * kubepods/pod<UID> for guaranteed pods, kubepods/burstable/pod<UID> and the like for others; with
 * systemd kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<UID>.slice.
 */
#include "kernel/pod_cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/mounts.h"

#define ROOT_DEPTH_MAX 3 /* kubelet.slice/kubelet-kubepods.slice, and one above */
#define PODS_DEPTH 2     /* of a class of service, and of the pod */

struct search {
	pod_cgroups_found found;
	void *arg;
};

bool pod_cgroups_is_root(const char *name)
{
	static const char suffix[] = "-kubepods.slice";
	size_t length = strlen(name), end = sizeof(suffix) - 1;

	return !strcmp(name, "kubepods") || !strcmp(name, "kubepods.slice") ||
	       (length > end && !strcmp(name + length - end, suffix));
}

typedef void (*looker)(DIR *parent, const char *name, int depth, const struct search *search);

static void for_each_child(int parent, const char *name, int depth, const struct search *search,
			   looker look)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *child;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((child = readdir(directory)))
		if (child->d_type == DT_DIR && child->d_name[0] != '.')
			look(directory, child->d_name, depth, search);
	closedir(directory);
}

static void look_at_pod(DIR *parent, const char *name, int depth, const struct search *search)
{
	struct stat st;

	if (fstatat(dirfd(parent), name, &st, AT_SYMLINK_NOFOLLOW) ||
	    search->found(name, st.st_ino, search->arg) || depth == 1)
		return;
	for_each_child(dirfd(parent), name, depth - 1, search, look_at_pod);
}

static void look_for_root(DIR *parent, const char *name, int depth, const struct search *search)
{
	if (pod_cgroups_is_root(name))
		for_each_child(dirfd(parent), name, PODS_DEPTH, search, look_at_pod);
	else if (depth > 1)
		for_each_child(dirfd(parent), name, depth - 1, search, look_for_root);
}

void pod_cgroups_visit(pod_cgroups_found found, void *arg)
{
	const struct search search = {found, arg};
	int root = mounts_open_cgroup(NULL);

	if (root < 0)
		return;
	for_each_child(root, ".", ROOT_DEPTH_MAX, &search, look_for_root);
	close(root);
}
