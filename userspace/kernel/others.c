// SPDX-License-Identifier: Apache-2.0
#include "kernel/others.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/links.h"

#define PROGRAMS_MAX 64 /* of one type on one cgroup, by the kernel's own limit */

static int program_name(uint32_t id, char name[16])
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
	memcpy(name, info.name, sizeof(info.name));
	return err;
}

static bool is_ours(const char *name, enum gw_hook hook)
{
	char ours[32] = "gw_";

	strcat(ours, links_hook_name(hook));
	return !strncmp(name, ours, 15);
}

int others_at_hook(int cgroup_fd, enum gw_hook hook, struct other_program ret[OTHERS_MAX])
{
	uint32_t ids[PROGRAMS_MAX], flags = 0, count = PROGRAMS_MAX;
	bool is_ours_seen = false;
	int others = 0;

	if (bpf_prog_query(cgroup_fd, links_hook_type(hook), BPF_F_QUERY_EFFECTIVE, &flags, ids,
			   &count))
		return -errno;
	for (uint32_t i = 0; i < count && others < OTHERS_MAX; i++) {
		struct other_program *other = &ret[others];

		if (program_name(ids[i], other->name))
			continue;
		if (is_ours(other->name, hook)) {
			is_ours_seen = true;
			continue;
		}
		other->id = ids[i];
		other->runs_first = !is_ours_seen;
		others++;
	}
	return others;
}
