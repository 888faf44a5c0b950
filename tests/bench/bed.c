// SPDX-License-Identifier: Apache-2.0
#include "bench/bed.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/figures.h"
#include "kernel/lab.h"
#include "kernel/memory.h"

#define HOUR_NS 3600000000000ull
#define CGROUPS_MAX 8

static char cgroups[CGROUPS_MAX][300];
static size_t cgroup_count;
static bool has_memory_cgroups;

void bed_before_others(void)
{
	FILE *session = setsid() < 0 ? NULL : fopen("/proc/self/autogroup", "w");

	/* Where sessions share the CPUs evenly (sched_autogroup_enabled), this one counts for more. */
	if (session && (fputs("-20", session) < 0 || fclose(session)))
		fail_msg("cannot go before others: %s", strerror(errno));
	assert_return_code(setpriority(PRIO_PROCESS, 0, -20), errno);
}

void bed_on_one_cpu(void)
{
	const struct sched_param before_others = {.sched_priority = 1};
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_return_code(sched_setaffinity(0, sizeof(one), &one), errno);
	assert_return_code(sched_setscheduler(0, SCHED_FIFO, &before_others), errno);
}

const char *bed_make_cgroup(const char *name)
{
	char *path = cgroups[cgroup_count];

	assert_true(cgroup_count < CGROUPS_MAX);
	snprintf(path, sizeof(cgroups[0]), "%s/%s", lab.cgroup, name);
	assert_return_code(mkdir(path, 0755), errno);
	cgroup_count++;
	return path;
}

void bed_enter_cgroup(const char *path)
{
	char file[320];
	int fd;

	snprintf(file, sizeof(file), "%s/cgroup.procs", path ? path : lab.cgroup);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_return_code(fd, errno);
	assert_int_equal(write(fd, "0", 1), 1);
	close(fd);
}

void bed_print(void)
{
	if (has_memory_cgroups)
		printf("The agent and its clients have a memory cgroup each, as in Kubernetes.\n");
	else
		printf("No memory cgroups could be made: the clients pay nothing for a change of them.\n");
}

void bed_remove_cgroups(void)
{
	bed_enter_cgroup(NULL);
	memory_remove();
	while (cgroup_count)
		assert_return_code(rmdir(cgroups[--cgroup_count]), errno);
}

void bed_open(const char *cgroup)
{
	char own[sizeof(lab.cgroup)];
	struct gw_meta *meta;

	memcpy(own, lab.cgroup, sizeof(own));
	assert_true(strlen(cgroup) < sizeof(lab.cgroup));
	has_memory_cgroups = memory_make();
	memory_be_agent();
	strcpy(lab.cgroup, cgroup);
	lab_open();
	memory_be_client();
	memcpy(lab.cgroup, own, sizeof(own));
	settings_init(&lab.settings);
	meta = tables_meta(lab.tables);
	meta->heartbeat_ns = (uint64_t)(now_us() * 1e3);
	meta->stale_after_ns = HOUR_NS;
}
