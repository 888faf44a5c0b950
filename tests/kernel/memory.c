// SPDX-License-Identifier: Apache-2.0
#include "kernel/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/lab.h"
#include "kernel/lab_cgroup.h"

static char agent[320], clients[320];
static char v1[] = "/tmp/gwbpf-memory-XXXXXX"; /* where the hierarchy of v1 is mounted */
static bool is_v1;

/* Of v2 the lab's own cgroup is the clients', and the agent's stands beside it, so that neither has
 * a cgroup below it to which it would have to give the controller. */
static bool make_v2(void)
{
	char path[340];
	bool is_done;
	int fd;

	snprintf(clients, sizeof(clients), "%s", lab.cgroup);
	snprintf(agent, sizeof(agent), "%s-agent", lab.cgroup);
	assert_return_code(mkdir(agent, 0755), errno);
	snprintf(path, sizeof(path), "%.*s/cgroup.subtree_control",
		 (int)(strrchr(lab.cgroup, '/') - lab.cgroup), lab.cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_done = write(fd, "+memory", strlen("+memory")) > 0;
	close(fd);
	return is_done;
}

/* Where v1 has the controller. It need not be mounted, in a container for one, so it is mounted for
 * this process alone. */
static bool make_v1(void)
{
	assert_return_code(unshare(CLONE_NEWNS), errno);
	assert_return_code(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), errno);
	assert_non_null(mkdtemp(v1));
	if (mount("cgroup", v1, "cgroup", 0, "memory")) {
		rmdir(v1);
		return false;
	}
	is_v1 = true;
	lab_remove_cgroup(agent);
	snprintf(agent, sizeof(agent), "%s/gwbpf-agent-%d", v1, getpid());
	snprintf(clients, sizeof(clients), "%s/gwbpf-clients-%d", v1, getpid());
	assert_return_code(mkdir(agent, 0755), errno);
	assert_return_code(mkdir(clients, 0755), errno);
	return true;
}

bool memory_make(void)
{
	return make_v2() || make_v1();
}

void memory_be_agent(void)
{
	lab_join_cgroup(agent);
}

void memory_be_client(void)
{
	lab_join_cgroup(clients);
}

uint64_t memory_used(void)
{
	unsigned long long bytes = 0;
	char path[360];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", agent,
		 is_v1 ? "memory.usage_in_bytes" : "memory.current");
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%llu", &bytes), 1);
	fclose(file);
	return bytes;
}

void memory_remove(void)
{
	lab_join_cgroup(is_v1 ? v1 : clients);
	lab_remove_cgroup(agent);
	if (!is_v1)
		return;
	lab_remove_cgroup(clients);
	umount2(v1, MNT_DETACH);
	rmdir(v1);
}
