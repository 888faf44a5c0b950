// SPDX-License-Identifier: Apache-2.0
#include "kernel/mover_child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"

#define LOOK_MS 20 /* so often it is looked whether the process has come further */
#define END_MS 200 /* for as long it is waited for one that was killed */

/* What both see. */
struct desk {
	size_t count;
	int err; /* of mover_run() */
	struct move moves[MOVER_CHILD_MOVES];
};

struct mover_child {
	struct desk *desk;
	pid_t pid; /* 0: there is none */
	int socket;
};

int mover_child_new(struct mover_child **ret)
{
	struct mover_child *child = calloc(1, sizeof(*child));

	if (!child)
		return -ENOMEM;
	child->desk = mmap(NULL, sizeof(*child->desk), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (child->desk == MAP_FAILED) {
		free(child);
		return -ENOMEM;
	}
	*ret = child;
	return 0;
}

/* Errors and the socket are all that it keeps: a lock of its parent's must not outlive that in here. */
static void __attribute__((noreturn)) work(struct desk *desk, int socket)
{
	char byte;

	if (dup2(socket, STDIN_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0u, 0))
		_exit(1);
	while (read(STDIN_FILENO, &byte, 1) == 1) {
		desk->err = mover_run(desk->moves, desk->count);
		if (write(STDIN_FILENO, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static int start(struct mover_child *child)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	child->pid = child_fork();
	if (!child->pid) {
		close(pair[0]);
		work(child->desk, pair[1]);
	}
	close(pair[1]);
	if (child->pid < 0) {
		int err = -errno;

		child->pid = 0;
		close(pair[0]);
		return err;
	}
	child->socket = pair[0];
	return 0;
}

/* If it does not end now, whoever is the first process reaps it one day. */
static void stop(struct mover_child *child)
{
	uint64_t end_ms = clock_now_ms() + END_MS;

	close(child->socket);
	kill(child->pid, SIGKILL);
	while (!waitpid(child->pid, NULL, WNOHANG) && clock_now_ms() < end_ms)
		poll(NULL, 0, 1);
	child->pid = 0;
}

void mover_child_free(struct mover_child *child)
{
	if (!child)
		return;
	if (child->pid)
		stop(child);
	munmap(child->desk, sizeof(*child->desk));
	free(child);
}

/* Which move it is at: there is one at most. */
static size_t at(const struct desk *desk)
{
	for (size_t i = 0; i < desk->count; i++)
		if (*(const volatile enum move_result *)&desk->moves[i].result == MOVE_HUNG)
			return i;
	return desk->count;
}

/* Returns whether it has come to its end. is_hung: one move took too long; else there were too many. */
static bool wait_for(const struct mover_child *child, bool *is_hung)
{
	uint64_t begin_ms = clock_now_ms(), step_ms = begin_ms;
	struct pollfd answer = {.fd = child->socket, .events = POLLIN};
	size_t step = at(child->desk);
	char byte;

	while (poll(&answer, 1, LOOK_MS) != 1) {
		uint64_t now_ms = clock_now_ms();

		if (step != at(child->desk)) {
			step = at(child->desk);
			step_ms = now_ms;
		}
		*is_hung = now_ms - step_ms >= MOVER_CHILD_STEP_MS;
		if (*is_hung || now_ms - begin_ms >= MOVER_CHILD_TOTAL_MS)
			return false;
	}
	return read(child->socket, &byte, 1) == 1;
}

/* It has not come to its end: nobody has looked everywhere for those not found. One that was under
 * way when there was no time left is not to blame. */
static void take_part(const struct desk *desk, struct move *moves, bool is_hung)
{
	memcpy(moves, desk->moves, desk->count * sizeof(*moves));
	for (size_t i = 0; i < desk->count; i++)
		if (moves[i].result == MOVE_UNFOUND || (moves[i].result == MOVE_HUNG && !is_hung))
			moves[i].result = MOVE_BUSY;
}

int mover_child_run(struct mover_child *child, struct move *moves, size_t count)
{
	int err = child->pid ? 0 : start(child);
	bool is_hung = false;
	const char byte = 0;

	if (err)
		return err;
	child->desk->count = count;
	memcpy(child->desk->moves, moves, count * sizeof(*moves));
	for (size_t i = 0; i < count; i++)
		child->desk->moves[i].result = MOVE_BUSY;
	if (send(child->socket, &byte, 1, MSG_NOSIGNAL) == 1 && wait_for(child, &is_hung)) {
		memcpy(moves, child->desk->moves, count * sizeof(*moves));
		return child->desk->err;
	}
	stop(child);
	take_part(child->desk, moves, is_hung);
	return 0;
}
