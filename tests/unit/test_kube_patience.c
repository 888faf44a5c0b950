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

static unsigned int last_delay_tenths(const struct told *told)
{
	const char *found = told->text;

	for (const char *at = told->text; (at = strstr(at, "next attempt in ")); at++)
		found = at + strlen("next attempt in ");
	return (unsigned int)atoi(found) * 10 + (unsigned int)atoi(strchr(found, '.') + 1);
}

/* Four failures, then a list and a watch: the next delay is half a second to one, if they count. */
static void start_after_failures(struct told *told)
{
	struct kube_timing timing = fast;

	timing.backoff_ms = 100;
	timing.backoff_max_ms = 1000;
	timing.answer_ms = 700;
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

	start_after_failures(told);
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	assert_in_range(last_delay_tenths(told), 5, 10);
}

static void test_a_watch_that_lasted_and_told_something_makes_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told);
	await_time(told, 150);
	send_text(told, EVENT("MODIFIED", "a", "130"));
	await(told, "put fabric/a 130\n");
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	assert_in_range(last_delay_tenths(told), 0, 1);
}

static void test_a_watch_that_lasted_long_makes_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told);
	await_time(told, 1050); /* longer than the time for an answer, which it has had */
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	assert_in_range(last_delay_tenths(told), 0, 1);
}

static void test_a_watch_that_the_server_ended_in_time_makes_failures_history(void **state)
{
	struct told *told = *state;

	start_after_failures(told);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_list_alone_does_not_make_failures_history),
		TEST(test_a_watch_that_lasted_and_told_something_makes_failures_history),
		TEST(test_a_watch_that_lasted_long_makes_failures_history),
		TEST(test_a_watch_that_the_server_ended_in_time_makes_failures_history),
		TEST(test_a_watch_that_the_server_forgets_to_end_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
