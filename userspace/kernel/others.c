// SPDX-License-Identifier: Apache-2.0
#include "kernel/others.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/links.h"

#define PROGRAMS_MAX 64 /* of one type on one cgroup, by the kernel's own limit */
#define DEPTH_MAX 64    /* of cgroups above */

#define OLD_CILIUM "set bpf-lb-sock-hostns-only in its configuration"

static const struct other_owner owners[] = {
	{"Cilium", "cil_sock", true,
	 "set socketLB.enabled=false or socketLB.hostNamespaceOnly=true in its Helm values"},
	{"Cilium", "sock4_", true, OLD_CILIUM},
	{"Cilium", "sock6_", true, OLD_CILIUM},
	{"Calico", "calico_connect", true,
	 "set bpfConnectTimeLoadBalancing: Disabled in its FelixConfiguration"},
	{"another gwbpf", "gw_", false,
	 "let each balance Services of its own, or end one by its 'gwbpf detach --pin-dir'"},
};

static const struct other_owner *find_owner(const char *name)
{
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++)
		if (!strncmp(name, owners[i].prefix, strlen(owners[i].prefix)))
			return &owners[i];
	return NULL;
}

static int describe(uint32_t id, enum gw_hook hook, struct other_program *ret)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);
	int err = 0, fd;

	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		err = -errno;
	close(fd);
	if (err)
		return err;
	*ret = (struct other_program){.id = id, .hook = hook, .owner = find_owner(info.name)};
	memcpy(ret->name, info.name, sizeof(ret->name));
	return 0;
}

int others_at_hook(int cgroup_fd, enum gw_hook hook, uint32_t ours,
		   struct other_program ret[OTHERS_MAX])
{
	uint32_t ids[PROGRAMS_MAX], flags = 0, count = PROGRAMS_MAX;
	bool is_ours_seen = false;
	int others = 0;

	if (bpf_prog_query(cgroup_fd, links_hook_type(hook), BPF_F_QUERY_EFFECTIVE, &flags, ids,
			   &count))
		return -errno;
	for (uint32_t i = 0; i < count && others < OTHERS_MAX; i++) {
		if (ids[i] == ours) {
			is_ours_seen = true;
			continue;
		}
		/* One that has gone meanwhile is none. */
		if (describe(ids[i], hook, &ret[others]))
			continue;
		ret[others].runs_first = !is_ours_seen;
		others++;
	}
	return others;
}

/* The directory above; -1 at the top of what this process sees. */
static int open_above(int fd)
{
	struct stat here, above;
	struct statfs fs;
	int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (parent < 0)
		return -1;
	if (!fstatfs(parent, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC && !fstat(fd, &here) &&
	    !fstat(parent, &above) && here.st_ino != above.st_ino)
		return parent;
	close(parent);
	return -1;
}

/* What the kernel asks for (hierarchy_allows_attach() of kernel/bpf/cgroup.c): beside a program
 * that shares the hook anything may be attached, below one that may be overridden as well. */
static int judge_unshared(uint32_t id, uint32_t flags, bool is_above, enum gw_hook hook,
			  struct other_program *ret)
{
	if (flags & BPF_F_ALLOW_MULTI || describe(id, hook, ret))
		return 0;
	ret->runs_first = true;
	ret->is_replaced = is_above && flags & BPF_F_ALLOW_OVERRIDE;
	ret->is_exclusive = !ret->is_replaced;
	return 1;
}

int others_find_unshared(int cgroup_fd, enum gw_hook hook, struct other_program *ret)
{
	int fd = fcntl(cgroup_fd, F_DUPFD_CLOEXEC, 0), found = 0, above;
	uint32_t ids[PROGRAMS_MAX], flags, count = 0;

	/* Only the nearest one matters. */
	for (int depth = 0; fd >= 0 && !count && !found && depth < DEPTH_MAX; depth++) {
		flags = 0;
		count = PROGRAMS_MAX;
		if (bpf_prog_query(fd, links_hook_type(hook), 0, &flags, ids, &count))
			found = -errno;
		else if (count)
			found = judge_unshared(ids[0], flags, depth > 0, hook, ret);
		above = open_above(fd);
		close(fd);
		fd = above;
	}
	if (fd >= 0)
		close(fd);
	return found;
}
