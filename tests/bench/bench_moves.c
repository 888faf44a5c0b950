// SPDX-License-Identifier: Apache-2.0
/*
 * What it takes to move a connection: where its own process holds it, with few and with many other
 * descriptors; and where all processes must be looked through, for one move and for several at
 * once. Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bed.h"
#include "bench/figures.h"
#include "kernel/conns.h"
#include "kernel/mover_child.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"
#define MOVES 100
#define WALKS 10
#define AT_ONCE 16
#define HOLDERS 50
#define DESCRIPTORS 1000 /* of each holder */

static struct mover_child *mover;

static void open_descriptors(int count)
{
	const struct rlimit room = {4 * DESCRIPTORS, 4 * DESCRIPTORS};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setrlimit(RLIMIT_NOFILE, &room);
	for (int i = 0; i < count; i++)
		if (dup(null) < 0)
			_exit(1);
}

static int connect_one(uint64_t *cookie)
{
	int fd = lab_connect(VIP);
	socklen_t length = sizeof(*cookie);

	assert_true(fd >= 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &length), 0);
	return fd;
}

static void find_moves(const uint64_t *cookies, size_t count, struct move *moves)
{
	struct gw_walk_conn *conns;
	size_t found = 0, walked;

	assert_return_code(conns_walk_once(LAB_PINS, &conns, &walked), 0);
	for (size_t i = 0; i < walked; i++)
		for (size_t j = 0; j < count; j++)
			if (conns[i].cookie == cookies[j])
				moves[found++] = (struct move){.cookie = cookies[j],
							       .inode = conns[i].inode,
							       .holders = conns[i].holders,
							       .tgid = conns[i].conn.tgid};
	assert_int_equal(found, count);
	free(conns);
}

static double time_moves(struct move *moves, size_t count)
{
	double start = now_us(), end;

	assert_return_code(mover_child_run(mover, moves, count), 0);
	end = now_us();
	for (size_t i = 0; i < count; i++)
		assert_int_equal(moves[i].result, MOVE_MOVED);
	return end - start;
}

static double own_process_us(void)
{
	static double times[MOVES];

	for (size_t i = 0; i < MOVES; i++) {
		struct move move;
		uint64_t cookie;
		int fd = connect_one(&cookie);

		find_moves(&cookie, 1, &move);
		times[i] = time_moves(&move, 1);
		lab_abort(fd);
	}
	return quantile(times, MOVES, 0.5);
}

/* What its opener has closed a child holds: it is found by the walk alone. */
static double walk_us(size_t count)
{
	double times[WALKS];

	for (size_t i = 0; i < WALKS; i++) {
		uint64_t cookies[AT_ONCE];
		struct move moves[AT_ONCE];
		int fds[AT_ONCE];
		pid_t child;

		for (size_t j = 0; j < count; j++)
			fds[j] = connect_one(&cookies[j]);
		child = lab_fork();
		if (!child)
			for (;;)
				pause();
		for (size_t j = 0; j < count; j++)
			close(fds[j]);
		find_moves(cookies, count, moves);
		times[i] = time_moves(moves, count);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return quantile(times, WALKS, 0.5);
}

static void start_holders(pid_t *holders)
{
	int ready[2];
	char byte;

	assert_return_code(pipe2(ready, O_CLOEXEC), errno);
	for (size_t i = 0; i < HOLDERS; i++) {
		holders[i] = lab_fork();
		if (holders[i])
			continue;
		open_descriptors(DESCRIPTORS);
		(void)!write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	for (size_t i = 0; i < HOLDERS; i++)
		assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
}

static void bench_moves(void **state)
{
	pid_t holders[HOLDERS];
	double few, many, walk, several;
	json_t *aims = json_array();

	(void)state;
	few = own_process_us();
	start_holders(holders);
	walk = walk_us(1);
	several = walk_us(AT_ONCE);
	open_descriptors(DESCRIPTORS);
	many = own_process_us();
	for (size_t i = 0; i < HOLDERS; i++) {
		kill(holders[i], SIGKILL);
		waitpid(holders[i], NULL, 0);
	}
	printf("moving a connection, p50 in us:\n");
	printf("  its own process holds it:                  %9.1f\n", few);
	printf("  which has %d descriptors more:           %9.1f\n", DESCRIPTORS, many);
	printf("  all are looked through, %d descriptors: %9.1f\n", HOLDERS * DESCRIPTORS, walk);
	printf("  for %d at once, each:                      %9.1f\n", AT_ONCE, several / AT_ONCE);
	aim_print(&(struct aim){.what = "by its process", .at_most = 1000, .unit = "us"}, few,
		  aims);
	aim_print(&(struct aim){.what = "by a full walk", .at_most = 100000, .unit = "us"}, walk,
		  aims);
	figures_save("moves", json_pack("{s:f, s:f, s:f, s:f, s:o}", "own_process_us", few,
					"many_descriptors_us", many, "walk_us", walk,
					"walk_of_several_us", several / AT_ONCE, "aims", aims));
}

static int start(void **state)
{
	int err = lab_start(state);

	bed_on_one_cpu();
	server_start(lab_listen(A), SERVER_GREET);
	lab_serve_by(VIP, A);
	return err ? err : mover_child_new(&mover);
}

static int stop(void **state)
{
	mover_child_free(mover);
	return lab_stop(state);
}

int main(void)
{
	const struct CMUnitTest benches[] = {cmocka_unit_test(bench_moves)};

	return lab_main(benches, 1, start, stop);
}
