// SPDX-License-Identifier: Apache-2.0
/* The part of the lab that has to do with sockets. */
#include "kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"

static socklen_t socket_address(const char *text, bool mapped, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct gw_addr address;
	uint16_t port;

	assert_return_code(addr_port_parse(text, &address, &port), 0);
	memset(ret, 0, sizeof(*ret));
	if (addr_is_ipv4(&address) && !mapped) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		v4->sin_addr.s_addr = address.word[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, &address, sizeof(address));
	return sizeof(*v6);
}

static void must(int result, const char *what, const char *address)
{
	if (result < 0)
		fail_msg("cannot %s '%s': %s", what, address, strerror(errno));
}

int lab_listen(const char *address)
{
	struct sockaddr_storage to;
	socklen_t length = socket_address(address, false, &to);
	int fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	must(fd, "make a socket for", address);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(fd, (struct sockaddr *)&to, length), "bind to", address);
	must(listen(fd, 4096), "listen at", address);
	return fd;
}

static int dial(int fd, const char *address, bool mapped)
{
	struct sockaddr_storage to;
	socklen_t length = socket_address(address, mapped, &to);

	return connect(fd, (struct sockaddr *)&to, length) ? -errno : 0;
}

int lab_dial(int fd, const char *address)
{
	return dial(fd, address, false);
}

static int connect_new(const char *address, bool mapped)
{
	struct sockaddr_storage to;
	int err, fd;

	socket_address(address, mapped, &to);
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd, "make a socket for", address);
	err = dial(fd, address, mapped);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int lab_connect(const char *address)
{
	return connect_new(address, false);
}

int lab_connect_mapped(const char *address)
{
	return connect_new(address, true);
}

int lab_begin_dial(const char *address)
{
	struct sockaddr_storage to;
	int fd;

	socket_address(address, false, &to);
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(lab_dial(fd, address), -EINPROGRESS);
	return fd;
}

int lab_dial_error(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	socklen_t length = sizeof(int);
	int err;

	assert_int_equal(poll(&ready, 1, LAB_PATIENCE_MS), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length), 0);
	return err;
}

void lab_disconnect(int fd)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	must(connect(fd, &nobody, sizeof(nobody)), "disconnect", "a socket");
}

/*
 * close(2) alone leaves the end to another process, if one that reads /proc/PID/fd has its hand on
 * the file just then: it comes later, and unseen where the kernel keeps cgroup programs out of that
 * process, as some do for the first one of a microVM.
 */
void lab_abort(int fd)
{
	lab_disconnect(fd);
	close(fd);
}

const char *lab_peer_name(int fd, char *buf)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
	struct gw_addr address = {.word = {0, 0, htonl(0xffff), 0}};
	uint16_t port;

	must(getpeername(fd, (struct sockaddr *)&name, &length), "see the peer of", "a socket");
	if (name.ss_family == AF_INET) {
		address.word[3] = v4->sin_addr.s_addr;
		port = ntohs(v4->sin_port);
	} else {
		memcpy(&address, &v6->sin6_addr, sizeof(address));
		port = ntohs(v6->sin6_port);
	}
	return addr_port_format(&address, port, buf);
}
