// SPDX-License-Identifier: Apache-2.0
/* Whether the agent follows its source, and how often its log says that it does not. */
#include "agent/following.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECOND 1000000000ull

static void test_an_outage_is_logged_once_then_once_a_minute(void **state)
{
	struct following following = {0};

	(void)state;
	assert_false(following_failed(&following, "node 'n1'", SOURCE_ERROR_CONNECT, "a", SECOND));
	assert_true(following_failed(&following, "services", SOURCE_ERROR_CONNECT, "a", SECOND));
	assert_false(
		following_failed(&following, "endpointslices", SOURCE_ERROR_CONNECT, "b", SECOND));
	for (uint64_t t = 2; t < 61; t++)
		assert_false(following_failed(&following, "services", SOURCE_ERROR_TIMEOUT, "a",
					      t * SECOND));
	assert_true(
		following_failed(&following, "services", SOURCE_ERROR_CONNECT, "a", 61 * SECOND));
	assert_int_equal(following_state(&following), FOLLOWING_UNREACHABLE);
	assert_true(following_recovered(&following, "services"));
	assert_int_equal(following_state(&following), FOLLOWING_UNREACHABLE);
	assert_true(following_recovered(&following, "endpointslices"));
	assert_false(following_recovered(&following, "endpointslices"));
	assert_true(following_recovered(&following, "node 'n1'"));
	assert_int_equal(following_state(&following), FOLLOWING_ALL);
	/* The next outage is news. */
	assert_true(
		following_failed(&following, "services", SOURCE_ERROR_CONNECT, "a", 62 * SECOND));
	following_done(&following);
}

static void test_what_is_forbidden_is_not_followed(void **state)
{
	static const enum source_error forbidden[] = {
		SOURCE_ERROR_UNAUTHORIZED,
		SOURCE_ERROR_FORBIDDEN,
		SOURCE_ERROR_CONFIG,
	};
	struct following following = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
		assert_true(following_failed(&following, "services", forbidden[i], "no", SECOND));
		assert_false(following_failed(&following, "services", forbidden[i], "no", 2));
		assert_int_equal(following_state(&following), FOLLOWING_FORBIDDEN);
		assert_true(following_recovered(&following, "services"));
	}
	/* Without a right to the Node all but the zone is known. */
	assert_true(following_failed(&following, "node 'n1'", SOURCE_ERROR_FORBIDDEN, "no", 1));
	assert_int_equal(following_state(&following), FOLLOWING_ALL);
	/* What is worse counts. */
	following_failed(&following, "services", SOURCE_ERROR_FORBIDDEN, "no", 1);
	following_failed(&following, "endpointslices", SOURCE_ERROR_SERVER, "no", 1);
	assert_int_equal(following_state(&following), FOLLOWING_FORBIDDEN);
	following_done(&following);
	assert_int_equal(following_state(&following), FOLLOWING_ALL);
}

/* What it costs is that clients-except leaves nobody out. */
static void test_that_pods_may_not_be_read_stops_nothing(void **state)
{
	struct following following = {0};

	(void)state;
	assert_true(following_failed(&following, "pods of node 'n'", SOURCE_ERROR_FORBIDDEN, "no",
				     SECOND));
	assert_int_equal(following_state(&following), FOLLOWING_ALL);
	following_failed(&following, "services", SOURCE_ERROR_FORBIDDEN, "no", SECOND);
	assert_int_equal(following_state(&following), FOLLOWING_FORBIDDEN);
	following_done(&following);
}

static void append(const struct following_lag *lag, void *arg)
{
	char *all = arg;
	size_t length = strlen(all);

	snprintf(all + length, 256 - length, "%s:%s:%d:%d ", lag->origin, lag->message,
		 (int)lag->state, (int)(lag->since_ns / SECOND));
}

static void test_each_is_told_with_its_last_message_and_its_beginning(void **state)
{
	struct following following = {0};
	char all[256] = "";

	(void)state;
	following_failed(&following, "services", SOURCE_ERROR_CONNECT, "first", SECOND);
	following_failed(&following, "services", SOURCE_ERROR_TIMEOUT, "second", 2 * SECOND);
	following_visit_all(&following, append, all);
	assert_string_equal(all, "services:second:1:1 ");
	/* From here on it is something else. */
	following_failed(&following, "services", SOURCE_ERROR_FORBIDDEN, "third", 3 * SECOND);
	*all = '\0';
	following_visit_all(&following, append, all);
	assert_string_equal(all, "services:third:2:3 ");
	following_done(&following);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_outage_is_logged_once_then_once_a_minute),
		cmocka_unit_test(test_what_is_forbidden_is_not_followed),
		cmocka_unit_test(test_that_pods_may_not_be_read_stops_nothing),
		cmocka_unit_test(test_each_is_told_with_its_last_message_and_its_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
