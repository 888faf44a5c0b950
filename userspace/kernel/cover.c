// SPDX-License-Identifier: Apache-2.0
#include "kernel/cover.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel/datapath.h"
#include "kernel/mounts.h"

#define HIERARCHY_ROOT_ID 1 /* of every cgroup v2 hierarchy (kernfs) */
#define PODS_DEPTH_MAX 3    /* kubelet.slice/kubelet-kubepods.slice, and one above */

struct search {
	bool wants_used; /* pods that left nothing but an empty cgroup do not count */
	bool has_pods;
	bool has_children;
};

bool cover_is_used(int parent, const char *name)
{
	char path[PATH_MAX], line[64] = "";
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.events", name);
	fd = openat(parent, path, O_RDONLY | O_CLOEXEC);
	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file) && strncmp(line, "populated ", 10))
		;
	fclose(file);
	return !strcmp(line, "populated 1\n");
}

static bool holds_pods(int parent, const char *name, const struct search *search)
{
	return strstr(name, "kubepods") && (!search->wants_used || cover_is_used(parent, name));
}

static void look_below(int fd, int depth, struct search *search)
{
	DIR *directory = fdopendir(fd);
	struct dirent *child;

	if (!directory) {
		close(fd);
		return;
	}
	while (!search->has_pods && (child = readdir(directory))) {
		if (child->d_type != DT_DIR || child->d_name[0] == '.')
			continue;
		search->has_children = true;
		search->has_pods = holds_pods(dirfd(directory), child->d_name, search);
		if (depth > 1 && !search->has_pods)
			look_below(openat(dirfd(directory), child->d_name,
					  O_RDONLY | O_DIRECTORY | O_CLOEXEC),
				   depth - 1, search);
	}
	closedir(directory);
}

static bool has_pods_below(int cgroup_fd, int depth, bool wants_used)
{
	struct search search = {.wants_used = wants_used};

	look_below(openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), depth, &search);
	return search.has_pods;
}

/* Whether no other process than this one is in the cgroup itself. */
static bool is_alone(int cgroup_fd)
{
	int fd = openat(cgroup_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	bool is_me = false, is_other = false;
	long pid;

	if (!file)
		return false;
	while (fscanf(file, "%ld", &pid) == 1) {
		is_me = is_me || pid == getpid();
		is_other = is_other || pid != getpid();
	}
	fclose(file);
	return is_me && !is_other;
}

/* The outermost cgroup of which this one is a part, as far as this process sees. */
static int open_top(int cgroup_fd)
{
	int fd = openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), above;
	struct stat here, there;
	struct statfs fs;

	while (fd >= 0) {
		above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (above < 0)
			break;
		if (fstatfs(above, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC || fstat(fd, &here) ||
		    fstat(above, &there) || here.st_ino == there.st_ino) {
			close(above);
			break;
		}
		close(fd);
		fd = above;
	}
	return fd;
}

/* Whether all that this process sees of the hierarchy is a part without a kubelet's pods: its
 * cgroup namespace is private, and the pods are elsewhere. */
static bool is_in_private_part(int cgroup_fd)
{
	int top = open_top(cgroup_fd);
	uint64_t id = HIERARCHY_ROOT_ID;
	bool is_private;

	if (top < 0)
		return false;
	is_private = !mounts_cgroup_id(top, &id) && id != HIERARCHY_ROOT_ID &&
		     !has_pods_below(top, PODS_DEPTH_MAX, false);
	close(top);
	return is_private;
}

enum gw_cover cover_of_cgroup(int cgroup_fd)
{
	uint64_t id = 0;

	if (!mounts_cgroup_id(cgroup_fd, &id) && id == HIERARCHY_ROOT_ID)
		return GW_COVER_YES;
	if (has_pods_below(cgroup_fd, PODS_DEPTH_MAX, false))
		return GW_COVER_YES;
	return cover_is_alone(cgroup_fd) || is_in_private_part(cgroup_fd) ? GW_COVER_NO
									  : GW_COVER_UNKNOWN;
}

bool cover_is_alone(int cgroup_fd)
{
	struct search search = {0};

	look_below(openat(cgroup_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 1, &search);
	return !search.has_children && is_alone(cgroup_fd);
}

bool cover_misses_pods(int cgroup_fd)
{
	int root = mounts_open_cgroup(NULL);
	bool are_in_sight = root >= 0 && has_pods_below(root, 1, true);
	char path[PATH_MAX];
	uint64_t id;

	if (root >= 0)
		close(root);
	if (!are_in_sight || mounts_cgroup_id(cgroup_fd, &id) ||
	    datapath_cgroup_path(id, path, sizeof(path)) || strstr(path, "kubepods"))
		return false;
	return !has_pods_below(cgroup_fd, PODS_DEPTH_MAX, false);
}
