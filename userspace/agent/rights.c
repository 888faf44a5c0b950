// SPDX-License-Identifier: Apache-2.0
#include "agent/rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Later than some headers that this is built with. */
#define PERFMON 38
#define BPF 39

static const int needed[] = {
	BPF,                 /* maps and programs */
	PERFMON,             /* pointers in the programs that walk over sockets */
	CAP_SYS_ADMIN,       /* both by their ids; network namespaces in which it counts */
	CAP_NET_ADMIN,       /* the canary's mark; rules of kube-proxy */
	CAP_SYS_PTRACE,      /* network namespaces of pods, and descriptors of their processes */
	CAP_DAC_READ_SEARCH, /* the path of a cgroup from its id */
	CAP_SYS_RESOURCE,    /* locked memory for maps, before Linux 5.11 */
};

static uint64_t needed_mask(void)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		mask |= 1ull << needed[i];
	return mask;
}

/* EINVAL: the kernel knows no more of them. It takes CAP_SETPCAP. */
static int drop_from_bounding_set(uint64_t keep)
{
	for (int capability = 0; capability < 64; capability++) {
		int has = prctl(PR_CAPBSET_READ, capability);

		if (has < 0)
			return 0;
		if (has && !(keep >> capability & 1) && prctl(PR_CAPBSET_DROP, capability) &&
		    errno != EPERM)
			return -errno;
	}
	return 0;
}

int rights_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	uint64_t keep = needed_mask();
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	err = drop_from_bounding_set(keep);
	if (err)
		return err;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -errno;
	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective &= data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}
