// SPDX-License-Identifier: Apache-2.0
#include "kernel/roads.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/lab.h"

#define HERE_MAC "02:00:00:00:00:01"
#define FAR_MAC "02:00:00:00:00:02"
#define NOBODYS_MAC "02:00:00:00:00:99"

static int here_fd, far_fd;

static void travel(int namespace_fd)
{
	assert_int_equal(setns(namespace_fd, CLONE_NEWNET), 0);
}

/* A process that stays in a namespace of its own: `ip link` wants to be told a process. */
static pid_t start_resident(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = lab_fork();
	if (!pid) {
		if (unshare(CLONE_NEWNET))
			_exit(1);
		close_range(3, ~0u, 0);
		pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	return pid;
}

void roads_open(void)
{
	pid_t resident = start_resident();
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", resident);
	here_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	far_fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(here_fd >= 0 && far_fd >= 0);
	lab_run("ip link add here address " HERE_MAC " type veth "
		"peer name far address " FAR_MAC " netns %d",
		resident);
	kill(resident, SIGKILL);
	waitpid(resident, NULL, 0);
	lab_run("ip link set here up && ip addr add 10.3.0.1/24 dev here");
	travel(far_fd);
	lab_run("ip link set lo up && ip link set far up && ip addr add 10.3.0.2/24 dev far && "
		"ip route add unreachable 10.4.0.0/24 && "
		"echo 1 >/proc/sys/net/ipv4/ip_forward && "
		"echo 0 >/proc/sys/net/ipv4/icmp_ratelimit");
	travel(here_fd);
	lab_run("ip neigh add 10.3.0.3 lladdr " NOBODYS_MAC " dev here nud permanent && "
		"ip route add 10.4.0.0/24 via 10.3.0.2");
	roads_mend();
}

void roads_close(void)
{
	lab_run("ip link del here");
	close(here_fd);
	close(far_fd);
}

int roads_start(void **state)
{
	roads_open();
	return lab_start(state);
}

int roads_stop(void **state)
{
	lab_stop(state);
	roads_close();
	return 0;
}

int roads_listen(const char *address)
{
	int fd;

	travel(far_fd);
	fd = lab_listen(address);
	travel(here_fd);
	return fd;
}

void roads_break(void)
{
	lab_run("ip neigh replace 10.3.0.2 lladdr " NOBODYS_MAC " dev here nud permanent");
}

void roads_mend(void)
{
	lab_run("ip neigh replace 10.3.0.2 lladdr " FAR_MAC " dev here nud permanent");
}
