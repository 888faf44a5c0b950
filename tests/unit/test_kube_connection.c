// SPDX-License-Identifier: Apache-2.0
/* The connections that a watch makes: whose they are, and that none of them can be dead unseen. */
#include "unit/watched.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "source/kube_http.h"

#define DESCRIPTORS 256

/* The watch's end of its connection; -1: there is none. */
static int find_connection(const struct told *told)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		struct sockaddr_in peer = {0};
		socklen_t length = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 &&
		    peer.sin_family == AF_INET &&
		    ntohs(peer.sin_port) == fake_api_port(told->api))
			return fd;
	}
	return -1;
}

static int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &length), 0);
	return value;
}

static void test_the_kernel_notices_a_peer_that_is_gone_within_a_minute(void **state)
{
	struct told *told = *state;
	int fd;

	start_watching(told);
	fd = find_connection(told);
	assert_true(fd >= 0);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_in_range(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1, 30);
	assert_in_range(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1, 15);
	assert_in_range(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1, 30000);
}

struct owned {
	int fd; /* -1: none yet */
	size_t count;
};

static void own(int fd, void *arg)
{
	struct owned *owned = arg;
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);

	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &length), -1);
	owned->fd = fd;
	owned->count++;
}

static void test_each_socket_is_shown_before_it_connects(void **state)
{
	struct told *told = *state;
	struct owned owned = {.fd = -1};

	kube_http_own_sockets(told->http, own, &owned);
	start_watching(told);
	assert_true(owned.count >= 1);
	assert_true(find_connection(told) >= 0);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	fake_api_send(told->api, WATCH, "", 0, FAKE_RESET);
	await_requests(told, WATCH, 2);
	assert_true(owned.count >= 2);
	assert_int_equal(owned.fd, find_connection(told));
}

static void test_a_proxy_of_the_environment_is_not_for_the_api_server(void **state)
{
	struct told *told = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	start_watching(told);
	assert_int_equal(times(told, "failed"), 0);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
}

static void test_what_is_moved_elsewhere_is_not_followed_there(void **state)
{
	struct told *told = *state;
	char header[64];
	struct fake_answer moved = {.path = LIST, .status = "302 Found", .header = header};

	snprintf(header, sizeof(header), "Location: http://127.0.0.1:%u/elsewhere\r\n",
		 fake_api_port(told->api));
	start(told, &slices);
	fake_api_answer(told->api, &moved);
	await(told, "failed server: cannot list endpointslices: the API server fails (302)");
	await_requests(told, LIST, 2);
	assert_int_equal(fake_api_count(told->api, "elsewhere"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_kernel_notices_a_peer_that_is_gone_within_a_minute),
		TEST(test_each_socket_is_shown_before_it_connects),
		TEST(test_a_proxy_of_the_environment_is_not_for_the_api_server),
		TEST(test_what_is_moved_elsewhere_is_not_followed_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
