// SPDX-License-Identifier: Apache-2.0
/* Moving a connection: whoever holds it in whatever way, the right socket reads an end of file, or
 * it is left alone and says why. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/mover.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"
#define QUIET_MS 100

static uint64_t cookie_of(int fd)
{
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;

	assert_return_code(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), errno);
	return cookie;
}

static void pause_ms(unsigned int ms)
{
	poll(NULL, 0, (int)ms);
}

/* A connection that has had its greeting, and its cookie. */
static int greeted(uint64_t *cookie)
{
	int fd = lab_connect(VIP);

	assert_true(fd >= 0);
	assert_true(server_greeting(fd) > 0);
	*cookie = cookie_of(fd);
	return fd;
}

static bool find_move(uint64_t cookie, struct move *move)
{
	struct gw_walk_conn *conns;
	bool found = false;
	size_t count;

	assert_return_code(conns_walk_once(LAB_PINS, &conns, &count), 0);
	for (size_t i = 0; i < count; i++) {
		if (conns[i].cookie != cookie)
			continue;
		*move = (struct move){.cookie = cookie,
				      .inode = conns[i].inode,
				      .holders = conns[i].holders,
				      .tgid = conns[i].conn.tgid};
		found = true;
	}
	free(conns);
	return found;
}

static enum move_result run_move(uint64_t cookie, uint32_t quiet_ms)
{
	struct move move;

	assert_true(find_move(cookie, &move));
	move.quiet_ms = quiet_ms;
	assert_return_code(mover_run(&move, 1), 0);
	return move.result;
}

static bool reads_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static bool reads_nothing(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static void test_a_quiet_connection_reads_its_end_and_can_still_write(void **state)
{
	uint64_t cookie;
	int fd = greeted(&cookie);

	(void)state;
	pause_ms(2 * QUIET_MS);
	assert_int_equal(run_move(cookie, QUIET_MS), MOVE_MOVED);
	assert_true(reads_end(fd));
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	close(fd);
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
}

static void test_one_that_sent_or_received_just_now_is_busy(void **state)
{
	uint64_t cookie;
	int fd = greeted(&cookie);

	(void)state;
	assert_int_equal(run_move(cookie, 60000), MOVE_BUSY);
	pause_ms(2 * QUIET_MS);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(run_move(cookie, 60000), MOVE_BUSY);
	assert_true(reads_nothing(fd));
	assert_int_equal(run_move(cookie, 0), MOVE_MOVED);
	close(fd);
}

static void test_what_is_not_read_yet_is_not_lost(void **state)
{
	int fd = lab_connect(VIP);
	uint64_t cookie = cookie_of(fd);
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	char byte;

	(void)state;
	assert_int_equal(poll(&wait, 1, LAB_PATIENCE_MS), 1);
	pause_ms(2 * QUIET_MS);
	assert_int_equal(run_move(cookie, QUIET_MS), MOVE_BUSY);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	assert_int_equal(run_move(cookie, QUIET_MS), MOVE_MOVED);
	close(fd);
}

static void test_a_duplicate_is_no_second_process(void **state)
{
	uint64_t cookie;
	int fd = greeted(&cookie), other = dup(fd);

	(void)state;
	assert_int_equal(run_move(cookie, 0), MOVE_MOVED);
	assert_true(reads_end(other));
	close(fd);
	close(other);
}

static void test_what_two_processes_hold_is_left_alone(void **state)
{
	uint64_t cookie;
	int fd = greeted(&cookie);
	pid_t child = lab_fork();

	(void)state;
	if (!child)
		for (;;)
			pause();
	assert_int_equal(run_move(cookie, 0), MOVE_SHARED);
	assert_true(reads_nothing(fd));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(run_move(cookie, 0), MOVE_MOVED);
	close(fd);
}

/* Tells over a pipe that the end of file was read. */
static pid_t fork_reader(int fd, int pipe_fd)
{
	pid_t child = lab_fork();
	char byte;

	if (child)
		return child;
	if (recv(fd, &byte, 1, 0) == 0)
		(void)!write(pipe_fd, "e", 1);
	pause();
	_exit(0);
}

static void expect_told(int pipe_fd)
{
	struct pollfd wait = {.fd = pipe_fd, .events = POLLIN};

	assert_int_equal(poll(&wait, 1, LAB_PATIENCE_MS), 1);
}

static void test_what_the_parent_closed_is_found_in_the_child(void **state)
{
	uint64_t cookie;
	int fd = greeted(&cookie), told[2];
	pid_t child;

	(void)state;
	assert_return_code(pipe(told), errno);
	child = fork_reader(fd, told[1]);
	close(fd);
	assert_int_equal(run_move(cookie, 0), MOVE_MOVED);
	expect_told(told[0]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(told[0]);
	close(told[1]);
}

static void test_a_process_of_another_user_that_cannot_be_dumped_is_moved(void **state)
{
	uint64_t cookie;
	int told[2];
	pid_t child;

	(void)state;
	assert_return_code(pipe(told), errno);
	child = lab_fork();
	if (!child) {
		int fd = lab_connect(VIP);
		socklen_t length = sizeof(cookie);

		if (setuid(65534) || unshare(CLONE_NEWUSER) || prctl(PR_SET_DUMPABLE, 0) ||
		    server_greeting(fd) <= 0 ||
		    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length))
			_exit(1);
		(void)!write(told[1], &cookie, sizeof(cookie));
		if (recv(fd, &cookie, 1, 0) == 0)
			(void)!write(told[1], "e", 1);
		pause();
	}
	assert_int_equal(read(told[0], &cookie, sizeof(cookie)), sizeof(cookie));
	assert_int_equal(run_move(cookie, 0), MOVE_MOVED);
	expect_told(told[0]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(told[0]);
	close(told[1]);
}

static void send_descriptor(int to, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = {0}, byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(to, &message, 0), 1);
}

static void test_one_that_is_on_its_way_in_a_message_is_left_alone(void **state)
{
	uint64_t cookie;
	int fd = greeted(&cookie), pair[2];

	(void)state;
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), errno);
	send_descriptor(pair[0], fd);
	close(fd);
	assert_int_equal(run_move(cookie, 0), MOVE_UNFOUND);
	close(pair[0]);
	close(pair[1]);
}

static void test_one_that_ended_meanwhile_ends_nothing_else(void **state)
{
	uint64_t ended, cookie;
	int fd = greeted(&ended), other;
	struct move move;

	(void)state;
	close(fd);
	other = greeted(&cookie);
	assert_int_equal(other, fd); /* the same descriptor */
	assert_true(find_move(cookie, &move));
	move.cookie = ended; /* as if the inode had been given out again */
	assert_return_code(mover_run(&move, 1), 0);
	assert_int_equal(move.result, MOVE_UNFOUND);
	assert_true(reads_nothing(other));
	close(other);
}

static void test_a_process_id_that_is_used_again_leads_nowhere_else(void **state)
{
	uint64_t cookie, other_cookie;
	int fd = greeted(&cookie), other = greeted(&other_cookie);
	pid_t child = lab_fork();
	struct move move;

	(void)state;
	if (!child) {
		close(fd);
		close(other);
		for (;;)
			pause();
	}
	pause_ms(QUIET_MS);
	assert_true(find_move(cookie, &move));
	move.tgid = (uint32_t)child;
	assert_return_code(mover_run(&move, 1), 0);
	assert_int_equal(move.result, MOVE_MOVED); /* found by the walk over all */
	assert_true(reads_end(fd));
	assert_true(reads_nothing(other));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fd);
	close(other);
}

#define FLOODS 2
#define ENDS_MAX 100000

/* The cookies of connections that read an end of file, by the process that opened them. */
struct ends {
	size_t count;
	uint64_t cookies[ENDS_MAX];
};

static void churn(struct crew_member *me, void *arg)
{
	struct ends *ends = &((struct ends *)arg)[me->number];
	char byte;

	while (!me->stop) {
		int fd = lab_connect(VIP);
		socklen_t length = sizeof(uint64_t);

		if (fd < 0) {
			crew_problem(me, "connect: %s", strerror(-fd));
			continue;
		}
		if ((server_greeting(fd) == -ENODATA || recv(fd, &byte, 1, MSG_DONTWAIT) == 0) &&
		    ends->count < ENDS_MAX)
			getsockopt(fd, SOL_SOCKET, SO_COOKIE, &ends->cookies[ends->count++],
				   &length);
		lab_abort(fd);
		me->done++;
	}
}

static bool has(const struct ends *ends, uint64_t cookie)
{
	for (size_t i = 0; i < ends->count; i++)
		if (ends->cookies[i] == cookie)
			return true;
	return false;
}

/* Move what a walk found, though most of it is over by then. */
static size_t move_all_of_a_walk(struct ends *moved)
{
	struct gw_walk_conn *conns;
	size_t count;

	assert_return_code(conns_walk_once(LAB_PINS, &conns, &count), 0);
	for (size_t i = 0; i < count; i++) {
		struct move move = {.cookie = conns[i].cookie,
				    .inode = conns[i].inode,
				    .holders = 1,
				    .tgid = conns[i].conn.tgid};

		assert_return_code(mover_run(&move, 1), 0);
		if (move.result == MOVE_MOVED && moved->count < ENDS_MAX)
			moved->cookies[moved->count++] = move.cookie;
	}
	free(conns);
	return count;
}

/* Sockets that have just been closed, under a flood of new ones that take their numbers. */
static void test_no_other_socket_is_hit_under_a_flood_of_new_ones(void **state)
{
	struct ends *ends = crew_memory(FLOODS * sizeof(*ends));
	struct ends *moved = calloc(1, sizeof(*moved));
	struct crew *crew = crew_start(FLOODS, churn, ends);
	uint64_t end = clock_now_ms() + 3000;
	size_t asked = 0;

	(void)state;
	assert_non_null(moved);
	while (clock_now_ms() < end)
		asked += move_all_of_a_walk(moved);
	assert_in_range(asked, 1, SIZE_MAX);
	assert_in_range(crew_stop(crew), 100, UINT64_MAX);
	for (size_t flood = 0; flood < FLOODS; flood++)
		for (size_t i = 0; i < ends[flood].count; i++)
			assert_true(has(moved, ends[flood].cookies[i]));
	free(moved);
}

/* If the application closes its own meanwhile, ours is the last descriptor. */
static void test_an_application_that_lingers_holds_nobody_else(void **state)
{
	const struct linger option = {.l_onoff = 1, .l_linger = 20};
	int listener = lab_listen("10.1.0.3:7051"), fd;
	static char data[65536];
	uint64_t begin_ms;

	(void)state;
	lab_serve_by(VIP, "10.1.0.3:7051");
	fd = lab_connect(VIP);
	assert_return_code(fd, -fd);
	assert_return_code(setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, sizeof(option)), errno);
	/* Nobody reads. */
	while (send(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		;
	begin_ms = clock_now_ms();
	mover_let_go(fd);
	assert_in_range(clock_now_ms() - begin_ms, 0, 10000);
	close(listener);
}

static int begin(void **state)
{
	lab_begin(state);
	lab_serve_by(VIP, A);
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
#define LAB_TEST(name) cmocka_unit_test_setup(name, begin)
		LAB_TEST(test_a_quiet_connection_reads_its_end_and_can_still_write),
		LAB_TEST(test_one_that_sent_or_received_just_now_is_busy),
		LAB_TEST(test_what_is_not_read_yet_is_not_lost),
		LAB_TEST(test_a_duplicate_is_no_second_process),
		LAB_TEST(test_what_two_processes_hold_is_left_alone),
		LAB_TEST(test_what_the_parent_closed_is_found_in_the_child),
		LAB_TEST(test_a_process_of_another_user_that_cannot_be_dumped_is_moved),
		LAB_TEST(test_one_that_is_on_its_way_in_a_message_is_left_alone),
		LAB_TEST(test_one_that_ended_meanwhile_ends_nothing_else),
		LAB_TEST(test_a_process_id_that_is_used_again_leads_nowhere_else),
		LAB_TEST(test_no_other_socket_is_hit_under_a_flood_of_new_ones),
		LAB_TEST(test_an_application_that_lingers_holds_nobody_else),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
