// SPDX-License-Identifier: Apache-2.0
#include "kernel/attach.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gwbpf.skel.h>

#include "kernel/links.h"
#include "kernel/mounts.h"
#include "kernel/others.h"
#include "kernel/pins.h"

static int program_fd(const struct gwbpf_bpf *object, int hook)
{
	const struct bpf_program *const programs[GW_HOOK_MAX_] = {
		[GW_HOOK_SOCKOPS] = object->progs.gw_sockops,
		[GW_HOOK_SOCK_RELEASE] = object->progs.gw_sock_release,
		[GW_HOOK_GETPEERNAME4] = object->progs.gw_getpeername4,
		[GW_HOOK_GETPEERNAME6] = object->progs.gw_getpeername6,
		[GW_HOOK_CONNECT4] = object->progs.gw_connect4,
		[GW_HOOK_CONNECT6] = object->progs.gw_connect6,
	};

	return bpf_program__fd(programs[hook]);
}

static uint32_t program_id(const struct gwbpf_bpf *object, int hook)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(program_fd(object, hook), &info, &size) ? 0 : info.id;
}

static int fail(int err, int cgroup_fd, enum gw_hook hook, char *message)
{
	struct other_program other;

	if (err != -EPERM)
		return pins_fail(message, err, "cannot attach %s: %s", links_hook_name(hook),
				 strerror(-err));
	if (others_find_unshared(cgroup_fd, hook, &other) == 1 && other.is_exclusive)
		return pins_fail(message, err,
				 "cannot attach %s: program '%s' (id %u) holds this hook of the "
				 "cgroup, or of one above it, exclusively: detach it, or have it "
				 "attached with BPF_F_ALLOW_MULTI",
				 links_hook_name(hook), other.name, other.id);
	return pins_fail(message, err,
			 "cannot attach %s: the kernel does not allow it: another program may hold "
			 "this hook of a cgroup above, which cannot be seen from here, exclusively",
			 links_hook_name(hook));
}

static bool is_connect(int hook)
{
	return hook == GW_HOOK_CONNECT4 || hook == GW_HOOK_CONNECT6;
}

/*
 * Before any hook goes to another cgroup connects are left to kube-proxy: what they began would not
 * be seen by hooks that have gone ahead, nor twice by those that run at both.
 */
static int stop_connects_elsewhere(const char *pin_dir, int cgroup_fd, char *message)
{
	struct hook_status status[GW_HOOK_MAX_] = {0};
	uint64_t cgroup;
	int err = mounts_cgroup_id(cgroup_fd, &cgroup);

	datapath_hooks(pin_dir, status);
	for (int i = GW_HOOK_MAX_ - 1; i >= 0 && !err; i--)
		if (is_connect(i) && status[i].attached && status[i].cgroup_id != cgroup)
			err = links_detach(pin_dir, (enum gw_hook)i);
	return err ? pins_fail(message, err, "cannot detach the hooks from another cgroup: %s",
			       strerror(-err))
		   : 0;
}

int attach_hooks(const char *pin_dir, const struct gwbpf_bpf *object, int cgroup_fd, char *message)
{
	int err = stop_connects_elsewhere(pin_dir, cgroup_fd, message);

	if (err)
		return err;
	for (int i = 0; i < GW_HOOK_MAX_; i++) {
		err = links_attach(pin_dir, (enum gw_hook)i, program_fd(object, i), cgroup_fd);
		if (err)
			return fail(err, cgroup_fd, (enum gw_hook)i, message);
	}
	return 0;
}

int attach_lost(const char *pin_dir, const struct gwbpf_bpf *object, int cgroup_fd)
{
	struct hook_status status[GW_HOOK_MAX_] = {0};
	uint64_t cgroup = 0;
	int lost = 0;

	mounts_cgroup_id(cgroup_fd, &cgroup);
	datapath_hooks(pin_dir, status);
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (!status[i].attached || status[i].cgroup_id != cgroup ||
		    status[i].program_id != program_id(object, i))
			lost |= 1 << i;
	return lost;
}
