// SPDX-License-Identifier: Apache-2.0
#include "kernel/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/lab.h"

static void greet(int fd)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
	uint8_t byte;

	if (getsockname(fd, (struct sockaddr *)&name, &length))
		return;
	byte = name.ss_family == AF_INET ? (uint8_t)ntohl(v4->sin_addr.s_addr)
					 : v6->sin6_addr.s6_addr[15];
	send(fd, &byte, 1, MSG_NOSIGNAL);
}

/* Only SERVER_GREET keeps what it accepts. */
static void take_in(int listener, int epoll, enum server_manner manner)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (manner == SERVER_RESET) {
		lab_abort(fd);
		return;
	}
	if (manner == SERVER_CLOSE) {
		close(fd);
		return;
	}
	greet(fd);
	event.data.fd = fd;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void drop_if_ended(int fd)
{
	char buf[4096];

	if (read(fd, buf, sizeof(buf)) <= 0)
		close(fd);
}

static void serve(int listener, enum server_manner manner)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[64];
	int epoll = epoll_create1(0), count;

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		count = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				take_in(listener, epoll, manner);
			else
				drop_if_ended(events[i].data.fd);
		}
	}
}

pid_t server_start(int listener, enum server_manner manner)
{
	pid_t pid = lab_fork();

	if (!pid) {
		dup2(fcntl(listener, F_DUPFD, 64), 3);
		close_range(4, ~0u, 0);
		serve(3, manner);
	}
	close(listener);
	return pid;
}

void server_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

int server_greeting(int fd)
{
	uint8_t byte;
	ssize_t length = recv(fd, &byte, 1, 0);

	if (length < 0)
		return -errno;
	return length ? byte : -ENODATA;
}
