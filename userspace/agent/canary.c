// SPDX-License-Identifier: Apache-2.0
#include "agent/canary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FLIGHT_MS 1000

struct canary {
	struct gw_meta *meta;
	int listeners[2]; /* IPv4, IPv6; -1: this host has none */
};

static int listen_ipv4(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int fd, err;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&address, length) && !listen(fd, 8) &&
	    !getsockname(fd, (struct sockaddr *)&address, &length)) {
		*port = address.sin_port;
		return fd;
	}
	err = -errno;
	close(fd);
	return err;
}

/* At the same port; -1 where there is no IPv6, or somebody else has it. */
static int listen_ipv6(uint16_t port)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_port = port,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd, only = 1;

	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 8))
		return fd;
	close(fd);
	return -1;
}

int canary_open(struct gw_meta *meta, struct canary **ret)
{
	struct canary *canary = calloc(1, sizeof(*canary));
	uint16_t port = 0;

	if (!canary)
		return -ENOMEM;
	canary->meta = meta;
	canary->listeners[0] = listen_ipv4(&port);
	if (canary->listeners[0] < 0) {
		int err = canary->listeners[0];

		free(canary);
		return err;
	}
	canary->listeners[1] = listen_ipv6(port);
	meta->canary_port = port;
	*ret = canary;
	return 0;
}

void canary_close(struct canary *canary)
{
	if (!canary)
		return;
	canary->meta->canary_port = 0;
	close(canary->listeners[0]);
	if (canary->listeners[1] >= 0)
		close(canary->listeners[1]);
	free(canary);
}

static socklen_t reserved_address(int family, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_port = htons(GW_CANARY_PORT);
		v4->sin_addr.s_addr = htonl(GW_CANARY_IPV4);
		return sizeof(*v4);
	}
	v6->sin6_port = htons(GW_CANARY_PORT);
	v6->sin6_addr.s6_addr32[0] = htonl(GW_CANARY_IPV6_FIRST);
	v6->sin6_addr.s6_addr32[3] = htonl(GW_CANARY_IPV6_LAST);
	return sizeof(*v6);
}

/* Fly: what fails is seen by the marks that are missing. */
static void fly(int family)
{
	struct sockaddr_storage to, peer;
	socklen_t length = reserved_address(family, &to), peer_length = sizeof(peer);
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd ready = {.fd = fd, .events = POLLOUT};

	if (fd < 0)
		return;
	if (!connect(fd, (struct sockaddr *)&to, length) ||
	    (errno == EINPROGRESS && poll(&ready, 1, FLIGHT_MS) == 1))
		getpeername(fd, (struct sockaddr *)&peer, &peer_length);
	close(fd);
}

/* A socket belongs to the cgroup in which it was made. Where it cannot be entered the agent is in
 * it already, or the marks will be missing. */
static void enter(int cgroup_fd)
{
	int fd = openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0)
		errno = 0;
	close(fd);
}

static void drain(int listener)
{
	int fd;

	if (listener < 0)
		return;
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
}

static int send_child(const struct canary *canary, int cgroup_fd)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child) {
		enter(cgroup_fd);
		fly(AF_INET);
		if (canary->listeners[1] >= 0)
			fly(AF_INET6);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int canary_send(struct canary *canary, int cgroup_fd)
{
	const int ipv6 = 1 << GW_HOOK_CONNECT6 | 1 << GW_HOOK_GETPEERNAME6;
	struct timespec now;
	uint64_t start_ns;
	int missing = 0, err;

	clock_gettime(CLOCK_MONOTONIC, &now);
	start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	err = send_child(canary, cgroup_fd);
	drain(canary->listeners[0]);
	drain(canary->listeners[1]);
	if (err)
		return err;
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (__atomic_load_n(&canary->meta->live_ns[i], __ATOMIC_ACQUIRE) < start_ns)
			missing |= 1 << i;
	return canary->listeners[1] < 0 ? missing & ~ipv6 : missing;
}
