// SPDX-License-Identifier: Apache-2.0
#include "kernel/clients.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/lab.h"

int clients_here(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* Without ARP packets keep the address of the device itself: the other end drops them. */
static void make_hole(void)
{
	lab_run("ip link add hole arp off type veth peer name bottom && ip link set hole up && "
		"ip link set bottom up");
}

int clients_make(void)
{
	int home = clients_here(), client;

	lab_enter_namespace();
	make_hole();
	client = clients_here();
	clients_be(home);
	close(home);
	return client;
}

/* In a user namespace of its own, in which it is root. */
static void enter_as_user(void)
{
	int fd, written = -1;

	if (!unshare(CLONE_NEWUSER)) {
		fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
		written = (int)write(fd, "0 0 1", 5);
	}
	if (written != 5)
		_exit(1);
	lab_enter_namespace();
	make_hole();
}

int clients_make_of_user(void)
{
	char path[64], byte = 0;
	int ready[2], client;
	pid_t resident;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	resident = lab_fork();
	if (!resident) {
		enter_as_user();
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", resident);
	client = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(client >= 0);
	kill(resident, SIGKILL);
	waitpid(resident, NULL, 0);
	return client;
}

void clients_be(int client)
{
	assert_int_equal(setns(client, CLONE_NEWNET), 0);
}

void clients_lose(const char *ip)
{
	lab_run("ip addr del %s/32 dev lo && ip route add %s dev hole", ip, ip);
}

void clients_find(const char *ip)
{
	lab_run("ip route del %s dev hole && ip addr add %s/32 dev lo", ip, ip);
}

struct repeat {
	int fd;
	unsigned int times;
};

static bool has_repeated(void *arg)
{
	const struct repeat *repeat = arg;
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	return !getsockopt(repeat->fd, IPPROTO_TCP, TCP_INFO, &info, &length) &&
	       info.tcpi_total_retrans >= repeat->times;
}

void clients_await_repeat(int fd, unsigned int times)
{
	struct repeat repeat = {.fd = fd, .times = times};

	lab_wait(has_repeated, &repeat, "a repeated SYN");
}

void clients_reach(const char *vip, const char *const *backends)
{
	for (size_t i = 0; backends[i]; i++) {
		const char *const alone[] = {backends[i], NULL};
		int listener = lab_listen(backends[i]);

		lab_service("peers", vip, GW_POLICY_RR, alone);
		assert_int_equal(clients_touch(vip), 0);
		close(listener);
	}
}

int clients_touch(const char *address)
{
	int fd = lab_connect(address);

	if (fd < 0)
		return fd;
	lab_abort(fd);
	return 0;
}
