// SPDX-License-Identifier: Apache-2.0
/* The walk over the sockets that exist: each once, in whatever namespace, while others come and go;
 * and what it says of them. */
#include "kernel/lab.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/roads.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define VIP6 "[fd00:96::10]:7051"
#define NEAR "10.1.0.1:7051"
#define NEAR6 "[fd00::1]:7051"

#define WALKS 40
#define HERE 400
#define ELSEWHERE 200
#define CHURNERS 2
#define ANSWERED 400
#define ANSWERED_WALKS 500

static uint64_t cookie_of(int fd)
{
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length);
	return cookie;
}

static struct gw_walk_conn *walk(size_t *count)
{
	struct gw_walk_conn *conns;

	assert_int_equal(conns_walk_once(LAB_PINS, &conns, count), 0);
	return conns;
}

static int compare_cookies(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* How often each of these cookies is in one walk must be once. */
static void expect_each_once(const uint64_t *cookies, size_t count)
{
	uint32_t *seen = calloc(count, sizeof(*seen));
	size_t walked;
	struct gw_walk_conn *conns = walk(&walked);

	for (size_t i = 0; i < walked; i++) {
		const uint64_t *found = bsearch(&conns[i].cookie, cookies, count, sizeof(*cookies),
						compare_cookies);

		if (found)
			seen[found - cookies]++;
	}
	for (size_t i = 0; i < count; i++)
		assert_int_equal(seen[i], 1);
	free(conns);
	free(seen);
}

static void connect_elsewhere(struct crew_member *me, void *arg)
{
	uint64_t *cookies = arg;

	lab_enter_namespace();
	server_start(lab_listen(NEAR), SERVER_GREET);
	for (int i = 0; i < ELSEWHERE; i++) {
		int fd = lab_connect(VIP);

		if (fd < 0)
			crew_problem(me, "connect: %s", strerror(-fd));
		cookies[i] = cookie_of(fd);
	}
	crew_rest(me);
}

static void churn(struct crew_member *me, void *arg)
{
	(void)arg;
	while (!me->stop) {
		int fd = lab_connect(VIP);

		if (fd < 0)
			crew_problem(me, "connect: %s", strerror(-fd));
		else
			lab_abort(fd);
		me->done++;
	}
}

static void test_a_walk_sees_each_socket_once_while_others_come_and_go(void **state)
{
	uint64_t *cookies = crew_memory((HERE + ELSEWHERE) * sizeof(*cookies));
	pid_t server = server_start(lab_listen(NEAR), SERVER_GREET);
	struct crew *resident, *churners;
	int fds[HERE];

	(void)state;
	lab_serve_by(VIP, NEAR);
	for (int i = 0; i < HERE; i++) {
		fds[i] = lab_connect(VIP);
		assert_true(fds[i] >= 0);
		cookies[i] = cookie_of(fds[i]);
	}
	resident = crew_start(1, connect_elsewhere, &cookies[HERE]);
	crew_await_rest(resident);
	qsort(cookies, HERE + ELSEWHERE, sizeof(*cookies), compare_cookies);
	churners = crew_start(CHURNERS, churn, NULL);
	for (int i = 0; i < WALKS; i++)
		expect_each_once(cookies, HERE + ELSEWHERE);
	assert_in_range(crew_stop(churners), 100, UINT64_MAX);
	crew_stop(resident);
	for (int i = 0; i < HERE; i++)
		lab_abort(fds[i]);
	server_stop(server);
}

static struct gw_walk_conn walk_to(int fd)
{
	struct gw_walk_conn found = {0};
	size_t count, seen = 0;
	struct gw_walk_conn *conns = walk(&count);

	for (size_t i = 0; i < count; i++) {
		if (conns[i].cookie != cookie_of(fd))
			continue;
		found = conns[i];
		seen++;
	}
	free(conns);
	assert_int_equal(seen, 1);
	return found;
}

static void expect_address(const struct gw_addr *address, uint16_t port, const char *expected)
{
	char text[ADDR_PORT_TEXT_MAX];

	assert_string_equal(addr_port_format(address, port, text), expected);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static uint32_t backend_of(const char *address)
{
	struct view *view = lab_view();
	uint32_t id = lab_backend(view, address)->id;

	view_close(view);
	return id;
}

static void expect_record(int fd, const char *vip, const char *backend)
{
	struct gw_walk_conn conn = walk_to(fd);
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	expect_address(&conn.conn.vip, ntohs(conn.conn.port), vip);
	expect_address(&conn.destination, ntohs(conn.destination_port), backend);
	/* The port is at the same place in both families. */
	assert_int_equal(conn.source_port, ntohs(((struct sockaddr_in *)&name)->sin_port));
	assert_int_equal(conn.conn.state, GW_CONN_COUNTED);
	assert_int_equal(conn.conn.backend, backend_of(backend));
	assert_int_equal(conn.conn.tgid, getpid());
	assert_int_equal(conn.conn.cgroup_id, inode_of(lab.cgroup));
	assert_int_equal(conn.netns_inode, inode_of("/proc/self/ns/net"));
	assert_int_equal(conn.tcp_state, TCP_ESTABLISHED);
}

static void test_a_walk_says_who_talks_to_whom(void **state)
{
	int servers[2] = {lab_listen(NEAR), lab_listen(NEAR6)};
	int fds[2];

	(void)state;
	lab_serve_by(VIP, NEAR);
	lab_service("v6", VIP6, GW_POLICY_LC, (const char *const[]){NEAR6, NULL});
	fds[0] = lab_connect(VIP);
	fds[1] = lab_connect(VIP6);
	expect_record(fds[0], VIP, NEAR);
	expect_record(fds[1], VIP6, NEAR6);
	for (int i = 0; i < 2; i++) {
		lab_abort(fds[i]);
		close(servers[i]);
	}
}

static void test_a_walk_says_how_much_was_sent_and_received(void **state)
{
	int server = lab_listen(NEAR), fd, accepted;
	char bytes[1000] = {0};
	struct gw_walk_conn conn;

	(void)state;
	lab_serve_by(VIP, NEAR);
	fd = lab_connect(VIP);
	accepted = accept(server, NULL, NULL);
	conn = walk_to(fd);
	assert_int_equal(conn.bytes_sent, 0);
	assert_int_equal(conn.bytes_received, 0);
	assert_int_equal(send(fd, bytes, 700, 0), 700);
	assert_int_equal(recv(accepted, bytes, 700, MSG_WAITALL), 700);
	assert_int_equal(send(accepted, bytes, 300, 0), 300);
	assert_int_equal(recv(fd, bytes, 300, MSG_WAITALL), 300);
	conn = walk_to(fd);
	assert_int_equal(conn.bytes_sent, 700);
	assert_int_equal(conn.bytes_received, 300);
	assert_in_range(conn.srtt_us, 1, 1000000);
	/* What ends one direction is no data. */
	assert_int_equal(shutdown(accepted, SHUT_WR), 0);
	assert_int_equal(recv(fd, bytes, 1, 0), 0);
	conn = walk_to(fd);
	assert_int_equal(conn.tcp_state, TCP_CLOSE_WAIT);
	assert_int_equal(conn.bytes_sent, 700);
	assert_int_equal(conn.bytes_received, 300);
	lab_abort(fd);
	close(accepted);
	close(server);
}

static bool is_shut_down(void *arg)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	return !getsockopt(*(int *)arg, IPPROTO_TCP, TCP_INFO, &info, &length) &&
	       info.tcpi_state == TCP_FIN_WAIT2;
}

static void test_a_direction_that_is_shut_down_sent_no_more_for_it(void **state)
{
	int server = lab_listen(NEAR), fd, accepted;
	struct gw_walk_conn conn;
	char byte;

	(void)state;
	lab_serve_by(VIP, NEAR);
	fd = lab_connect(VIP);
	accepted = accept(server, NULL, NULL);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_int_equal(recv(accepted, &byte, 1, 0), 1);
	assert_int_equal(recv(accepted, &byte, 1, 0), 0);
	lab_wait(is_shut_down, &fd, "the answer to a FIN");
	conn = walk_to(fd);
	assert_int_equal(conn.bytes_sent, 1);
	lab_abort(fd);
	close(accepted);
	close(server);
}

static bool is_past(void *arg)
{
	return clock_now_ms() > *(uint64_t *)arg;
}

static void test_a_walk_says_how_long_a_connection_has_been_idle(void **state)
{
	int server = lab_listen(NEAR), fd;
	uint64_t since, until;
	uint32_t idle_ms;

	(void)state;
	lab_serve_by(VIP, NEAR);
	fd = lab_connect(VIP);
	since = clock_now_ms();
	until = since + 400;
	lab_wait(is_past, &until, "400 ms");
	idle_ms = walk_to(fd).idle_ms;
	assert_in_range(idle_ms, 400 - 20, clock_now_ms() - since + 20);
	since = clock_now_ms();
	assert_int_equal(send(fd, "x", 1, 0), 1);
	idle_ms = walk_to(fd).idle_ms;
	assert_in_range(idle_ms, 0, clock_now_ms() - since + 20);
	lab_abort(fd);
	close(server);
}

/* Both times are of one jiffy mostly, and a walk may be at its end. */
static void test_an_answer_is_never_older_than_its_question(void **state)
{
	int server = lab_listen(NEAR), fds[ANSWERED], accepted[ANSWERED];
	struct gw_walk_conn *found;
	struct conns *conns;
	size_t count;
	char byte;

	(void)state;
	lab_serve_by(VIP, NEAR);
	for (int i = 0; i < ANSWERED; i++) {
		fds[i] = lab_connect(VIP);
		accepted[i] = accept(server, NULL, NULL);
		assert_int_equal(send(fds[i], "x", 1, 0), 1);
		assert_int_equal(recv(accepted[i], &byte, 1, 0), 1);
		assert_int_equal(send(accepted[i], "x", 1, 0), 1);
		assert_int_equal(recv(fds[i], &byte, 1, 0), 1);
	}
	assert_int_equal(conns_open(LAB_PINS, &conns), 0);
	for (int i = 0; i < ANSWERED_WALKS; i++) {
		assert_int_equal(conns_walk(conns, &found, &count), 0);
		for (size_t j = 0; j < count; j++)
			if (found[j].segments_received)
				assert_in_range(found[j].received_ms, 0, found[j].sent_ms);
		free(found);
	}
	conns_close(conns);
	for (int i = 0; i < ANSWERED; i++) {
		lab_abort(fds[i]);
		close(accepted[i]);
	}
	close(server);
}

/* Before there was any data, the time since the connect is all that can be meant. */
static void test_a_connect_on_its_way_is_idle_since_it_began(void **state)
{
	uint64_t since = clock_now_ms();
	struct gw_walk_conn conn;
	int fd;

	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	fd = lab_begin_dial(VIP);
	conn = walk_to(fd);
	assert_int_equal(conn.tcp_state, TCP_SYN_SENT);
	assert_int_equal(conn.conn.established_ns, 0);
	assert_int_equal(conn.bytes_sent, 0);
	assert_in_range(conn.idle_ms, 0, clock_now_ms() - since + 20);
	close(fd);
}

static bool is_sent_again(void *arg)
{
	return walk_to(*(int *)arg).retransmits;
}

static void test_a_walk_says_what_was_sent_again(void **state)
{
	int server = lab_listen(NEAR), fd;
	struct gw_walk_conn conn;

	(void)state;
	lab_serve_by(VIP, NEAR);
	fd = lab_connect(VIP);
	conn = walk_to(fd);
	assert_int_equal(conn.retransmits, 0);
	assert_int_equal(conn.timeouts, 0);
	lab_abort(fd);
	close(server);
	lab_serve_by(VIP, ROADS_HOLE);
	fd = lab_begin_dial(VIP);
	lab_wait(is_sent_again, &fd, "a SYN that is repeated");
	assert_in_range(walk_to(fd).timeouts, 1, 10);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, lab_begin)
		LAB_TEST(test_a_walk_sees_each_socket_once_while_others_come_and_go),
		LAB_TEST(test_a_walk_says_who_talks_to_whom),
		LAB_TEST(test_a_walk_says_how_much_was_sent_and_received),
		LAB_TEST(test_a_direction_that_is_shut_down_sent_no_more_for_it),
		LAB_TEST(test_a_walk_says_how_long_a_connection_has_been_idle),
		LAB_TEST(test_an_answer_is_never_older_than_its_question),
		LAB_TEST(test_a_connect_on_its_way_is_idle_since_it_began),
		LAB_TEST(test_a_walk_says_what_was_sent_again),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), roads_start, roads_stop);
}
