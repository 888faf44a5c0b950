// SPDX-License-Identifier: Apache-2.0
/* A client that has had trouble with a backend tries another one first; other clients do not. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/roads.h"
#include "kernel/suspects.h"

#define VIP "10.96.0.10:7051"
#define BAD "10.1.0.1:7051"
#define GOOD "10.1.0.2:7051"
#define FINE "10.1.0.3:7051"

static const char *const bad_and_good[] = {BAD, GOOD, NULL};
static const char *const all_bad[] = {"10.1.0.1:7051", "10.1.0.4:7051", "10.1.0.5:7051", NULL};

static int good, fine; /* listen for the whole group */

static uint64_t attempts(const char *backend)
{
	struct view *view = lab_view();
	uint64_t count = lab_backend(view, backend)->counters.attempts;

	view_close(view);
	return count;
}

/* Connect and break off; 0 or -errno. */
static int touch(void)
{
	int fd = lab_connect(VIP);

	if (fd < 0)
		return fd;
	lab_abort(fd);
	return 0;
}

static void touch_until_refused(void)
{
	for (int tries = 0; touch() != -ECONNREFUSED; tries++)
		assert_in_range(tries, 0, 99);
}

static void test_a_client_meets_a_failing_backend_once(void **state)
{
	static const char *const backends[] = {BAD, GOOD, FINE, NULL};
	static const enum gw_policy policies[] = {
		GW_POLICY_LC,  GW_POLICY_RR,  GW_POLICY_WRR, GW_POLICY_RANDOM,
		GW_POLICY_WLC, GW_POLICY_SED, GW_POLICY_NQ,  GW_POLICY_P2C,
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		lab_begin(state);
		lab_service("peers", VIP, policies[i], backends);
		touch_until_refused();
		for (int j = 0; j < 30; j++)
			assert_int_equal(touch(), 0);
		counts_expect(BAD, 0, .attempts = 1, .refused = 1);
	}
}

static void fail_by_silence(void)
{
	int fd = lab_begin_dial(VIP);
	int ms = 300;

	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	assert_int_equal(lab_dial_error(fd), ETIMEDOUT);
	close(fd);
}

static void fail_by_router(void)
{
	assert_int_equal(lab_connect(VIP), -EHOSTUNREACH);
}

static void test_every_kind_of_failure_counts(void **state)
{
	static const struct {
		const char *backend;
		void (*break_down)(void);
	} kinds[] = {
		{ROADS_HOLE, fail_by_silence},
		{ROADS_UNREACHABLE, fail_by_router},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *const both[] = {kinds[i].backend, GOOD, NULL};
		uint64_t before;

		lab_begin(state);
		lab_serve_by(VIP, kinds[i].backend);
		kinds[i].break_down();
		lab_service("peers", VIP, GW_POLICY_LC, both);
		before = attempts(kinds[i].backend);
		for (int j = 0; j < 10; j++)
			assert_int_equal(touch(), 0);
		assert_int_equal(attempts(kinds[i].backend), before);
		counts_expect(GOOD, 0, .attempts = 10, .established = 10, .closed = 10);
	}
}

static bool is_suspect(const char *backend)
{
	struct gw_suspect suspect;

	return suspects_find(backend, &suspect);
}

static bool has_become_suspect(void *backend)
{
	return is_suspect(*(const char *const *)backend);
}

static void await_suspicion(const char *backend)
{
	lab_wait(has_become_suspect, &backend, "suspicion");
}

/* Of one that is counted as timed out nothing is left for the next. */
static void dial_and_close(void)
{
	lab_forgive();
	close(lab_begin_dial(VIP));
}

static void test_a_connect_that_the_application_gave_up_says_nothing(void **state)
{
	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	counts_cancel(ROADS_HOLE, dial_and_close);
	assert_false(is_suspect(ROADS_HOLE));
}

static void test_a_repeated_syn_counts_until_it_is_answered(void **state)
{
	static const char *const both[] = {ROADS_FAR, GOOD, NULL};
	int server = roads_listen(ROADS_FAR), slow, quick[4];

	(void)state;
	lab_serve_by(VIP, ROADS_FAR);
	roads_break();
	slow = lab_begin_dial(VIP);
	await_suspicion(ROADS_FAR);
	/* Its load, which would keep lc away as well, must not be the reason: rr. */
	lab_service("peers", VIP, GW_POLICY_RR, both);
	for (int i = 0; i < 4; i++)
		quick[i] = lab_connect(VIP);
	assert_int_equal(attempts(ROADS_FAR), 1);
	roads_mend();
	assert_int_equal(lab_dial_error(slow), 0);
	assert_false(is_suspect(ROADS_FAR));
	for (int i = 0; i < 4; i++)
		lab_abort(quick[i]);
	lab_abort(slow);
	close(server);
}

static void test_if_all_are_suspect_all_are_used(void **state)
{
	static const enum gw_policy policies[] = {GW_POLICY_LC, GW_POLICY_RR};

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		lab_begin(state);
		lab_service("peers", VIP, policies[i], all_bad);
		for (int j = 0; j < 30; j++)
			assert_int_equal(touch(), -ECONNREFUSED);
		for (int j = 0; all_bad[j]; j++)
			counts_expect(all_bad[j], 0, .attempts = 10, .refused = 10);
	}
}

static void test_a_suspicion_ends_with_its_time(void **state)
{
	struct gw_suspect suspect;

	(void)state;
	lab_serve_by(VIP, BAD);
	touch();
	lab_service("peers", VIP, GW_POLICY_LC, bad_and_good);
	touch();
	assert_int_equal(attempts(BAD), 1);
	suspects_expire();
	touch_until_refused();
	assert_int_equal(attempts(BAD), 2);
	suspect = suspects_of(BAD);
	assert_int_equal(suspect.failures, 2);
}

static uint64_t seconds_of(const struct gw_suspect *suspect)
{
	return (suspect->until_ns - suspect->changed_ns) / 1000000000u;
}

static void test_the_time_doubles_with_each_failure_until_a_success(void **state)
{
	static const uint64_t seconds[] = {10, 20, 40, 80, 160, 300, 300};
	struct gw_suspect suspect;
	int server;

	(void)state;
	lab_serve_by(VIP, BAD);
	for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
		touch();
		suspect = suspects_of(BAD);
		assert_int_equal(suspect.kind, GW_SUSPICION_FAILED);
		assert_int_equal(suspect.failures, i + 1);
		assert_int_equal(seconds_of(&suspect), seconds[i]);
	}
	server = lab_listen(BAD);
	lab_abort(lab_connect(VIP));
	close(server);
	touch();
	suspect = suspects_of(BAD);
	assert_int_equal(seconds_of(&suspect), 10);
}

static void test_connects_that_fail_together_are_one_failure(void **state)
{
	int fds[5], ms = 300;

	(void)state;
	lab_serve_by(VIP, ROADS_HOLE);
	for (int i = 0; i < 5; i++)
		fds[i] = lab_begin_dial(VIP);
	for (int i = 0; i < 5; i++)
		setsockopt(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
	for (int i = 0; i < 5; i++) {
		assert_int_equal(lab_dial_error(fds[i]), ETIMEDOUT);
		close(fds[i]);
	}
	counts_expect(ROADS_HOLE, 0, .attempts = 5, .timed_out = 5);
	assert_int_equal(suspects_of(ROADS_HOLE).failures, 1);
}

static void test_the_view_shows_who_is_suspect(void **state)
{
	const struct view_backend *backend;
	struct view *view;

	(void)state;
	lab_serve_by(VIP, BAD);
	touch();
	touch();
	view = lab_view();
	backend = lab_backend(view, BAD);
	assert_int_equal(backend->state, VIEW_BACKEND_SUSPECT);
	assert_int_equal(backend->consecutive_failures, 2);
	view_close(view);
	suspects_expire();
	view = lab_view();
	assert_int_equal(lab_backend(view, BAD)->state, VIEW_BACKEND_USABLE);
	view_close(view);
}

static int start(void **state)
{
	roads_start(state);
	good = lab_listen(GOOD);
	fine = lab_listen(FINE);
	return 0;
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
		LAB_TEST(test_a_client_meets_a_failing_backend_once),
		LAB_TEST(test_every_kind_of_failure_counts),
		LAB_TEST(test_a_connect_that_the_application_gave_up_says_nothing),
		LAB_TEST(test_a_repeated_syn_counts_until_it_is_answered),
		LAB_TEST(test_if_all_are_suspect_all_are_used),
		LAB_TEST(test_a_suspicion_ends_with_its_time),
		LAB_TEST(test_the_time_doubles_with_each_failure_until_a_success),
		LAB_TEST(test_connects_that_fail_together_are_one_failure),
		LAB_TEST(test_the_view_shows_who_is_suspect),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, roads_stop);
}
