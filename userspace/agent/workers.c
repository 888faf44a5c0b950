// SPDX-License-Identifier: Apache-2.0
#include "agent/workers.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"

#define WORKERS_MAX 4
#define DIE_SECONDS 1 /* for as long it is waited for one that was killed */
#define PIECE_BYTES (256u << 10)
#define WORK_BYTES (256ul << 20) /* an answer must not cost the agent its memory */

struct worker {
	struct work work;
	struct event *ended; /* NULL: this place is free */
	pid_t child;
	int pidfd;
	int file;
	bool is_given_up; /* done was told */
};

struct workers {
	struct event_base *base;
	unsigned int seconds;
	struct worker places[WORKERS_MAX];
};

int workers_new(struct event_base *base, unsigned int seconds, struct workers **ret)
{
	struct workers *workers = calloc(1, sizeof(*workers));

	if (!workers)
		return -ENOMEM;
	workers->base = base;
	workers->seconds = seconds;
	*ret = workers;
	return 0;
}

/* After an error of child_fork() half of it may be there. */
static void release(struct worker *worker)
{
	if (worker->ended)
		event_free(worker->ended);
	if (worker->pidfd >= 0)
		close(worker->pidfd);
	worker->ended = NULL;
}

static int reap(const struct worker *worker)
{
	int status;

	while (waitpid(worker->child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status))
		return -ETIMEDOUT;
	return -WEXITSTATUS(status);
}

/* It has ended. */
static void finish(struct worker *worker)
{
	struct work work = worker->work;
	int file = worker->file;
	int err = reap(worker);

	release(worker);
	if (worker->is_given_up)
		return;
	if (err)
		close(file);
	work.done(err ? err : file, work.done_arg);
}

/* It runs for too long. */
static void give_up(struct worker *worker)
{
	worker->is_given_up = true;
	close(worker->file);
	kill(worker->child, SIGKILL);
	event_add(worker->ended, NULL);
	worker->work.done(-ETIMEDOUT, worker->work.done_arg);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	if (what & EV_READ)
		finish(arg);
	else
		give_up(arg);
}

struct outlet {
	int file;
	int err;
};

static void empty(struct evbuffer *from, struct outlet *outlet)
{
	while (!outlet->err && evbuffer_get_length(from))
		if (evbuffer_write(from, outlet->file) < 0)
			outlet->err = -errno;
}

/* What is made goes into the file at once: so it is written from the cache, and takes no memory twice. */
static void on_more(struct evbuffer *answer, const struct evbuffer_cb_info *info, void *arg)
{
	if (info->n_added && evbuffer_get_length(answer) >= PIECE_BYTES)
		empty(answer, arg);
}

static void __attribute__((noreturn)) run_child(const struct worker *worker, unsigned int seconds)
{
	const struct rlimit memory = {WORK_BYTES, WORK_BYTES};
	struct evbuffer *answer = evbuffer_new();
	struct outlet outlet = {.file = worker->file};
	int err = -ENOMEM;

	setrlimit(RLIMIT_DATA, &memory);
	setrlimit(RLIMIT_FSIZE, &memory);
	alarm(seconds);
	if (answer && evbuffer_add_cb(answer, on_more, &outlet))
		err = worker->work.make(answer, worker->work.arg);
	if (!err)
		empty(answer, &outlet);
	_exit(err ? -err : -outlet.err);
}

static int launch(struct workers *workers, struct worker *worker)
{
	const struct timeval longest = {.tv_sec = (time_t)workers->seconds + DIE_SECONDS};

	worker->child = child_fork();
	if (worker->child < 0)
		return -errno;
	if (!worker->child)
		run_child(worker, workers->seconds);
	worker->pidfd = pidfd_open(worker->child, 0);
	if (worker->pidfd >= 0)
		worker->ended = event_new(workers->base, worker->pidfd, EV_READ, on_end, worker);
	if (worker->ended && !event_add(worker->ended, &longest))
		return 0;
	kill(worker->child, SIGKILL);
	reap(worker);
	release(worker);
	return -ENOMEM;
}

int workers_start(struct workers *workers, const struct work *work)
{
	struct worker *worker = workers->places;
	int err;

	while (worker->ended)
		if (++worker == workers->places + WORKERS_MAX)
			return -EBUSY;
	*worker = (struct worker){.work = *work, .pidfd = -1};
	worker->file = memfd_create("gwbpf-answer", MFD_CLOEXEC);
	if (worker->file < 0)
		return -errno;
	err = launch(workers, worker);
	if (err)
		close(worker->file);
	return err;
}

/* Not for ever: this process is to end. */
static void end(struct worker *worker)
{
	struct pollfd ended = {.fd = worker->pidfd, .events = POLLIN};

	kill(worker->child, SIGKILL);
	if (poll(&ended, 1, DIE_SECONDS * 1000) == 1) {
		finish(worker);
		return;
	}
	if (!worker->is_given_up)
		give_up(worker);
	release(worker);
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	for (int i = 0; i < WORKERS_MAX; i++)
		if (workers->places[i].ended)
			end(&workers->places[i]);
	free(workers);
}
