// SPDX-License-Identifier: Apache-2.0
/* A peer that does not answer: who passes it over, from when on, and for how long. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/clients.h"
#include "kernel/counts.h"
#include "kernel/health.h"
#include "kernel/suspects.h"

#define VIP "10.96.0.10:7051"
#define BAD_IP "10.1.0.1"
#define BAD "10.1.0.1:7051"
#define GOOD "10.1.0.2:7051"

#define CONNECT_MS 650
#define LATE_MS 600 /* the best of some, on a busy machine */
#define TRIES 20

static const char *const bad_and_good[] = {BAD, GOOD, NULL};

/* To the last one BAD is well, to the others it is what a test makes of it; GOOD is well to all. */
static int clients[4];
#define CLIENTS (sizeof(clients) / sizeof(*clients))
#define FIRST clients[0]
#define SECOND clients[1]
#define THIRD clients[2]
#define WELL clients[3]

static int good[CLIENTS], bad;

static void serve(void)
{
	lab_service("peers", VIP, GW_POLICY_RR, bad_and_good);
}

/* As this client, begin a connect that gets to BAD. */
static int begin_at_bad(int client)
{
	int fd;

	clients_be(client);
	lab_serve_by(VIP, BAD);
	fd = lab_begin_dial(VIP);
	serve();
	return fd;
}

/* How many of ten connects this client has sent to BAD. None of them failed. */
static uint64_t share_of_bad(int client)
{
	uint64_t before = health_attempts(BAD);

	clients_be(client);
	for (int i = 0; i < 10; i++)
		assert_int_equal(clients_touch(VIP), 0);
	return health_attempts(BAD) - before;
}

/* It was to go on for as long as the test had to do in the meantime; now its time is over. */
static void expire(int fd)
{
	int ms = 1;

	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms)), 0);
}

static unsigned int repeats(int fd)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
	return info.tcpi_total_retrans;
}

static bool is_over(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};

	return poll(&ready, 1, 0);
}

static void expect_timeout(int fd)
{
	assert_int_equal(lab_dial_error(fd), ETIMEDOUT);
	close(fd);
}

static void lose_bad(int client)
{
	clients_be(client);
	clients_lose(BAD_IP);
}

/* It has reached BAD before, as all who may accuse it. */
static void reach_bad(int client)
{
	const char *const alone[] = {BAD, NULL};

	clients_be(client);
	clients_reach(VIP, alone);
	serve();
}

/* The first two know BAD, and lose it; nobody has reached it for long. */
static void lose_known_bad(void)
{
	for (int i = 0; i < 2; i++) {
		reach_bad(clients[i]);
		lose_bad(clients[i]);
	}
	health_lonely(BAD);
}

/* As this client, begin a connect that gets to BAD, and wait in vain. */
static void wait_in_vain(int client)
{
	int fd = begin_at_bad(client);

	clients_await_repeat(fd, 1);
	expire(fd);
	expect_timeout(fd);
}

/* The kernel's own first repeat comes after a second; ours each take 200 ms, and a moment. */
static void test_the_first_syn_is_repeated_soon(void **state)
{
	uint64_t before_ms = clock_now_ms();
	int balanced, plain;

	(void)state;
	lose_bad(FIRST);
	balanced = begin_at_bad(FIRST);
	plain = lab_begin_dial(BAD);
	clients_await_repeat(plain, 1);
	assert_in_range(repeats(balanced), 2, (clock_now_ms() - before_ms) / 190);
	close(balanced);
	close(plain);
}

static uint64_t time_attempt_ms(void)
{
	uint64_t before = clock_now_ms();

	assert_int_equal(lab_connect(VIP), -ETIMEDOUT);
	return clock_now_ms() - before;
}

/* None of them too early, and one not late. */
static void test_an_attempt_ends_in_time(void **state)
{
	uint64_t attempts = 0, took_ms;

	(void)state;
	lab.settings.connect_timeout_ms = CONNECT_MS;
	lose_bad(FIRST);
	lab_serve_by(VIP, BAD);
	do {
		took_ms = time_attempt_ms();
		assert_in_range(took_ms, CONNECT_MS, UINT64_MAX);
		assert_in_range(++attempts, 1, TRIES);
	} while (took_ms > CONNECT_MS + LATE_MS);
	counts_expect(BAD, 0, .attempts = attempts, .timed_out = attempts);
}

static void test_two_that_wait_in_vain_take_it_from_nobody_who_reaches_it(void **state)
{
	int fd;

	(void)state;
	lose_known_bad();
	fd = begin_at_bad(FIRST);
	clients_await_repeat(fd, 1);
	assert_int_equal(share_of_bad(FIRST), 0);
	assert_int_equal(share_of_bad(WELL), 5);
	expire(fd);
	expect_timeout(fd);
	assert_int_equal(share_of_bad(FIRST), 0);
	assert_int_equal(share_of_bad(WELL), 5);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_SUSPECT);
	fd = begin_at_bad(SECOND);
	clients_await_repeat(fd, 1);
	assert_int_equal(share_of_bad(SECOND), 0);
	assert_int_equal(share_of_bad(WELL), 5);
	expire(fd);
	expect_timeout(fd);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_SUSPECT);
	assert_int_equal(share_of_bad(WELL), 5);
}

static void test_two_that_wait_in_vain_take_it_from_all_if_nobody_reaches_it(void **state)
{
	(void)state;
	lose_known_bad();
	wait_in_vain(FIRST);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_SUSPECT);
	wait_in_vain(SECOND);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_EJECTED);
	assert_int_equal(share_of_bad(WELL), 0);
}

/* Silence is weak: within the base time the word of whoever reached it counts more. */
static void test_it_stays_while_somebody_has_reached_it_lately(void **state)
{
	(void)state;
	lose_known_bad();
	assert_int_equal(share_of_bad(WELL), 5);
	wait_in_vain(FIRST);
	wait_in_vain(SECOND);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_SUSPECT);
	health_lonely(BAD);
	wait_in_vain(FIRST);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_EJECTED);
}

/* Kernels before 6.5, or told so, double the time between repeats from the first one on. */
static void test_it_is_passed_over_from_one_repeat_to_the_next(void **state)
{
	struct gw_suspect suspect;
	unsigned int times;
	uint64_t next_ms;
	int fd;

	(void)state;
	lose_bad(FIRST);
	lab_run("file=/proc/sys/net/ipv4/tcp_syn_linear_timeouts; "
		"! [ -e $file ] || echo 0 >$file");
	fd = begin_at_bad(FIRST);
	/* After 0.2, 0.6 and 1.4 s; the next one comes after 3 s, if none came meanwhile. */
	clients_await_repeat(fd, 3);
	do {
		times = repeats(fd);
		suspect = suspects_of(BAD);
	} while (repeats(fd) != times);
	next_ms = 200u << times;
	assert_in_range((suspect.until_ns - suspect.changed_ns) / 1000000, next_ms, 2 * next_ms);
	close(fd);
}

#define MANY 50

static void begin_many_at_bad(int client, int fds[MANY])
{
	clients_be(client);
	for (int i = 0; i < MANY; i++)
		fds[i] = lab_begin_dial(VIP);
}

static void test_many_attempts_that_fail_together_are_one_failure(void **state)
{
	int firsts[MANY], seconds[MANY];

	(void)state;
	lose_known_bad();
	lab_serve_by(VIP, BAD);
	begin_many_at_bad(FIRST, firsts);
	begin_many_at_bad(SECOND, seconds);
	for (int i = 0; i < MANY; i++) {
		expire(firsts[i]);
		expire(seconds[i]);
	}
	for (int i = 0; i < MANY; i++) {
		expect_timeout(firsts[i]);
		expect_timeout(seconds[i]);
	}
	counts_expect(BAD, 0, .attempts = 2 + 2 * MANY, .established = 2, .closed = 2,
		      .timed_out = 2 * MANY);
	assert_int_equal(suspects_of(BAD).failures, 1);
	assert_int_equal(health_of(BAD).ejections, 1);
	assert_int_equal(health_ejected_ms(BAD), lab.settings.eject_base_ms);
}

/* Although the second one repeats its SYN once more after the first one has failed. */
static void test_so_are_two_whose_suspicion_ends_in_between(void **state)
{
	bool is_together;
	int tries = 0;

	(void)state;
	lab.settings.connect_timeout_ms = CONNECT_MS;
	lab.settings.eject_base_ms = lab.settings.eject_max_ms = 100;
	lose_bad(FIRST);
	lab_serve_by(VIP, BAD);
	do {
		int first, second;

		assert_in_range(++tries, 1, TRIES);
		lab_forgive();
		first = lab_begin_dial(VIP);
		clients_await_repeat(first, 1);
		second = lab_begin_dial(VIP);
		/* On a busy machine the first one may be over by now. */
		is_together = !is_over(first);
		expect_timeout(first);
		expect_timeout(second);
	} while (!is_together);
	assert_int_equal(suspects_of(BAD).failures, 1);
}

static void test_a_late_timeout_does_not_condemn_a_peer_that_came_back_before(void **state)
{
	int late;

	(void)state;
	reach_bad(SECOND);
	reach_bad(THIRD);
	lose_bad(FIRST);
	late = begin_at_bad(FIRST);
	/* Where nobody listens. */
	lab_serve_by(VIP, BAD);
	clients_be(SECOND);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	clients_be(THIRD);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_EJECTED);
	health_expire(BAD);
	clients_be(WELL);
	assert_int_equal(clients_touch(VIP), 0);
	assert_false(health_of(BAD).is_ejected);
	lab_forgive();
	expire(late);
	expect_timeout(late);
	/* It does not count as the first of two either. */
	clients_be(SECOND);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	assert_false(health_of(BAD).is_ejected);
	assert_int_equal(health_of(BAD).ejections, 1);
}

/* Far from the end of the time that a connect has: it begins with the first repeat, before which the
 * backend must have left. */
static void test_an_attempt_at_a_backend_that_left_ends_at_once(void **state)
{
	bool is_repeated;
	int tries = 0;

	(void)state;
	lab.settings.connect_timeout_ms = 60 * LAB_PATIENCE_MS;
	lose_bad(FIRST);
	do {
		int fd = begin_at_bad(FIRST);

		assert_in_range(++tries, 1, TRIES);
		lab_serve_by(VIP, GOOD);
		is_repeated = repeats(fd) != 0;
		if (!is_repeated)
			expect_timeout(fd);
		else
			close(fd);
	} while (is_repeated);
}

static int begin(void **state)
{
	lab_forgive();
	lab_begin(state);
	lab.settings = (struct settings){
		.eject_base_ms = 60000,
		.eject_max_ms = 300000,
		.keep_percent = 50,
	};
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = clients_make();
		clients_be(clients[i]);
		good[i] = lab_listen(GOOD);
	}
	bad = lab_listen(BAD);
	serve();
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLIENTS; i++) {
		close(good[i]);
		close(clients[i]);
	}
	close(bad);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_the_first_syn_is_repeated_soon),
		LAB_TEST(test_an_attempt_ends_in_time),
		LAB_TEST(test_an_attempt_at_a_backend_that_left_ends_at_once),
		LAB_TEST(test_two_that_wait_in_vain_take_it_from_nobody_who_reaches_it),
		LAB_TEST(test_two_that_wait_in_vain_take_it_from_all_if_nobody_reaches_it),
		LAB_TEST(test_it_stays_while_somebody_has_reached_it_lately),
		LAB_TEST(test_it_is_passed_over_from_one_repeat_to_the_next),
		LAB_TEST(test_many_attempts_that_fail_together_are_one_failure),
		LAB_TEST(test_so_are_two_whose_suspicion_ends_in_between),
		LAB_TEST(test_a_late_timeout_does_not_condemn_a_peer_that_came_back_before),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
