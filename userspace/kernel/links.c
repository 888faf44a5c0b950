// SPDX-License-Identifier: Apache-2.0
#include "kernel/links.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/mounts.h"

/* In the order of attaching: a connection must not be rewritten before its end can be seen. */
static const struct {
	const char *name;
	enum bpf_attach_type type;
} hooks[GW_HOOK_MAX_] = {
	[GW_HOOK_SOCKOPS] = {"sockops", BPF_CGROUP_SOCK_OPS},
	[GW_HOOK_SOCK_RELEASE] = {"sock_release", BPF_CGROUP_INET_SOCK_RELEASE},
	[GW_HOOK_GETPEERNAME4] = {"getpeername4", BPF_CGROUP_INET4_GETPEERNAME},
	[GW_HOOK_GETPEERNAME6] = {"getpeername6", BPF_CGROUP_INET6_GETPEERNAME},
	[GW_HOOK_CONNECT4] = {"connect4", BPF_CGROUP_INET4_CONNECT},
	[GW_HOOK_CONNECT6] = {"connect6", BPF_CGROUP_INET6_CONNECT},
};

const char *links_hook_name(enum gw_hook hook)
{
	return hooks[hook].name;
}

const char *links_hook_names(int set, char buf[LINKS_NAMES_MAX])
{
	size_t length = 0;

	buf[0] = '\0';
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (set & 1 << i && length < LINKS_NAMES_MAX)
			length += (size_t)snprintf(buf + length, LINKS_NAMES_MAX - length, "%s%s",
						   length ? ", " : "",
						   links_hook_name((enum gw_hook)i));
	return buf;
}

int links_hook_type(enum gw_hook hook)
{
	return (int)hooks[hook].type;
}

static void pin_path(const char *pin_dir, enum gw_hook hook, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/links/gw_%s", pin_dir, hooks[hook].name);
}

static int open_link(const char *path, struct bpf_link_info *info)
{
	__u32 size = sizeof(*info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	if (!bpf_obj_get_info_by_fd(fd, info, &size))
		return fd;
	close(fd);
	return -errno;
}

/* Where a link is attached to another cgroup both run until that one ends, which does no harm: what
 * a record has been through once it does not go through again. */
static int attach_new(const char *pin_dir, enum gw_hook hook, int program_fd, int cgroup_fd)
{
	int link = bpf_link_create(program_fd, cgroup_fd, hooks[hook].type, NULL);
	char path[PATH_MAX];
	int err;

	if (link < 0)
		return -errno;
	err = links_detach(pin_dir, hook);
	pin_path(pin_dir, hook, path);
	if (!err && bpf_obj_pin(link, path))
		err = -errno;
	close(link);
	return err;
}

int links_attach(const char *pin_dir, enum gw_hook hook, int program_fd, int cgroup_fd)
{
	struct bpf_link_info info;
	char path[PATH_MAX];
	uint64_t cgroup;
	int err, fd;

	err = mounts_cgroup_id(cgroup_fd, &cgroup);
	if (err)
		return err;
	pin_path(pin_dir, hook, path);
	fd = open_link(path, &info);
	if (fd < 0 && fd != -ENOENT)
		return fd;
	/* A link whose cgroup was removed says 0. */
	if (fd < 0 || info.cgroup.cgroup_id != cgroup)
		err = attach_new(pin_dir, hook, program_fd, cgroup_fd);
	else if (bpf_link_update(fd, program_fd, NULL))
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

int links_detach(const char *pin_dir, enum gw_hook hook)
{
	char path[PATH_MAX];
	int fd;

	pin_path(pin_dir, hook, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Removing the pin alone ends the link some time later. */
	bpf_link_detach(fd);
	close(fd);
	return unlink(path) ? -errno : 0;
}

int datapath_hooks(const char *pin_dir, struct hook_status ret[GW_HOOK_MAX_])
{
	struct bpf_link_info info;
	char path[PATH_MAX];
	int found = 0, fd;

	for (int i = 0; i < GW_HOOK_MAX_; i++) {
		ret[i] = (struct hook_status){.name = hooks[i].name};
		pin_path(pin_dir, (enum gw_hook)i, path);
		fd = open_link(path, &info);
		if (fd == -EACCES || fd == -EPERM)
			return fd;
		if (fd < 0)
			continue;
		found++;
		ret[i].attached = info.cgroup.cgroup_id != 0;
		ret[i].program_id = info.prog_id;
		ret[i].cgroup_id = info.cgroup.cgroup_id;
		close(fd);
	}
	return found ? 0 : -ENOENT;
}
