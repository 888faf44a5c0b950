// SPDX-License-Identifier: Apache-2.0
/* What an application sees of a balanced Service: addresses, families, refusals, repeated use. */
#include "kernel/lab.h"

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
	lab_start(state);
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
	assert_int_equal(poll(&ready, 1, 5000), 1);
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
	assert_int_equal(lab_reason(GW_REASON_NO_BACKENDS), 3);
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
	int server = lab_listen("10.1.0.1:7051");
	char text[LAB_TEXT];
	int fd;

	(void)state;
	lab_limit_socket_memory(true);
	fd = lab_connect(VIP4);
	lab_limit_socket_memory(false);
	assert_true(fd >= 0);
	assert_string_equal(lab_peer_name(fd, text), "10.1.0.1:7051");
	close(fd);
	assert_int_equal(lab_reason(GW_REASON_NO_RECORD), 1);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, lab_stop)
		LAB_TEST(test_a_connection_reaches_the_backend_and_shows_the_service),
		LAB_TEST(test_ipv6_reaches_its_backend_and_shows_the_service),
		LAB_TEST(test_an_ipv6_socket_that_dials_a_mapped_address_is_balanced),
		LAB_TEST(test_a_non_blocking_connect_is_balanced),
		LAB_TEST(test_one_socket_can_connect_again_and_again),
		LAB_TEST(test_udp_and_other_destinations_are_left_alone),
		LAB_TEST(test_a_service_without_backends_refuses),
		LAB_TEST(test_a_service_that_is_removed_is_left_alone),
		LAB_TEST(test_a_socket_without_room_for_a_record_is_balanced_all_the_same),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
