// SPDX-License-Identifier: Apache-2.0
/* What an application sees of a balanced Service: addresses, families, refusals, repeated use. */
#include "kernel/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define VIP4 "10.96.0.10:7051"
#define VIP6 "[fd00:96::10]:7051"

static const char *const one4[] = {"10.1.0.1:7051", NULL};
static const char *const one6[] = {"[fd00::1]:7051", NULL};
static const char *const none[] = {NULL};

static int start(void **state)
{
	if (lab_begin(state))
		return -1;
	lab_service("v4", VIP4, GW_POLICY_LC, one4);
	lab_service("v6", VIP6, GW_POLICY_LC, one6);
	return 0;
}

static void expect_attempts(const char *backend, uint64_t attempts)
{
	struct view *view = lab_view();

	assert_int_equal(lab_backend(view, backend)->counters.attempts, attempts);
	view_close(view);
}

static void test_a_connection_reaches_the_backend_and_shows_the_service(void **state)
{
	int server = lab_listen("10.1.0.1:7051");
	char text[LAB_TEXT];
	int fd;

	(void)state;
	fd = lab_connect(VIP4);
	assert_true(fd >= 0);
	assert_string_equal(lab_peer_name(fd, text), VIP4);
	close(fd);
	expect_attempts("10.1.0.1:7051", 1);
	close(server);
}

static void test_ipv6_reaches_its_backend_and_shows_the_service(void **state)
{
	int server = lab_listen("[fd00::1]:7051");
	char text[LAB_TEXT];
	int fd;

	(void)state;
	fd = lab_connect(VIP6);
	assert_true(fd >= 0);
	assert_string_equal(lab_peer_name(fd, text), VIP6);
	close(fd);
	expect_attempts("[fd00::1]:7051", 1);
	close(server);
}

/* Its own Service may be what it is wrong about. */
static void test_a_socket_of_the_agents_own_is_left_alone(void **state)
{
	int server = lab_listen("10.1.0.8:6443"), other = lab_listen("10.1.0.7:6443");
	uint64_t before = lab_reason(GW_REASON_OWN);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[LAB_TEXT];

	(void)state;
	lab_service("api", "10.1.0.8:6443", GW_POLICY_LC, none);
	assert_int_equal(lab_connect("10.1.0.8:6443"), -ECONNREFUSED);
	assert_int_equal(tables_own_socket(lab.tables, fd), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(lab_dial(fd, "10.1.0.8:6443"), 0);
		assert_string_equal(lab_peer_name(fd, text), "10.1.0.8:6443");
		lab_disconnect(fd);
	}
	assert_int_equal(lab_dial(fd, "10.1.0.7:6443"), 0);
	assert_string_equal(lab_peer_name(fd, text), "10.1.0.7:6443");
	close(fd);
	/* Elsewhere it is as any other. */
	assert_int_equal(lab_reason(GW_REASON_OWN), before + 2);
	/* Of others nothing has changed. */
	assert_int_equal(lab_connect("10.1.0.8:6443"), -ECONNREFUSED);
	close(server);
	close(other);
}

/* The hook answers, and neither a backend nor whoever has the address sees anything of it. */
static void test_a_socket_that_asks_is_answered_and_reaches_no_backend(void **state)
{
	int server = lab_listen("10.1.0.1:7051"), listener = lab_listen("127.0.0.1:9461");
	struct gw_meta *meta = tables_meta(lab.tables);
	int asks = socket(AF_INET, SOCK_STREAM, 0), other = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd ready = {.fd = server, .events = POLLIN};

	(void)state;
	meta->canary_port = htons(9461);
	assert_int_equal(tables_ask_socket(lab.tables, asks), 0);
	assert_false(tables_is_answered(lab.tables, asks));
	assert_int_equal(lab_dial(asks, VIP4), 0);
	assert_true(tables_is_answered(lab.tables, asks));
	assert_int_equal(poll(&ready, 1, 100), 0);
	ready.fd = listener;
	assert_int_equal(poll(&ready, 1, LAB_PATIENCE_MS), 1);
	close(asks);
	expect_attempts("10.1.0.1:7051", 0);
	/* What is no Service's is not answered. */
	assert_int_equal(tables_ask_socket(lab.tables, other), 0);
	assert_int_equal(lab_dial(other, "10.1.0.1:7051"), 0);
	assert_false(tables_is_answered(lab.tables, other));
	close(other);
	meta->canary_port = 0;
	close(server);
	close(listener);
}

static void test_an_ipv6_socket_that_dials_a_mapped_address_is_balanced(void **state)
{
	int server = lab_listen("10.1.0.1:7051");
	char text[LAB_TEXT];
	int fd;

	(void)state;
	fd = lab_connect_mapped(VIP4);
	assert_true(fd >= 0);
	assert_string_equal(lab_peer_name(fd, text), VIP4);
	close(fd);
	expect_attempts("10.1.0.1:7051", 1);
	close(server);
}

static void test_a_non_blocking_connect_is_balanced(void **state)
{
	int server = lab_listen("10.1.0.1:7051");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	char text[LAB_TEXT];

	(void)state;
	assert_int_equal(lab_dial(fd, VIP4), -EINPROGRESS);
	assert_int_equal(poll(&ready, 1, LAB_PATIENCE_MS), 1);
	assert_string_equal(lab_peer_name(fd, text), VIP4);
	close(fd);
	close(server);
}

static void test_one_socket_can_connect_again_and_again(void **state)
{
	int server = lab_listen("10.1.0.1:7051");
	int other = lab_listen("10.1.0.2:80");
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char text[LAB_TEXT];

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(lab_dial(fd, VIP4), 0);
		assert_string_equal(lab_peer_name(fd, text), VIP4);
		lab_disconnect(fd);
		/* Elsewhere it shows who it really talks to. */
		assert_int_equal(lab_dial(fd, "10.1.0.2:80"), 0);
		assert_string_equal(lab_peer_name(fd, text), "10.1.0.2:80");
		lab_disconnect(fd);
	}
	close(fd);
	expect_attempts("10.1.0.1:7051", 3);
	assert_int_equal(lab_reason(GW_REASON_MISSED_CLOSE), 0);
	close(server);
	close(other);
}

static void test_udp_and_other_destinations_are_left_alone(void **state)
{
	int server = lab_listen("10.1.0.1:7052");
	int udp = socket(AF_INET, SOCK_DGRAM, 0);
	char text[LAB_TEXT];
	int fd;

	(void)state;
	lab_run("ip route add 10.96.0.0/24 dev lo");
	assert_int_equal(lab_dial(udp, VIP4), 0);
	assert_string_equal(lab_peer_name(udp, text), VIP4);
	close(udp);
	lab_run("ip route del 10.96.0.0/24 dev lo");
	fd = lab_connect("10.1.0.1:7052");
	assert_true(fd >= 0);
	assert_string_equal(lab_peer_name(fd, text), "10.1.0.1:7052");
	close(fd);
	expect_attempts("10.1.0.1:7051", 0);
	close(server);
}

static void test_a_service_without_backends_refuses(void **state)
{
	uint64_t before = lab_reason(GW_REASON_NO_BACKENDS);
	struct view *view;

	(void)state;
	lab_service("v4", VIP4, GW_POLICY_LC, none);
	lab_service("v6", VIP6, GW_POLICY_LC, none);
	assert_int_equal(lab_connect(VIP4), -ECONNREFUSED);
	assert_int_equal(lab_connect_mapped(VIP4), -ECONNREFUSED);
	assert_int_equal(lab_connect(VIP6), -ECONNREFUSED);
	view = lab_view();
	assert_int_equal(lab_find_service(view, "v4")->no_backends, 2);
	assert_int_equal(lab_find_service(view, "v6")->no_backends, 1);
	assert_int_equal(lab_find_service(view, "v4")->state, VIEW_SERVICE_NO_BACKENDS);
	view_close(view);
	assert_int_equal(lab_reason(GW_REASON_NO_BACKENDS), before + 3);
}

static void bind_to(int fd, const char *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
		assert_return_code(bind(fd, (struct sockaddr *)&v4, sizeof(v4)), errno);
		return;
	}
	assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	assert_return_code(bind(fd, (struct sockaddr *)&v6, sizeof(v6)), errno);
}

/* A kernel that cannot refuse by itself lets the peer do it, after connect(2) went on its way. */
static int dial_to_the_end(int fd, const char *address)
{
	int err = lab_dial(fd, address);

	return err == -EINPROGRESS ? -lab_dial_error(fd) : err;
}

static void test_every_kind_of_socket_is_refused_alike(void **state)
{
	static const struct {
		const char *vip, *source;
		int family, flags;
	} kinds[] = {
		{VIP4, NULL, AF_INET, SOCK_NONBLOCK}, {VIP4, "10.1.0.3", AF_INET, 0},
		{VIP4, "127.0.0.2", AF_INET, 0},      {VIP6, NULL, AF_INET6, SOCK_NONBLOCK},
		{VIP6, "fd00::3", AF_INET6, 0},       {VIP6, "::1", AF_INET6, 0},
	};

	(void)state;
	lab_service("v4", VIP4, GW_POLICY_LC, none);
	lab_service("v6", VIP6, GW_POLICY_LC, none);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		int fd = socket(kinds[i].family, SOCK_STREAM | kinds[i].flags, 0);

		if (kinds[i].source)
			bind_to(fd, kinds[i].source);
		assert_int_equal(dial_to_the_end(fd, kinds[i].vip), -ECONNREFUSED);
		close(fd);
	}
}

static void test_a_service_that_is_removed_is_left_alone(void **state)
{
	int server = lab_listen("10.1.0.1:7051");
	int fd = lab_connect(VIP4);
	char text[LAB_TEXT];

	(void)state;
	assert_true(fd >= 0);
	lab_remove_service("v4");
	assert_int_equal(lab_connect(VIP4), -ENETUNREACH);
	/* The connection that exists lives on. */
	assert_string_equal(lab_peer_name(fd, text), VIP4);
	close(fd);
	close(server);
}

static void test_a_socket_without_room_for_a_record_is_balanced_all_the_same(void **state)
{
	uint64_t before = lab_reason(GW_REASON_NO_RECORD);
	int server = lab_listen("10.1.0.1:7051");
	char text[LAB_TEXT];
	int fd = lab_full_socket();

	(void)state;
	assert_int_equal(lab_dial(fd, VIP4), 0);
	assert_string_equal(lab_peer_name(fd, text), "10.1.0.1:7051");
	close(fd);
	assert_int_equal(lab_reason(GW_REASON_NO_RECORD), before + 1);
	close(server);
}

static void test_a_socket_without_room_for_a_record_gets_no_drained_backend(void **state)
{
	static const char *const drained[] = {
		"10.1.0.1:7051", "10.1.0.2:7051*0", "10.1.0.3:7051*0", "10.1.0.4:7051*0", NULL,
	};
	int server = lab_listen("10.1.0.1:7051"), fd = lab_full_socket();
	const char *vip = "10.96.0.77:7051";
	uint64_t before = lab_reason(GW_REASON_NO_RECORD);

	(void)state;
	lab_service("drained", vip, GW_POLICY_LC, drained);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(lab_dial(fd, vip), 0);
		lab_disconnect(fd);
	}
	assert_int_equal(lab_reason(GW_REASON_NO_RECORD), before + 10);
	close(fd);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, start)
		LAB_TEST(test_a_connection_reaches_the_backend_and_shows_the_service),
		LAB_TEST(test_ipv6_reaches_its_backend_and_shows_the_service),
		LAB_TEST(test_a_socket_of_the_agents_own_is_left_alone),
		LAB_TEST(test_a_socket_that_asks_is_answered_and_reaches_no_backend),
		LAB_TEST(test_an_ipv6_socket_that_dials_a_mapped_address_is_balanced),
		LAB_TEST(test_a_non_blocking_connect_is_balanced),
		LAB_TEST(test_one_socket_can_connect_again_and_again),
		LAB_TEST(test_udp_and_other_destinations_are_left_alone),
		LAB_TEST(test_a_service_without_backends_refuses),
		LAB_TEST(test_every_kind_of_socket_is_refused_alike),
		LAB_TEST(test_a_service_that_is_removed_is_left_alone),
		LAB_TEST(test_a_socket_without_room_for_a_record_is_balanced_all_the_same),
		LAB_TEST(test_a_socket_without_room_for_a_record_gets_no_drained_backend),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
