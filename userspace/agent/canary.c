// SPDX-License-Identifier: Apache-2.0
#include "agent/canary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define FLIGHT_MS 1000

struct canary {
	struct gw_meta *meta;
	int listener;
};

static int listen_on_loopback(uint16_t *port)
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

int canary_open(struct gw_meta *meta, struct canary **ret)
{
	struct canary *canary = calloc(1, sizeof(*canary));
	uint16_t port = 0;

	if (!canary)
		return -ENOMEM;
	canary->meta = meta;
	canary->listener = listen_on_loopback(&port);
	if (canary->listener < 0) {
		int err = canary->listener;

		free(canary);
		return err;
	}
	meta->canary_port = port;
	*ret = canary;
	return 0;
}

void canary_close(struct canary *canary)
{
	if (!canary)
		return;
	canary->meta->canary_port = 0;
	close(canary->listener);
	free(canary);
}

/* For the IPv6 hooks in its mapped form, as Java dials: it needs no IPv6 address on this host. */
static socklen_t reserved_address(int family, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_port = port;
		v4->sin_addr.s_addr = htonl(GW_CANARY_IPV4);
		return sizeof(*v4);
	}
	v6->sin6_port = port;
	v6->sin6_addr.s6_addr32[2] = htonl(0xffff);
	v6->sin6_addr.s6_addr32[3] = htonl(GW_CANARY_IPV4);
	return sizeof(*v6);
}

static int make_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), no = 0;

	if (fd >= 0 && family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	return fd;
}

static int await_connect(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	socklen_t length = sizeof(int);
	int error = ETIMEDOUT;

	if (errno != EINPROGRESS)
		return errno;
	if (poll(&ready, 1, FLIGHT_MS) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

/* Fly. What connect(2) says; which hooks it passed is seen by their marks. */
static int fly(int family, uint16_t port)
{
	struct sockaddr_storage to, peer;
	socklen_t length = reserved_address(family, port, &to), peer_length = sizeof(peer);
	int fd = make_socket(family), error = 0;

	if (fd < 0)
		return errno == EAFNOSUPPORT ? 0 : errno;
	if (connect(fd, (struct sockaddr *)&to, length))
		error = await_connect(fd);
	if (!error)
		getpeername(fd, (struct sockaddr *)&peer, &peer_length);
	close(fd);
	return error;
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

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
}

/* The child's exit status is an errno: all of them fit. */
static int send_child(const struct canary *canary, int cgroup_fd, int *ret)
{
	uint16_t port = canary->meta->canary_port;
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child) {
		int error, mapped_error;

		/* It shares the lock of an agent that is killed meanwhile. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(cgroup_fd);
		error = fly(AF_INET, port);
		mapped_error = fly(AF_INET6, port);
		_exit(error ? error : mapped_error);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
	return 0;
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EAFNOSUPPORT;
	close(fd);
	return true;
}

/* Without IPv6 in the kernel no socket can pass its hooks, and so none can miss them. */
static void mark_ipv6_hooks(struct gw_meta *meta, uint64_t now_ns)
{
	meta->live_ns[GW_HOOK_CONNECT6] = now_ns;
	meta->live_ns[GW_HOOK_GETPEERNAME6] = now_ns;
}

int canary_send(struct canary *canary, int cgroup_fd, struct canary_flight *ret)
{
	struct canary_flight flight = {0};
	uint64_t start_ns = clock_now_ns();
	int err;

	err = send_child(canary, cgroup_fd, &flight.error);
	drain(canary->listener);
	if (err)
		return err;
	if (!has_ipv6())
		mark_ipv6_hooks(canary->meta, start_ns);
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (__atomic_load_n(&canary->meta->live_ns[i], __ATOMIC_ACQUIRE) < start_ns)
			flight.missing |= 1 << i;
	*ret = flight;
	return 0;
}
