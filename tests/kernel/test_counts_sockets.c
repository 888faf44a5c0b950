// SPDX-License-Identifier: Apache-2.0
/* A connection is counted once, whatever its socket is and was used for. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/roads.h"

#define VIP "10.96.0.10:7051"
#define NEAR "10.1.0.1:7051"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static void test_one_socket_can_be_two_connections(void **state)
{
	int server = lab_listen(NEAR), fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	lab_serve_by(VIP, NEAR);
	assert_int_equal(lab_dial(fd, VIP), 0);
	assert_int_equal(lab_dial(fd, VIP), -EISCONN);
	counts_expect(NEAR, 1, .attempts = 1, .established = 1);
	lab_disconnect(fd);
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	assert_int_equal(lab_dial(fd, VIP), 0);
	counts_expect(NEAR, 1, .attempts = 2, .established = 2, .closed = 1);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 2, .established = 2, .closed = 2);
	assert_int_equal(lab_reason(GW_REASON_MISSED_CLOSE), 0);
	close(server);
}

static void dial_twice_and_close(void)
{
	int fd = lab_begin_dial(VIP);

	assert_int_equal(lab_dial(fd, VIP), -EALREADY);
	close(fd);
}

static void test_a_second_connect_while_one_is_on_its_way_changes_nothing(void **state)
{
	int fd;

	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	fd = lab_begin_dial(VIP);
	assert_int_equal(lab_dial(fd, VIP), -EALREADY);
	counts_expect(ROADS_HOLE, 1, .attempts = 1);
	/* Not by close(2), for which the SYN may have been repeated by now. */
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){1}, sizeof(int)), 0);
	assert_int_equal(lab_dial_error(fd), ETIMEDOUT);
	counts_expect(ROADS_HOLE, 0, .attempts = 1, .timed_out = 1);
	close(fd);
	counts_cancel(ROADS_HOLE, dial_twice_and_close);
}

/* TCP_FASTOPEN_CONNECT puts off the SYN until there is data to send with it. */
static int dial_lazily(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)), 0);
	assert_int_equal(lab_dial(fd, VIP), 0);
	return fd;
}

static void test_a_fast_open_counts_from_its_first_data_on(void **state)
{
	uint64_t before = lab_reason(GW_REASON_NO_SYN);
	int server = lab_listen(NEAR), fd;

	(void)state;
	lab_serve_by(VIP, NEAR);
	fd = dial_lazily();
	counts_expect(NEAR, 0, .attempts = 0);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 0);
	/* Its application gave up; nothing failed. */
	assert_int_equal(lab_reason(GW_REASON_NO_SYN), before);
	fd = dial_lazily();
	assert_int_equal(send(fd, "x", 1, 0), 1);
	counts_expect(NEAR, 1, .attempts = 1, .established = 1);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	close(server);
}

static void test_multipath_tcp_is_counted_like_tcp(void **state)
{
	int server = lab_listen(NEAR), fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	(void)state;
	if (fd < 0) {
		close(server);
		skip();
	}
	lab_serve_by(VIP, NEAR);
	assert_int_equal(lab_dial(fd, VIP), 0);
	counts_expect(NEAR, 1, .attempts = 1, .established = 1);
	close(fd);
	/* Its kernel keeps the socket until the peer has closed as well. */
	close(accept(server, NULL, NULL));
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	close(server);
}

static void test_a_connection_without_a_record_is_not_counted(void **state)
{
	uint64_t before = lab_reason(GW_REASON_NO_RECORD);
	int server = lab_listen(NEAR), fd = lab_full_socket();

	(void)state;
	lab_serve_by(VIP, NEAR);
	assert_int_equal(lab_dial(fd, VIP), 0);
	assert_int_equal(lab_reason(GW_REASON_NO_RECORD), before + 1);
	counts_expect(NEAR, 0, .attempts = 0);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 0);
	close(server);
}

/* What the agent does every ten seconds, and then with this socket no more. */
static int visit_canary(void)
{
	int server = lab_listen("127.0.0.1:7099"), fd = socket(AF_INET, SOCK_STREAM, 0);

	tables_meta(lab.tables)->canary_port = htons(7099);
	assert_int_equal(lab_dial(fd, "192.0.2.67:7099"), 0);
	lab_disconnect(fd);
	tables_meta(lab.tables)->canary_port = 0;
	close(server);
	return fd;
}

static void test_a_socket_that_visited_the_canary_is_like_any_other(void **state)
{
	int server = lab_listen(NEAR), fd = visit_canary();
	uint64_t before = lab_reason(GW_REASON_NO_SYN);
	char text[LAB_TEXT];

	(void)state;
	lab_serve_by(VIP, NEAR);
	assert_int_equal(lab_dial(fd, NEAR), 0);
	assert_string_equal(lab_peer_name(fd, text), NEAR);
	lab_disconnect(fd);
	assert_int_equal(lab_dial(fd, VIP), 0);
	assert_string_equal(lab_peer_name(fd, text), VIP);
	counts_expect(NEAR, 1, .attempts = 1, .established = 1);
	lab_disconnect(fd);
	assert_int_equal(lab_dial(fd, NEAR), 0);
	assert_string_equal(lab_peer_name(fd, text), NEAR);
	close(fd);
	counts_expect(NEAR, 0, .attempts = 1, .established = 1, .closed = 1);
	assert_int_equal(lab_reason(GW_REASON_NO_SYN), before);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, lab_begin)
		LAB_TEST(test_one_socket_can_be_two_connections),
		LAB_TEST(test_a_second_connect_while_one_is_on_its_way_changes_nothing),
		LAB_TEST(test_a_fast_open_counts_from_its_first_data_on),
		LAB_TEST(test_multipath_tcp_is_counted_like_tcp),
		LAB_TEST(test_a_connection_without_a_record_is_not_counted),
		LAB_TEST(test_a_socket_that_visited_the_canary_is_like_any_other),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), roads_start, roads_stop);
}
