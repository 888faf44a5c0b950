// SPDX-License-Identifier: Apache-2.0
/* Moving connections of processes that do not let themselves be looked into: it ends in time, others
 * are moved, and the next are, too. */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/conns.h"
#include "kernel/fuse.h"
#include "kernel/mover_child.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"
#define LONG_MS 60000

static struct mover_child *child;

static uint64_t cookie_of(int fd)
{
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length))
		return 0;
	return cookie;
}

static struct move move_of(uint64_t cookie)
{
	struct move move = {0};
	struct gw_walk_conn *conns;
	size_t count;

	assert_return_code(conns_walk_once(LAB_PINS, &conns, &count), 0);
	for (size_t i = 0; i < count; i++)
		if (conns[i].cookie == cookie)
			move = (struct move){.cookie = cookie,
					     .inode = conns[i].inode,
					     .holders = conns[i].holders,
					     .tgid = conns[i].conn.tgid};
	free(conns);
	assert_int_equal(move.cookie, cookie);
	return move;
}

static bool reads_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static int greeted(void)
{
	int fd = lab_connect(VIP);

	assert_true(fd >= 0);
	assert_true(server_greeting(fd) > 0);
	return fd;
}

static void test_several_are_moved_at_once(void **state)
{
	int fds[3] = {greeted(), greeted(), greeted()};
	struct move moves[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		moves[i] = move_of(cookie_of(fds[i]));
	moves[1].quiet_ms = LONG_MS;
	assert_return_code(mover_child_run(child, moves, 3), 0);
	assert_int_equal(moves[0].result, MOVE_MOVED);
	assert_int_equal(moves[1].result, MOVE_BUSY);
	assert_int_equal(moves[2].result, MOVE_MOVED);
	assert_true(reads_end(fds[0]) && !reads_end(fds[1]) && reads_end(fds[2]));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* What a process without rights does that cannot be looked into: it executes a program, and so
 * closes a file of its own file system, which does not let it. */
struct attacker {
	pid_t pid, server;
	int told[2];
	uint64_t cookie;
};

static void __attribute__((noreturn)) attack(const struct attacker *attacker)
{
	pid_t server = fuse_serve(attacker->told[1]);
	int fd = server < 0 ? -1 : lab_connect(VIP);
	uint64_t cookie = fd < 0 ? 0 : cookie_of(fd);

	(void)!write(attacker->told[1], &server, sizeof(server));
	(void)!write(attacker->told[1], &cookie, sizeof(cookie));
	if (cookie && server_greeting(fd) > 0 && open(FUSE_FILE, O_RDONLY | O_CLOEXEC) >= 0)
		execl("/bin/sleep", "sleep", "60", NULL);
	_exit(1);
}

/* Returns whether there is one; not so where the kernel has no such file systems. */
static bool start_attacker(struct attacker *attacker)
{
	struct pollfd asked = {.events = POLLIN};
	char byte;

	if (fuse_prepare())
		return false;
	assert_return_code(pipe2(attacker->told, O_CLOEXEC), errno);
	attacker->pid = lab_fork();
	if (!attacker->pid)
		attack(attacker);
	asked.fd = attacker->told[0];
	assert_int_equal(read(asked.fd, &attacker->server, sizeof(pid_t)), sizeof(pid_t));
	assert_in_range(attacker->server, 2, INT32_MAX);
	assert_int_equal(read(asked.fd, &attacker->cookie, 8), 8);
	assert_int_not_equal(attacker->cookie, 0);
	assert_int_equal(poll(&asked, 1, LAB_PATIENCE_MS), 1);
	assert_int_equal(read(asked.fd, &byte, 1), 1);
	return true;
}

static void end_attacker(struct attacker *attacker)
{
	kill(attacker->server, SIGKILL);
	kill(attacker->pid, SIGKILL);
	waitpid(attacker->pid, NULL, 0);
	close(attacker->told[0]);
	close(attacker->told[1]);
}

static void test_a_process_that_cannot_be_looked_into_holds_nobody_up(void **state)
{
	struct attacker attacker;
	struct move moves[3];
	uint64_t begin_ms;
	int before, after;

	(void)state;
	if (!start_attacker(&attacker))
		skip();
	before = greeted(); /* it must not hold these */
	after = greeted();
	moves[0] = move_of(cookie_of(before));
	moves[1] = move_of(attacker.cookie);
	moves[2] = move_of(cookie_of(after));
	begin_ms = clock_now_ms();
	assert_return_code(mover_child_run(child, moves, 3), 0);
	assert_in_range(clock_now_ms() - begin_ms, 0, 10000);
	assert_int_equal(moves[0].result, MOVE_MOVED);
	/* Linux 5.10 looks into it all the same, and 7.2 finds no descriptor there. */
	if (moves[1].result == MOVE_HUNG) {
		assert_int_equal(moves[2].result, MOVE_BUSY);
		assert_return_code(mover_child_run(child, &moves[2], 1), 0);
	}
	assert_int_equal(moves[2].result, MOVE_MOVED);
	assert_true(reads_end(before) && reads_end(after));
	end_attacker(&attacker);
	close(before);
	close(after);
}

static int begin(void **state)
{
	lab_begin(state);
	lab_serve_by(VIP, A);
	return mover_child_new(&child);
}

static int end(void **state)
{
	(void)state;
	mover_child_free(child);
	return 0;
}

static int start(void **state)
{
	int err = lab_start(state);

	server_start(lab_listen(A), SERVER_GREET);
	return err;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_several_are_moved_at_once),
		LAB_TEST(test_a_process_that_cannot_be_looked_into_holds_nobody_up),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
