// SPDX-License-Identifier: Apache-2.0
#include "kernel/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/lab.h"
#include "kernel/lab_cgroup.h"

#define V1 "/sys/fs/cgroup/memory"

static char agent[320], clients[320];
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

bool memory_make(void)
{
	is_v1 = !access(V1 "/cgroup.procs", W_OK);
	if (!is_v1)
		return make_v2();
	snprintf(agent, sizeof(agent), V1 "/gwbpf-agent-%d", getpid());
	snprintf(clients, sizeof(clients), V1 "/gwbpf-clients-%d", getpid());
	assert_return_code(mkdir(agent, 0755), errno);
	assert_return_code(mkdir(clients, 0755), errno);
	return true;
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
	lab_join_cgroup(is_v1 ? V1 : clients);
	lab_remove_cgroup(agent);
	if (is_v1)
		lab_remove_cgroup(clients);
}
