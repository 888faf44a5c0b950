// SPDX-License-Identifier: Apache-2.0
#include "agent/checker.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/check_child.h"
#include "agent/check_sandbox.h"
#include "base/addr.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "kernel/tables.h"

#define ANSWERS_BYTES (1 << 20)
#define TURN_MAX 64   /* answers that are taken before others have a turn */
#define PAUSE_MS 1000 /* before a child is started again, doubling, */
#define PAUSE_MAX_MS 60000
#define WELL_MS 60000 /* unless it has lived for so long */

struct checker {
	struct event_base *base;
	struct tables *tables;
	struct checker_calls calls;
	pid_t child; /* 0: there is none */
	int fd;
	struct event *answers;
	uint64_t start_ms;
	uint64_t again_ms; /* no child is started before */
	uint32_t pause_ms;
};

int checker_new(struct event_base *base, struct tables *tables, const struct checker_calls *calls,
		struct checker **ret)
{
	struct checker *checker = calloc(1, sizeof(*checker));

	if (!checker)
		return -ENOMEM;
	checker->base = base;
	checker->tables = tables;
	checker->calls = *calls;
	checker->fd = -1;
	*ret = checker;
	return 0;
}

/* Its exit status, as waitpid(2) tells it. */
static int end_child(struct checker *checker)
{
	int status = 0;

	if (checker->answers)
		event_free(checker->answers);
	checker->answers = NULL;
	if (checker->fd >= 0)
		close(checker->fd);
	checker->fd = -1;
	if (!checker->child)
		return 0;
	kill(checker->child, SIGKILL);
	while (waitpid(checker->child, &status, 0) < 0 && errno == EINTR)
		;
	checker->child = 0;
	return status;
}

void checker_free(struct checker *checker)
{
	if (!checker)
		return;
	end_child(checker);
	free(checker);
}

void checker_rest(struct checker *checker)
{
	end_child(checker);
	checker->pause_ms = 0;
}

void checker_restart(struct checker *checker, const char *why)
{
	uint64_t now_ms = clock_now_ms();

	end_child(checker);
	if (now_ms - checker->start_ms > WELL_MS)
		checker->pause_ms = 0;
	checker->pause_ms = checker->pause_ms ? checker->pause_ms * 2 : PAUSE_MS;
	if (checker->pause_ms > PAUSE_MAX_MS)
		checker->pause_ms = PAUSE_MAX_MS;
	checker->again_ms = now_ms + checker->pause_ms;
	log_warn(
		"the child that checks backends %s: another one starts in %u s; until then nothing "
		"is known anew, and no backend is down by that",
		why, checker->pause_ms / 1000);
	checker->calls.lost(checker->calls.arg);
}

/* What is not an answer is of a child that is no longer ours. */
static void on_answers(evutil_socket_t fd, short what, void *arg)
{
	char bytes[sizeof(struct check_answer) + 1];
	struct checker *checker = arg;
	struct check_answer answer;

	(void)what;
	for (int i = 0; i < TURN_MAX; i++) {
		ssize_t size = recv((int)fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		if (size < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (size <= 0) {
			checker_restart(checker, "has ended");
			return;
		}
		if (check_answer_read(bytes, (size_t)size, &answer)) {
			checker_restart(checker, "says what is no answer, and was ended");
			return;
		}
		checker->calls.answered(&answer, checker->calls.arg);
		/* By what came of it, the child may have been ended. */
		if (checker->fd != fd)
			return;
	}
}

/* Its memory is not to be a copy of the agent's, in which there are secrets: so it starts anew. */
static void __attribute__((noreturn)) become_child(int fd)
{
	char name[] = CHECK_CHILD_NAME;
	char *const arguments[] = {name, NULL}, *const environment[] = {NULL};

	if (!check_sandbox_close(fd))
		execve("/proc/self/exe", arguments, environment);
	_exit(1);
}

static int start_child(struct checker *checker)
{
	const int room = ANSWERS_BYTES;
	int fds[2], err;

	if (clock_now_ms() < checker->again_ms)
		return -EAGAIN;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		return -errno;
	/* As far as the kernel lets it: by default it has room for fewer answers. */
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	checker->start_ms = clock_now_ms();
	checker->child = child_fork();
	if (!checker->child)
		become_child(fds[1]);
	err = checker->child < 0 ? -errno : 0;
	if (err)
		checker->child = 0;
	close(fds[1]);
	checker->fd = fds[0];
	checker->answers =
		event_new(checker->base, checker->fd, EV_READ | EV_PERSIST, on_answers, checker);
	if (!err && (!checker->answers || event_add(checker->answers, NULL)))
		err = -ENOMEM;
	if (err)
		end_child(checker);
	return err;
}

/*
 * The socket that the child looks with. It is made here, because the child may not tell the kernel
 * that it is the agent's own: a backend's address may be that of a balanced Service, too.
 */
static int own_socket(struct checker *checker, const struct gw_addr *peer)
{
	int family = addr_is_ipv4(peer) ? AF_INET : AF_INET6, err;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	err = tables_own_socket(checker->tables, fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int checker_ask(struct checker *checker, const struct check_order *order)
{
	int err = checker->child ? 0 : start_child(checker), fd = -1;

	if (!err && order->kind != GW_CHECK_OFF) {
		fd = own_socket(checker, &order->address);
		err = fd < 0 ? fd : 0;
	}
	if (err)
		return err;
	err = check_order_send(checker->fd, order, fd, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (fd >= 0)
		close(fd);
	/* If it has ended, on_answers() is told. */
	return err ? -EAGAIN : 0;
}
