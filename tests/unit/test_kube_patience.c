// SPDX-License-Identifier: Apache-2.0
/* How long a watch lasts, and when the failures before it no longer count. */
#include "unit/watched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/util.h>

/* In place of libevent's: what chance is, for once, is known. */
static uint32_t chance;

void evutil_secure_rng_get_bytes(void *bytes, size_t size)
{
	assert_int_equal(size, sizeof(chance));
	memcpy(bytes, &chance, size);
}

static unsigned int last_delay_tenths(const struct told *told)
{
	const char *found = told->text;

	for (const char *at = told->text; (at = strstr(at, "next attempt in ")); at++)
		found = at + strlen("next attempt in ");
	return (unsigned int)atoi(found) * 10 + (unsigned int)atoi(strchr(found, '.') + 1);
}

/* Four failures, then a list and a watch: the next delay is half a second to one, if they count. */
static void start_after_failures(struct told *told, uint32_t answer_ms)
{
	struct kube_timing timing = fast;

	timing.backoff_ms = 100;
	timing.backoff_max_ms = 1000;
	timing.answer_ms = answer_ms;
	for (int i = 0; i < 4; i++)
		answer(told, LIST, "500 Internal Server Error", "", FAKE_WHOLE);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	told->timing = timing;
	start_timed(told, &slices, &told->timing);
	await(told, "recovered\n");
}

static void test_a_list_alone_does_not_make_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told, fast.answer_ms);
	told->timing.backoff_max_ms = 80000; /* it has not lasted, on any machine */
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	assert_in_range(last_delay_tenths(told), 5, 10);
}

static void test_a_watch_that_lasted_and_told_something_makes_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told, fast.answer_ms);
	await_time(told, 150);
	send_text(told, EVENT("MODIFIED", "a", "130"));
	await(told, "put fabric/a 130\n");
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	assert_in_range(last_delay_tenths(told), 0, 1);
}

static void test_a_watch_that_broke_soon_after_its_news_does_not_make_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told, fast.answer_ms);
	told->timing.backoff_ms = 10000; /* soon, on every machine */
	told->timing.backoff_max_ms = 80000;
	send_text(told, EVENT("MODIFIED", "a", "130"));
	await(told, "put fabric/a 130\n");
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	assert_int_equal(last_delay_tenths(told), 400);
}

static void test_a_watch_that_lasted_long_makes_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told, 3000);
	await_time(told, 3100); /* longer than the time for an answer, which it has had */
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	assert_in_range(last_delay_tenths(told), 0, 1);
}

static void test_a_watch_that_the_server_ended_in_time_makes_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told, fast.answer_ms);
	await_time(told, 150);
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_ENDED);
	answer(told, WATCH, NULL, NULL, FAKE_CUT);
	await(told, "failed connect");
	assert_in_range(last_delay_tenths(told), 0, 1);
}

static void test_a_watch_that_the_server_forgets_to_end_is_ended(void **state)
{
	struct told *told = *state;

	told->timing = fast;
	told->timing.watch_s = 1;
	told->timing.grace_ms = 0;
	start_timed(told, &slices, &told->timing);
	answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
	answer(told, "timeoutSeconds=1&", NULL, NULL, FAKE_OPEN);
	await(told, "failed timeout: cannot watch endpointslices: Operation timed out");
}

static void await_watch(struct told *told, const char *path)
{
	answer(told, WATCH, NULL, EVENT("MODIFIED", "a", "130"), FAKE_ENDED);
	await_requests(told, path, 1);
}

static void test_how_long_a_watch_lasts_is_half_a_matter_of_chance(void **state)
{
	struct told *told = *state;

	told->timing.watch_s = 240;
	start(told, &slices);
	answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
	await_requests(told, "timeoutSeconds=240&", 1);
	chance = 120;
	await_watch(told, "timeoutSeconds=360&");
}

/* A tenth of a second is what messages are exact to. */
static void test_each_failure_doubles_the_delay_up_to_the_limit(void **state)
{
	struct told *told = *state;

	told->timing.backoff_ms = 200;
	told->timing.backoff_max_ms = 800;
	start(told, &slices);
	for (unsigned int i = 0; i < 4; i++) {
		answer(told, LIST, "500 Internal Server Error", "", FAKE_WHOLE);
		await_times(told, "failed server", i + 1);
		assert_int_equal(last_delay_tenths(told), i < 3 ? 1 << i : 4);
	}
	chance = 400; /* the other half of the delay */
	answer(told, LIST, "500 Internal Server Error", "", FAKE_WHOLE);
	await_times(told, "failed server", 5);
	assert_int_equal(last_delay_tenths(told), 8);
}

/* The first delay is 50 ms, half of what it may be; its doubling ends only for a server that cannot
 * be reached. */
static void start_limited(struct told *told, uint32_t unreachable_max_ms)
{
	told->timing.backoff_ms = 100;
	told->timing.backoff_max_ms = 80000;
	told->timing.unreachable_max_ms = unreachable_max_ms;
	start(told, &slices);
}

static void test_a_server_that_cannot_be_reached_has_a_limit_of_its_own(void **state)
{
	struct told *told = *state;

	start_limited(told, 200);
	for (unsigned int i = 0; i < 4; i++) {
		answer(told, LIST, NULL, NULL, FAKE_NOTHING);
		await_times(told, "failed connect", i + 1);
		assert_int_equal(last_delay_tenths(told), i ? 1 : 0);
	}
}

/* What a server refuses when it is back it refuses for the first time; and each of the two goes on
 * where it was. */
static void test_an_absence_is_no_failure(void **state)
{
	static const unsigned int after_failure[] = {0, 1, 2, 4};
	/* On a connection of its own: of one that is used again, curl would try a second. */
	const struct fake_answer failure = {
		.path = LIST,
		.status = "503 Service Unavailable",
		.header = "Connection: close\r\n",
		.body = "",
	};
	struct told *told = *state;

	start_limited(told, 400);
	for (unsigned int i = 0; i < 4; i++) {
		answer(told, LIST, NULL, NULL, FAKE_NOTHING);
		await_times(told, "failed connect", 2 * i + 1);
		assert_int_equal(last_delay_tenths(told), 0);
		answer(told, LIST, NULL, NULL, FAKE_NOTHING);
		await_times(told, "failed connect", 2 * i + 2);
		assert_int_equal(last_delay_tenths(told), 1);
		fake_api_answer(told->api, &failure);
		await_times(told, "failed server", i + 1);
		assert_int_equal(last_delay_tenths(told), after_failure[i]);
	}
}

/* One that answers, and then hangs up, is overworked rather than absent. */
static void test_a_server_that_hangs_up_amid_its_answer_is_there(void **state)
{
	struct told *told = *state;

	start_limited(told, 100);
	for (unsigned int i = 0; i < 4; i++) {
		answer(told, LIST, NULL, "", FAKE_CUT);
		await_times(told, "failed connect", i + 1);
	}
	assert_int_equal(last_delay_tenths(told), 4);
}

static void test_a_server_that_says_nothing_is_one_that_cannot_be_reached(void **state)
{
	struct told *told = *state;

	told->timing.answer_ms = 50;
	start_limited(told, 200);
	await_times(told, "failed timeout", 4);
	assert_int_equal(last_delay_tenths(told), 1);
}

static void test_by_default_a_minute_without_news_is_no_riddle(void **state)
{
	const struct kube_timing *timing = &kube_timing_default;

	(void)state;
	assert_int_equal(timing->backoff_max_ms, 30000);
	assert_in_range(timing->unreachable_max_ms, 1, 10000); /* news after an outage */
	assert_in_range(timing->watch_s, 120, 600);
	assert_in_range(timing->silence_ms, 1, 60000);
	assert_in_range(timing->silence_ms + timing->question_ms, 1, 60000);
}

static int forget_chance(void **state)
{
	chance = 0;
	return set_up(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget_chance, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_list_alone_does_not_make_failures_history),
		TEST(test_a_watch_that_lasted_and_told_something_makes_failures_history),
		TEST(test_a_watch_that_broke_soon_after_its_news_does_not_make_failures_history),
		TEST(test_a_watch_that_lasted_long_makes_failures_history),
		TEST(test_a_watch_that_the_server_ended_in_time_makes_failures_history),
		TEST(test_a_watch_that_the_server_forgets_to_end_is_ended),
		TEST(test_how_long_a_watch_lasts_is_half_a_matter_of_chance),
		TEST(test_each_failure_doubles_the_delay_up_to_the_limit),
		TEST(test_a_server_that_cannot_be_reached_has_a_limit_of_its_own),
		TEST(test_an_absence_is_no_failure),
		TEST(test_a_server_that_hangs_up_amid_its_answer_is_there),
		TEST(test_a_server_that_says_nothing_is_one_that_cannot_be_reached),
		TEST(test_by_default_a_minute_without_news_is_no_riddle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
