// SPDX-License-Identifier: Apache-2.0
#include "bench/spaces.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel/lab.h"

static int clients_fd, peers_fd, node_fds[SPACES_NODES_MAX];

static void travel(int namespace_fd)
{
	assert_int_equal(setns(namespace_fd, CLONE_NEWNET), 0);
}

/* A new namespace, in which this process then lives. */
static int make_namespace(void)
{
	int fd;

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	lab_run("ip link set lo up");
	return fd;
}

/* One end of a new veth pair is here, the other one in the namespace of a process. */
static void join(int namespace_fd, int node, const char *here, const char *there)
{
	lab_run("ip link add %s%d type veth peer name %s%d netns /proc/%d/fd/%d", here, node, there,
		node, getpid(), namespace_fd);
	lab_run("ip link set %s%d up", here, node);
}

void spaces_open(void)
{
	peers_fd = make_namespace();
	clients_fd = make_namespace();
}

void spaces_add_node(int node)
{
	node_fds[node] = make_namespace();
	lab_run("echo 1 >/proc/sys/net/ipv4/ip_forward");
	join(clients_fd, node, "to-clients", "node");
	join(peers_fd, node, "to-peers", "node");
	lab_run("ip addr add 10.128.%d.2/24 dev to-clients%d && "
		"ip addr add 10.129.%d.254/24 dev to-peers%d",
		node, node, node, node);
	travel(peers_fd);
	lab_run("ip link set node%d up", node);
	for (int i = 1; i <= SPACES_PEERS; i++)
		lab_run("ip addr add 10.129.%d.%d/24 dev node%d", node, i, node);
	lab_run("ip route add 10.128.%d.0/24 via 10.129.%d.254", node, node);
	travel(clients_fd);
	lab_run("ip link set node%d up && ip addr add 10.128.%d.1/24 dev node%d && "
		"ip route add 10.129.%d.0/24 via 10.128.%d.2 && "
		"ip route add 10.96.%d.0/24 via 10.128.%d.2",
		node, node, node, node, node, node, node);
}

void spaces_run_at_node(int node, const char *command)
{
	travel(node_fds[node]);
	lab_run("%s", command);
	travel(clients_fd);
}

static pid_t fork_at(int namespace_fd)
{
	pid_t pid = lab_fork();

	if (!pid && setns(namespace_fd, CLONE_NEWNET))
		_exit(1);
	return pid;
}

pid_t spaces_fork_peers(void)
{
	return fork_at(peers_fd);
}

pid_t spaces_fork_node(int node)
{
	return fork_at(node_fds[node]);
}
