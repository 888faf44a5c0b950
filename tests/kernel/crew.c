// SPDX-License-Identifier: Apache-2.0
#include "kernel/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/lab.h"

#define CREW_MAX 32

struct crew {
	size_t count;
	pid_t pids[CREW_MAX];
	struct crew_member *members;
	int start_fd; /* closed: they set out */
	int stop_fd;  /* closed: those that rest go on */
};

void *crew_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	return memory;
}

static void wait_for_end_of(int fd)
{
	char byte;

	while (read(fd, &byte, 1) < 0 && errno == EINTR)
		;
}

/* Only the two pipes stay open, at 3 and 4: a lock of the test's must not outlive it in here. */
static void keep_only(int start_fd, int stop_fd)
{
	int start = fcntl(start_fd, F_DUPFD, 64), stop = fcntl(stop_fd, F_DUPFD, 64);

	dup2(start, 3);
	dup2(stop, 4);
	close_range(5, ~0u, 0);
}

static void run_member(struct crew_member *me, int start_fd, int stop_fd, crew_work work, void *arg)
{
	keep_only(start_fd, stop_fd);
	wait_for_end_of(3);
	me->stop_fd = 4;
	work(me, arg);
	_exit(0);
}

struct crew *crew_start(size_t count, crew_work work, void *arg)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int start[2], stop[2];

	assert_non_null(crew);
	assert_in_range(count, 1, CREW_MAX);
	assert_int_equal(pipe2(start, O_CLOEXEC), 0);
	assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
	crew->count = count;
	crew->members = crew_memory(count * sizeof(*crew->members));
	for (size_t i = 0; i < count; i++) {
		crew->members[i].number = (uint32_t)i;
		crew->pids[i] = lab_fork();
		if (!crew->pids[i])
			run_member(&crew->members[i], start[0], stop[0], work, arg);
	}
	close(start[0]);
	close(stop[0]);
	close(start[1]);
	crew->stop_fd = stop[1];
	return crew;
}

uint64_t crew_wait(struct crew *crew)
{
	char problem[160] = "";
	uint64_t done = 0;
	int status;

	for (size_t i = 0; i < crew->count; i++) {
		assert_int_equal(waitpid(crew->pids[i], &status, 0), crew->pids[i]);
		done += crew->members[i].done;
		if (status && !problem[0])
			snprintf(problem, sizeof(problem), "process %zu ended with status %#x", i,
				 status);
		if (crew->members[i].problem[0])
			memcpy(problem, crew->members[i].problem, sizeof(problem));
	}
	close(crew->stop_fd);
	munmap(crew->members, crew->count * sizeof(*crew->members));
	free(crew);
	if (problem[0])
		fail_msg("%s", problem);
	return done;
}

void crew_tell(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		crew->members[i].stop = true;
}

uint64_t crew_stop(struct crew *crew)
{
	crew_tell(crew);
	close(crew->stop_fd);
	crew->stop_fd = -1;
	return crew_wait(crew);
}

static bool all_rest(void *arg)
{
	const struct crew *crew = arg;

	for (size_t i = 0; i < crew->count; i++)
		if (!crew->members[i].rests && !crew->members[i].problem[0])
			return false;
	return true;
}

void crew_await_rest(struct crew *crew)
{
	lab_wait(all_rest, crew, "all processes at rest");
}

void crew_problem(struct crew_member *me, const char *format, ...)
{
	va_list arguments;

	if (me->problem[0])
		return;
	va_start(arguments, format);
	vsnprintf(me->problem, sizeof(me->problem), format, arguments);
	va_end(arguments);
}

void crew_rest(struct crew_member *me)
{
	me->rests = true;
	wait_for_end_of(me->stop_fd);
}
