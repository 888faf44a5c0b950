// SPDX-License-Identifier: Apache-2.0
#include "agent/canary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proofs.h"
#include "agent/workers.h"
#include "base/clock.h"

#define FLIGHT_MS 1000
#define CGROUP "gwbpf-canary"

struct canary {
	struct gw_meta *meta;
	struct workers *workers;
	struct canary_send send;
	uint64_t start_ns;
	int listener;
	int cgroup_fd; /* of this flight or the last one; -1: there was none */
	bool is_flying;
};

/* Anybody can connect to the port. His SYN is dropped, so that he finds no room and takes none. */
static int admit_canaries_alone(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)(SKF_AD_OFF + SKF_AD_MARK)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CANARY_MARK, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {sizeof(code) / sizeof(*code), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter));
}

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
	if (!admit_canaries_alone(fd) && !bind(fd, (struct sockaddr *)&address, length) &&
	    !listen(fd, 8) && !getsockname(fd, (struct sockaddr *)&address, &length)) {
		*port = address.sin_port;
		return fd;
	}
	err = -errno;
	close(fd);
	return err;
}

int canary_open(struct event_base *base, struct gw_meta *meta, struct canary **ret)
{
	struct canary *canary = calloc(1, sizeof(*canary));
	uint16_t port = 0;
	int err;

	if (!canary)
		return -ENOMEM;
	canary->meta = meta;
	canary->cgroup_fd = -1;
	canary->listener = listen_on_loopback(&port);
	err = canary->listener < 0 ? canary->listener
				   : workers_new(base, WORKERS_SECONDS, &canary->workers);
	if (err) {
		if (canary->listener >= 0)
			close(canary->listener);
		free(canary);
		return err;
	}
	meta->canary_port = port;
	*ret = canary;
	return 0;
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
	const unsigned int mark = CANARY_MARK;

	if (fd >= 0 && family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
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

static int enter_one(int cgroup_fd, const char *procs)
{
	int fd = openat(cgroup_fd, procs, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, "0", 1) < 0)
		err = -errno;
	close(fd);
	return err;
}

/*
 * A socket belongs to the cgroup in which it was made. One that hands controllers down to those
 * below, as the pods' does, holds no process itself (-EBUSY): then it is a cgroup of our own below
 * it. Where none can be entered the agent is in it already, or the marks will be missing.
 */
static void enter(int cgroup_fd)
{
	if (enter_one(cgroup_fd, "cgroup.procs") != -EBUSY)
		return;
	if (!mkdirat(cgroup_fd, CGROUP, 0755) || errno == EEXIST)
		enter_one(cgroup_fd, CGROUP "/cgroup.procs");
}

/* Nothing of it stays behind. Where a process is still about to leave, the next time removes it. */
static void leave(struct canary *canary)
{
	if (canary->cgroup_fd >= 0)
		unlinkat(canary->cgroup_fd, CGROUP, AT_REMOVEDIR);
}

static void drain(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		close(fd);
}

/* In a process of its own: its answer is the error of a connect, or 0. */
static int fly_both(struct evbuffer *to, void *arg)
{
	const struct canary *canary = arg;
	uint16_t port = canary->meta->canary_port;
	int error, mapped_error;

	enter(canary->cgroup_fd);
	error = fly(AF_INET, port);
	mapped_error = fly(AF_INET6, port);
	if (!error)
		error = mapped_error;
	if (evbuffer_add(to, &error, sizeof(error)))
		return -ENOMEM;
	return canary->send.proofs ? proofs_ask(canary->send.proofs, to) : 0;
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

/* Which hooks it passed. Where it missed one nothing is proved. */
static void judge(struct canary *canary, int file, struct canary_flight *flight)
{
	if (!has_ipv6())
		mark_ipv6_hooks(canary->meta, canary->start_ns);
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		if (__atomic_load_n(&canary->meta->live_ns[i], __ATOMIC_ACQUIRE) < canary->start_ns)
			flight->missing |= 1 << i;
	if (file >= 0 && !flight->missing && canary->send.proofs)
		proofs_take(canary->send.proofs, file, sizeof(flight->error));
}

static void on_end(int file, void *arg)
{
	struct canary_flight flight = {0};
	struct canary *canary = arg;
	int err = file < 0 ? file : 0;

	if (file >= 0 &&
	    pread(file, &flight.error, sizeof(flight.error), 0) != sizeof(flight.error))
		err = -EIO;
	drain(canary->listener);
	canary->is_flying = false;
	leave(canary);
	judge(canary, err ? -1 : file, &flight);
	if (file >= 0)
		close(file);
	canary->send.done(err, &flight, canary->send.arg);
}

int canary_send(struct canary *canary, const struct canary_send *send)
{
	const struct work work = {
		.make = fly_both,
		.done = on_end,
		.arg = canary,
		.done_arg = canary,
	};
	int err;

	if (canary->is_flying)
		return -EALREADY;
	/* The hooks may move meanwhile. */
	leave(canary);
	if (canary->cgroup_fd >= 0)
		close(canary->cgroup_fd);
	canary->cgroup_fd = fcntl(send->cgroup_fd, F_DUPFD_CLOEXEC, 0);
	if (canary->cgroup_fd < 0)
		return -errno;
	canary->send = *send;
	canary->start_ns = clock_now_ns();
	if (send->proofs)
		proofs_choose(send->proofs);
	err = workers_start(canary->workers, &work);
	canary->is_flying = !err;
	return err;
}

void canary_close(struct canary *canary)
{
	if (!canary)
		return;
	workers_free(canary->workers);
	leave(canary);
	if (canary->cgroup_fd >= 0)
		close(canary->cgroup_fd);
	canary->meta->canary_port = 0;
	close(canary->listener);
	free(canary);
}
