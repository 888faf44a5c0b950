// SPDX-License-Identifier: Apache-2.0
/* Each way in which a connect or a connection can end is counted as what it is, once. */
#include "kernel/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/roads.h"

#define VIP "10.96.0.10:7051"
#define NEAR "10.1.0.1:7051"

static void set_user_timeout(int fd, unsigned int ms)
{
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)), 0);
}

/* Wait until the socket's connection is over for the kernel. */
static void await_end(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	char byte;

	do
		assert_int_equal(poll(&ready, 1, LAB_PATIENCE_MS), 1);
	while (!(ready.revents & (POLLHUP | POLLERR)) && recv(fd, &byte, 1, 0) > 0);
}

static void test_a_connection_counts_while_it_is_open(void **state)
{
	int server = lab_listen(NEAR), fd;

	(void)state;
	lab_serve_by(VIP, NEAR);
	fd = lab_connect(VIP);
	counts_expect(NEAR, 1, .attempts = 1, .established = 1);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	close(server);
}

static void test_a_closed_port_is_refused(void **state)
{
	(void)state;
	lab_serve_by(VIP, NEAR);
	assert_int_equal(lab_connect(VIP), -ECONNREFUSED);
	counts_expect(NEAR, 0, .attempts = 1, .refused = 1);
}

static void test_a_connect_without_an_answer_times_out(void **state)
{
	int fd;

	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	fd = lab_begin_dial(VIP);
	counts_expect(ROADS_HOLE, 1, .attempts = 1);
	set_user_timeout(fd, 300);
	assert_int_equal(lab_dial_error(fd), ETIMEDOUT);
	counts_expect(ROADS_HOLE, 0, .attempts = 1, .timed_out = 1);
	close(fd);
	counts_expect(ROADS_HOLE, 0, .attempts = 1, .timed_out = 1);
}

static void test_a_host_that_a_router_does_not_know_is_unreachable(void **state)
{
	int fd;

	(void)state;
	lab_serve_by(VIP, ROADS_UNREACHABLE);
	fd = lab_begin_dial(VIP);
	assert_int_equal(lab_dial_error(fd), EHOSTUNREACH);
	close(fd);
	counts_expect(ROADS_UNREACHABLE, 0, .attempts = 1, .unreachable = 1);
	assert_int_equal(lab_connect(VIP), -EHOSTUNREACH);
	counts_expect(ROADS_UNREACHABLE, 0, .attempts = 2, .unreachable = 2);
}

/* The socket of the last connect that was given up otherwise than by close(2), which comes later. */
static int given_up = -1;

static void keep(int fd)
{
	close(given_up);
	given_up = fd;
}

static void dial_and_close(void)
{
	close(lab_begin_dial(VIP));
}

static void dial_and_shut_down(void)
{
	int fd = lab_begin_dial(VIP);

	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	keep(fd);
}

static void dial_and_disconnect(void)
{
	int fd = lab_begin_dial(VIP);

	lab_disconnect(fd);
	keep(fd);
}

static void test_a_connect_that_is_given_up_at_once_is_canceled(void **state)
{
	uint64_t attempts;

	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	attempts = counts_cancel(ROADS_HOLE, dial_and_close);
	attempts += counts_cancel(ROADS_HOLE, dial_and_shut_down);
	attempts += counts_cancel(ROADS_HOLE, dial_and_disconnect);
	keep(-1);
	counts_expect(ROADS_HOLE, 0, .attempts = attempts, .canceled = 3,
		      .timed_out = attempts - 3);
}

/* As canceled or as timed out: that depends on how fast the machine is. */
static void test_each_way_to_give_up_ends_one_of_several(void **state)
{
	int closed, shut, undone;

	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	closed = lab_begin_dial(VIP);
	shut = lab_begin_dial(VIP);
	undone = lab_begin_dial(VIP);
	assert_int_equal(counts_active(ROADS_HOLE), 3);
	close(closed);
	assert_int_equal(counts_active(ROADS_HOLE), 2);
	assert_int_equal(shutdown(shut, SHUT_RDWR), 0);
	assert_int_equal(counts_active(ROADS_HOLE), 1);
	lab_disconnect(undone);
	assert_int_equal(counts_active(ROADS_HOLE), 0);
	close(shut);
	close(undone);
	assert_int_equal(counts_active(ROADS_HOLE), 0);
}

/* Whether some socket of this network namespace waits for an answer to its SYN. */
static bool is_dialing(void *arg)
{
	FILE *sockets = fopen("/proc/self/net/tcp", "re");
	char line[256];
	unsigned int tcp_state = 0;

	(void)arg;
	assert_non_null(sockets);
	while (tcp_state != TCP_SYN_SENT && fgets(line, sizeof(line), sockets))
		if (sscanf(line, "%*d: %*s %*s %x", &tcp_state) != 1)
			tcp_state = 0;
	fclose(sockets);
	return tcp_state == TCP_SYN_SENT;
}

static void dial_and_be_killed(void)
{
	pid_t pid = lab_fork();

	if (!pid) {
		lab_connect(VIP);
		_exit(0);
	}
	lab_wait(is_dialing, NULL, "a SYN");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_a_process_killed_in_connect_has_canceled(void **state)
{
	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	counts_cancel(ROADS_HOLE, dial_and_be_killed);
}

static bool has_repeated(void *arg)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	return !getsockopt(*(int *)arg, IPPROTO_TCP, TCP_INFO, &info, &length) &&
	       info.tcpi_total_retrans;
}

static void test_a_connect_that_is_given_up_after_a_repeat_has_timed_out(void **state)
{
	int fd;

	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	fd = lab_begin_dial(VIP);
	lab_wait(has_repeated, &fd, "a second SYN");
	close(fd);
	counts_expect(ROADS_HOLE, 0, .attempts = 1, .timed_out = 1);
}

/* The peer resets before, or after, it has said that it will send no more. */
static void test_a_reset_by_the_peer_is_counted(void **state)
{
	int server = lab_listen(NEAR), fd, accepted;

	(void)state;
	lab_serve_by(VIP, NEAR);
	fd = lab_connect(VIP);
	lab_abort(accept(server, NULL, NULL));
	await_end(fd);
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1, .reset = 1);
	close(fd);

	fd = lab_connect(VIP);
	accepted = accept(server, NULL, NULL);
	shutdown(accepted, SHUT_WR);
	lab_abort(accepted);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 2, .established = 2, .closed = 2, .reset = 2);
	close(server);
}

/* In one step, as applications do it. */
static void close_with_reset(int fd)
{
	const struct linger none = {.l_onoff = 1};

	assert_return_code(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)), errno);
	close(fd);
}

static void test_a_reset_by_the_application_is_a_close_like_any(void **state)
{
	int server = lab_listen(NEAR);

	(void)state;
	lab_serve_by(VIP, NEAR);
	lab_abort(lab_connect(VIP));
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	close_with_reset(lab_connect(VIP));
	counts_expect(NEAR, 0, .attempts = 2, .established = 2, .closed = 2);
	close(server);
}

/* Closed by the application, it waits for the peer's end: as a socket, and not in TIME_WAIT, as
 * one does of which the kernel expects it within a minute. */
static void close_and_wait(int fd)
{
	const int seconds = 100;

	assert_return_code(setsockopt(fd, IPPROTO_TCP, TCP_LINGER2, &seconds, sizeof(seconds)),
			   errno);
	close(fd);
}

/* What it sends is answered with a reset, which ends this side as well. */
static void test_a_peer_that_still_sends_after_the_close_is_no_reset(void **state)
{
	int server = lab_listen(NEAR), accepted;

	(void)state;
	lab_serve_by(VIP, NEAR);
	close_and_wait(lab_connect(VIP));
	accepted = accept(server, NULL, NULL);
	counts_expect(NEAR, 1, .attempts = 1, .established = 1);
	assert_int_equal(send(accepted, "x", 1, 0), 1);
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	close(accepted);

	close_and_wait(lab_connect(VIP));
	lab_abort(accept(server, NULL, NULL));
	counts_expect(NEAR, 0, .attempts = 2, .established = 2, .closed = 2);
	close(server);
}

static void test_a_peer_that_vanishes_is_lost(void **state)
{
	int server = roads_listen(ROADS_FAR), fd;

	(void)state;
	lab_serve_by(VIP, ROADS_FAR);
	fd = lab_connect(VIP);
	counts_expect(ROADS_FAR, 1, .attempts = 1, .established = 1);
	set_user_timeout(fd, 100);
	roads_break();
	assert_int_equal(send(fd, "x", 1, 0), 1);
	await_end(fd);
	counts_expect(ROADS_FAR, 0, .attempts = 1, .established = 1, .closed = 1, .lost = 1);
	close(fd);
	close(server);
	roads_mend();
}

static void test_a_connect_without_a_route_is_no_attempt(void **state)
{
	uint64_t before = lab_reason(GW_REASON_NO_SYN);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	lab_serve_by(VIP, ROADS_NOWHERE);
	assert_int_equal(lab_connect(VIP), -ENETUNREACH);
	assert_int_equal(lab_reason(GW_REASON_NO_SYN), before + 1);
	/* On a socket that is used again, it is noticed at the next connect. */
	assert_int_equal(lab_dial(fd, VIP), -ENETUNREACH);
	assert_int_equal(lab_dial(fd, VIP), -ENETUNREACH);
	assert_int_equal(lab_reason(GW_REASON_NO_SYN), before + 2);
	close(fd);
	assert_int_equal(lab_reason(GW_REASON_NO_SYN), before + 3);
	counts_expect(ROADS_NOWHERE, 0, .attempts = 0);
}

static uint64_t buckets_of_at_least(const struct gw_counters *counters, uint64_t us)
{
	static const uint32_t bounds[] = GW_HISTOGRAM_US;
	uint64_t sum = 0;

	for (int i = 1; i < GW_HISTOGRAM_MAX; i++)
		if (bounds[i - 1] >= us)
			sum += counters->connect_buckets[i];
	return sum;
}

/* The first SYN is lost, so the time is known to be 200 ms at least. */
static void test_the_time_of_a_slow_connect_is_in_the_histogram(void **state)
{
	int server = roads_listen(ROADS_FAR), fd;
	struct view *view;

	(void)state;
	lab_serve_by(VIP, ROADS_FAR);
	roads_break();
	fd = lab_begin_dial(VIP);
	roads_mend();
	assert_int_equal(lab_dial_error(fd), 0);
	counts_expect(ROADS_FAR, 1, .attempts = 1, .established = 1);
	view = lab_view();
	assert_int_equal(buckets_of_at_least(&lab_backend(view, ROADS_FAR)->counters, 100000), 1);
	assert_in_range(lab_backend(view, ROADS_FAR)->counters.connect_ns, 100000000, 9000000000);
	view_close(view);
	close(fd);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, lab_begin)
		LAB_TEST(test_a_connection_counts_while_it_is_open),
		LAB_TEST(test_a_closed_port_is_refused),
		LAB_TEST(test_a_connect_without_an_answer_times_out),
		LAB_TEST(test_a_host_that_a_router_does_not_know_is_unreachable),
		LAB_TEST(test_a_connect_that_is_given_up_at_once_is_canceled),
		LAB_TEST(test_each_way_to_give_up_ends_one_of_several),
		LAB_TEST(test_a_process_killed_in_connect_has_canceled),
		LAB_TEST(test_a_connect_that_is_given_up_after_a_repeat_has_timed_out),
		LAB_TEST(test_a_reset_by_the_peer_is_counted),
		LAB_TEST(test_a_peer_that_still_sends_after_the_close_is_no_reset),
		LAB_TEST(test_a_reset_by_the_application_is_a_close_like_any),
		LAB_TEST(test_a_peer_that_vanishes_is_lost),
		LAB_TEST(test_a_connect_without_a_route_is_no_attempt),
		LAB_TEST(test_the_time_of_a_slow_connect_is_in_the_histogram),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), roads_start, roads_stop);
}
