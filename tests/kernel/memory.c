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

static char above[300], agent[320], clients[320];
static bool is_v1;

static bool allow_memory(const char *directory)
{
	char path[340];
	bool is_done;
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_done = write(fd, "+memory", strlen("+memory")) > 0;
	close(fd);
	return is_done;
}

/* Of v2 a cgroup that gives the controller to others holds no process itself. */
static bool share_lab(void)
{
	char root[300];

	lab_join_cgroup(agent);
	snprintf(root, sizeof(root), "%s", above);
	*strrchr(root, '/') = '\0';
	return allow_memory(root) && allow_memory(above);
}

bool memory_make(void)
{
	is_v1 = !access(V1 "/cgroup.procs", W_OK);
	if (is_v1)
		snprintf(above, sizeof(above), V1);
	else
		snprintf(above, sizeof(above), "%s", lab.cgroup);
	snprintf(agent, sizeof(agent), "%s/gwbpf-agent-%d", above, getpid());
	snprintf(clients, sizeof(clients), "%s/gwbpf-clients-%d", above, getpid());
	assert_return_code(mkdir(agent, 0755), errno);
	assert_return_code(mkdir(clients, 0755), errno);
	return is_v1 || share_lab();
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

/* The root of v1 takes any process; of v2 the lab's does when it shares no more. */
void memory_remove(void)
{
	char path[340];
	int fd;

	if (!is_v1) {
		snprintf(path, sizeof(path), "%s/cgroup.subtree_control", above);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && write(fd, "-memory", strlen("-memory")) < 0)
			print_message("# %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	lab_join_cgroup(above);
	lab_remove_cgroup(agent);
	lab_remove_cgroup(clients);
}
