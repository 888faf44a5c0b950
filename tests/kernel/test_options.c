// SPDX-License-Identifier: Apache-2.0
/* The options that a balanced socket gets, and those that its application had set, or sets. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/roads.h"

#define VIP "10.96.0.10:7051"

static const struct option {
	const char *name;
	int level, number;
	int kernels;  /* value, if nobody sets one */
	int ours;     /* with 3 s for a connect, 30 s for a dead peer */
	int repeated; /* the same, of one whose SYN had to be repeated */
	int applications;
} options[] = {
	{"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 25000, 25000, 7777},
	{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 0, 1, 1, 1},
	{"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 7200, 10, 10, 77},
	{"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 75, 5, 5, 66},
	{"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 9, 9, 9, 5},
	{"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 6, 6, 8, 4},
};
#define USER_TIMEOUT (&options[0])
#define KEEPIDLE (&options[2])
#define KEEPINTVL (&options[3])
#define SYNCNT (&options[5])
#define OPTIONS (sizeof(options) / sizeof(*options))

static int listener;

static int get(int fd, const struct option *option)
{
	socklen_t length = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, option->level, option->number, &value, &length), 0);
	return value;
}

static void set(int fd, const struct option *option, int value)
{
	assert_int_equal(setsockopt(fd, option->level, option->number, &value, sizeof(value)), 0);
}

static void expect(int fd, const struct option *option, int value)
{
	if (get(fd, option) != value)
		fail_msg("%s is %d, expected %d", option->name, get(fd, option), value);
}

/* All are ours but this one, which has the value. Closes the socket. */
static void expect_ours_but(int fd, const struct option *other, int value)
{
	for (size_t i = 0; i < OPTIONS; i++)
		expect(fd, &options[i], &options[i] == other ? value : options[i].ours);
	close(fd);
}

static void expect_the_kernels(int fd)
{
	for (size_t i = 0; i < OPTIONS; i++)
		expect(fd, &options[i], options[i].kernels);
}

struct expected {
	int fd;
	const struct option *option;
	int value;
};

static bool has_value(void *arg)
{
	const struct expected *expected = arg;

	return get(expected->fd, expected->option) == expected->value;
}

static void await(int fd, const struct option *option, int value)
{
	struct expected expected = {fd, option, value};

	lab_wait(has_value, &expected, option->name);
}

static void serve(uint32_t connect_timeout_ms, uint32_t dead_peer_timeout_ms)
{
	lab.settings.connect_timeout_ms = connect_timeout_ms;
	lab.settings.dead_peer_timeout_ms = dead_peer_timeout_ms;
	lab_serve_by(VIP, ROADS_FAR);
}

static int new_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static void test_a_balanced_socket_gets_all_options(void **state)
{
	(void)state;
	serve(3000, 30000);
	expect_ours_but(lab_connect(VIP), NULL, 0);
}

static void test_a_socket_that_is_not_balanced_gets_none(void **state)
{
	int fd;

	(void)state;
	serve(3000, 30000);
	fd = lab_connect(ROADS_FAR);
	expect_the_kernels(fd);
	close(fd);
}

static void test_a_time_of_0_sets_nothing(void **state)
{
	static const uint32_t connect_timeouts_ms[] = {0, 3000};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int fd;

		serve(connect_timeouts_ms[i], 0);
		fd = lab_connect(VIP);
		expect_the_kernels(fd);
		close(fd);
	}
	serve(0, 30000);
	expect_ours_but(lab_connect(VIP), NULL, 0);
}

/* Probes come at whole seconds: the last one within the time must find that it has waited enough. */
static void test_the_last_probe_within_the_time_gives_up(void **state)
{
	static const struct {
		uint32_t dead_peer_timeout_ms;
		int idle_s, interval_s, give_up_ms;
	} times[] = {
		{2000, 1, 1, 1500},   {2600, 1, 1, 2000},     {3700, 1, 1, 3000},
		{12000, 4, 2, 10000}, {60000, 20, 10, 50000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		int fd;

		serve(3000, times[i].dead_peer_timeout_ms);
		fd = lab_connect(VIP);
		expect(fd, USER_TIMEOUT, times[i].give_up_ms);
		expect(fd, KEEPIDLE, times[i].idle_s);
		expect(fd, KEEPINTVL, times[i].interval_s);
		close(fd);
	}
}

/* From its first repeat on, which most connects never see. TCP_SYNCNT goes with the sooner repeat of
 * the first SYN, which is for every connect. */
static void test_while_it_connects_a_socket_has_the_time_of_a_connect(void **state)
{
	int fd;

	(void)state;
	serve(3000, 30000);
	roads_break();
	fd = lab_begin_dial(VIP);
	await(fd, USER_TIMEOUT, 3000);
	expect(fd, SYNCNT, SYNCNT->repeated);
	close(fd);
	serve(0, 30000);
	fd = lab_begin_dial(VIP);
	await(fd, SYNCNT, SYNCNT->repeated);
	expect(fd, USER_TIMEOUT, 0);
	close(fd);
	/* A time that is over before the first repeat. */
	serve(150, 30000);
	fd = lab_begin_dial(VIP);
	expect(fd, USER_TIMEOUT, 150);
	close(fd);
	roads_mend();
}

static void test_each_option_that_the_application_had_set_stays(void **state)
{
	(void)state;
	serve(3000, 30000);
	for (size_t i = 0; i < OPTIONS; i++) {
		int fd = new_socket();

		set(fd, &options[i], options[i].applications);
		assert_int_equal(lab_dial(fd, VIP), 0);
		expect_ours_but(fd, &options[i], options[i].applications);
	}
}

static void test_so_does_one_that_is_set_to_what_the_kernel_has_anyway(void **state)
{
	(void)state;
	serve(3000, 30000);
	for (size_t i = 0; i < OPTIONS; i++) {
		int fd = new_socket();

		/* 0 cannot be told from nothing. */
		if (options[i].kernels) {
			set(fd, &options[i], options[i].kernels);
			assert_int_equal(lab_dial(fd, VIP), 0);
			expect_ours_but(fd, &options[i], options[i].kernels);
		}
	}
}

/* All are ours but this one, also if the SYN had to be repeated. Closes the socket. */
static void expect_ours_of_a_repeated(int fd, const struct option *other)
{
	int syn_count = get(fd, SYNCNT);

	if (other != SYNCNT && syn_count != SYNCNT->ours)
		assert_int_equal(syn_count, SYNCNT->repeated);
	for (size_t i = 0; i < OPTIONS; i++)
		if (&options[i] != SYNCNT && &options[i] != other)
			expect(fd, &options[i], options[i].ours);
	expect(fd, other, other->applications);
	close(fd);
}

static void test_so_does_one_that_is_set_while_it_connects(void **state)
{
	int fds[OPTIONS];

	(void)state;
	serve(30000, 30000);
	roads_break();
	for (size_t i = 0; i < OPTIONS; i++) {
		fds[i] = lab_begin_dial(VIP);
		set(fds[i], &options[i], options[i].applications);
	}
	roads_mend();
	for (size_t i = 0; i < OPTIONS; i++) {
		assert_int_equal(lab_dial_error(fds[i]), 0);
		expect_ours_of_a_repeated(fds[i], &options[i]);
	}
}

static void test_so_does_one_that_is_set_later(void **state)
{
	(void)state;
	serve(3000, 30000);
	for (size_t i = 0; i < OPTIONS; i++) {
		int fd = lab_connect(VIP);

		set(fd, &options[i], options[i].applications);
		assert_int_equal(send(fd, "x", 1, 0), 1);
		expect_ours_but(fd, &options[i], options[i].applications);
	}
}

/* The attempts of a socket that fail, and are repeated before, set all that we ever set. */
static int failed_socket(void)
{
	int fd = new_socket();

	serve(300, 30000);
	roads_break();
	assert_int_equal(lab_dial(fd, VIP), -ETIMEDOUT);
	roads_mend();
	expect(fd, SYNCNT, SYNCNT->repeated);
	lab_forgive();
	return fd;
}

static void test_a_socket_that_failed_takes_nothing_of_ours_elsewhere(void **state)
{
	int fd = failed_socket();

	(void)state;
	assert_int_equal(lab_dial(fd, ROADS_FAR), 0);
	expect_the_kernels(fd);
	close(fd);
}

static void test_nor_does_one_that_was_connected(void **state)
{
	int fd;

	(void)state;
	serve(3000, 30000);
	fd = lab_connect(VIP);
	lab_disconnect(fd);
	assert_int_equal(lab_dial(fd, ROADS_FAR), 0);
	expect_the_kernels(fd);
	close(fd);
}

static void test_nor_to_another_service(void **state)
{
	int fd = failed_socket();

	(void)state;
	lab.settings.dead_peer_timeout_ms = 0;
	lab_service("others", "10.96.0.11:7051", GW_POLICY_LC,
		    (const char *const[]){ROADS_FAR, NULL});
	assert_int_equal(lab_dial(fd, "10.96.0.11:7051"), 0);
	expect_the_kernels(fd);
	close(fd);
}

static void test_one_that_comes_back_gets_all_options_anew(void **state)
{
	int fd = failed_socket();

	(void)state;
	assert_int_equal(lab_dial(fd, ROADS_FAR), 0);
	lab_disconnect(fd);
	serve(3000, 30000);
	assert_int_equal(lab_dial(fd, VIP), 0);
	expect_ours_but(fd, NULL, 0);
}

static void test_what_the_application_sets_meanwhile_it_keeps_elsewhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < OPTIONS; i++) {
		int fd = failed_socket();

		set(fd, &options[i], options[i].applications);
		assert_int_equal(lab_dial(fd, ROADS_FAR), 0);
		for (size_t j = 0; j < OPTIONS; j++)
			expect(fd, &options[j],
			       j == i ? options[j].applications : options[j].kernels);
		close(fd);
	}
}

/* A first SYN that is repeated sooner must not use up the count. By the kernel alone 1 lasts for
 * 3 s, and 2 for 7 s. */
static void test_a_count_of_syns_lasts_as_long_as_the_kernel_makes_it_last(void **state)
{
	static const int least_ms[] = {0, 2500, 6000};
	uint64_t began_ns = clock_now_ns();
	int fds[3];

	(void)state;
	serve(30000, 30000);
	roads_break();
	for (int count = 1; count <= 2; count++) {
		fds[count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		set(fds[count], SYNCNT, count);
		assert_int_equal(lab_dial(fds[count], VIP), -EINPROGRESS);
	}
	for (int count = 1; count <= 2; count++) {
		assert_int_equal(lab_dial_error(fds[count]), ETIMEDOUT);
		assert_in_range((clock_now_ns() - began_ns) / 1000000, least_ms[count], 30000);
		expect(fds[count], SYNCNT, count);
		close(fds[count]);
	}
	roads_mend();
}

static int start(void **state)
{
	roads_start(state);
	listener = roads_listen(ROADS_FAR);
	return 0;
}

static int stop(void **state)
{
	close(listener);
	return roads_stop(state);
}

static int begin(void **state)
{
	lab_forgive();
	return lab_begin(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, begin)
		LAB_TEST(test_a_balanced_socket_gets_all_options),
		LAB_TEST(test_a_socket_that_is_not_balanced_gets_none),
		LAB_TEST(test_a_time_of_0_sets_nothing),
		LAB_TEST(test_the_last_probe_within_the_time_gives_up),
		LAB_TEST(test_while_it_connects_a_socket_has_the_time_of_a_connect),
		LAB_TEST(test_each_option_that_the_application_had_set_stays),
		LAB_TEST(test_so_does_one_that_is_set_to_what_the_kernel_has_anyway),
		LAB_TEST(test_so_does_one_that_is_set_while_it_connects),
		LAB_TEST(test_so_does_one_that_is_set_later),
		LAB_TEST(test_a_socket_that_failed_takes_nothing_of_ours_elsewhere),
		LAB_TEST(test_nor_does_one_that_was_connected),
		LAB_TEST(test_nor_to_another_service),
		LAB_TEST(test_one_that_comes_back_gets_all_options_anew),
		LAB_TEST(test_what_the_application_sets_meanwhile_it_keeps_elsewhere),
		LAB_TEST(test_a_count_of_syns_lasts_as_long_as_the_kernel_makes_it_last),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
