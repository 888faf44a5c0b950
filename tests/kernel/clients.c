// SPDX-License-Identifier: Apache-2.0
#include "kernel/clients.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/lab.h"

int clients_here(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

int clients_make(void)
{
	int home = clients_here(), client;

	lab_enter_namespace();
	/* Without ARP packets keep the address of the device itself: the other end drops them. */
	lab_run("ip link add hole arp off type veth peer name bottom && ip link set hole up && "
		"ip link set bottom up");
	client = clients_here();
	clients_be(home);
	close(home);
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

int clients_touch(const char *address)
{
	int fd = lab_connect(address);

	if (fd < 0)
		return fd;
	lab_abort(fd);
	return 0;
}
