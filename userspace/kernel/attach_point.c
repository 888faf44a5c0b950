// SPDX-License-Identifier: Apache-2.0
#include "kernel/attach_point.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/cover.h"
#include "kernel/datapath.h"
#include "kernel/mounts.h"
#include "kernel/others.h"
#include "kernel/pod_cgroups.h"

#define PODS_DEPTH_MAX 3 /* kubelet.slice/kubelet-kubepods.slice, and one above */

/* The pods' cgroups below the root: the kubelet makes one, two kubelets make two, and one that was
 * told another cgroup driver leaves an empty one behind. */
struct pods {
	char path[PATH_MAX]; /* below the root; "": there is none */
	bool is_used;
	char left_out[128]; /* another one with processes */
};

static void note_pods(int root, const char *path, struct pods *pods)
{
	bool is_used = cover_is_used(root, path);

	if (*pods->path && pods->is_used) {
		if (is_used)
			snprintf(pods->left_out, sizeof(pods->left_out), "%.127s", path);
		return;
	}
	if (*pods->path && !is_used)
		return;
	snprintf(pods->path, sizeof(pods->path), "%s", path);
	pods->is_used = is_used;
}

static void look_below(int root, const char *path, int depth, struct pods *pods)
{
	int fd = openat(root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	char below[PATH_MAX];
	struct dirent *child;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((child = readdir(directory))) {
		if (child->d_type != DT_DIR || child->d_name[0] == '.' ||
		    snprintf(below, sizeof(below), "%s%s%s", path, *path ? "/" : "",
			     child->d_name) >= (int)sizeof(below))
			continue;
		if (pod_cgroups_is_root(child->d_name))
			note_pods(root, below, pods);
		else if (depth > 1)
			look_below(root, below, depth - 1, pods);
	}
	closedir(directory);
}

/* Whether our hooks are there now. */
static bool is_present(const struct hook_status *hooks, int cgroup_fd)
{
	uint64_t id;

	return hooks[GW_HOOK_CONNECT4].attached && !mounts_cgroup_id(cgroup_fd, &id) &&
	       hooks[GW_HOOK_CONNECT4].cgroup_id == id;
}

/* A program at the root that takes addresses before ours would see them there. */
static bool find_taker(int root, const struct hook_status *hooks, bool is_any,
		       struct other_program *ret)
{
	static const enum gw_hook connects[] = {GW_HOOK_CONNECT4, GW_HOOK_CONNECT6};
	struct other_program others[OTHERS_MAX];

	for (size_t i = 0; i < sizeof(connects) / sizeof(*connects); i++) {
		enum gw_hook hook = connects[i];
		int count = others_at_hook(root, hook, hooks[hook].program_id, others);

		for (int j = 0; j < count; j++) {
			const struct other_owner *owner = others[j].owner;

			if (!others[j].runs_first || (owner ? !owner->takes_all : !is_any))
				continue;
			*ret = others[j];
			return true;
		}
	}
	return false;
}

static void tell(const struct other_program *taker, const struct pods *pods,
		 struct attach_point *ret)
{
	bool is_more = *pods->left_out;

	snprintf(ret->text, sizeof(ret->text),
		 "the hooks are at the pods' cgroup '%.80s', as program '%s' (id %u) of %s at the "
		 "root takes connects first: processes outside of pods are not balanced%s%s%s: "
		 "--cgroup names another cgroup",
		 pods->path, taker->name, taker->id,
		 taker->owner ? taker->owner->name : "somebody else",
		 is_more ? ", nor are the pods of '" : "", pods->left_out, is_more ? "'" : "");
}

int attach_point_open(const char *pin_dir, bool is_taken, struct attach_point *ret)
{
	struct hook_status hooks[GW_HOOK_MAX_] = {0};
	int root = mounts_open_cgroup(NULL), fd;
	struct other_program taker;
	struct pods pods = {0};

	*ret = (struct attach_point){0};
	if (root < 0)
		return root;
	look_below(root, "", PODS_DEPTH_MAX, &pods);
	fd = *pods.path ? openat(root, pods.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return root;
	datapath_hooks(pin_dir, hooks);
	if (find_taker(root, hooks, is_taken || is_present(hooks, fd), &taker)) {
		tell(&taker, &pods, ret);
		close(root);
		return fd;
	}
	close(fd);
	return root;
}
