// SPDX-License-Identifier: Apache-2.0
#include "kernel/probe_moving.h"

#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INITIAL_PID_NAMESPACE 0xeffffffcu /* PROC_PID_INIT_INO */
#define SCOPE_MAX 2 /* Documentation/admin-guide/LSM/Yama.rst: with 3 nobody may attach */

static bool has_capability(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	return !syscall(SYS_capget, &header, data) &&
	       data[CAP_TO_INDEX(CAP_SYS_PTRACE)].effective & CAP_TO_MASK(CAP_SYS_PTRACE);
}

static bool sees_all_processes(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino == INITIAL_PID_NAMESPACE;
}

/* Without Yama there is no such file, and nothing that it forbids. */
static int read_scope(void)
{
	FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%d", &scope) != 1)
		scope = 0;
	fclose(file);
	return scope;
}

bool probe_moving(char lack[PROBE_MOVING_MAX])
{
	lack[0] = '\0';
	if (!has_capability())
		snprintf(lack, PROBE_MOVING_MAX,
			 "CAP_SYS_PTRACE is missing: give the agent that capability");
	else if (!sees_all_processes())
		snprintf(lack, PROBE_MOVING_MAX,
			 "the node's processes cannot be seen: run the agent in the node's process "
			 "namespace (hostPID: true in a pod)");
	else if (read_scope() > SCOPE_MAX)
		snprintf(
			lack, PROBE_MOVING_MAX,
			"kernel.yama.ptrace_scope is %d: set it to %d or less and restart the node",
			read_scope(), SCOPE_MAX);
	return !lack[0];
}
