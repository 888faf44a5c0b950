// SPDX-License-Identifier: Apache-2.0
/* What becomes of a delay in the histograms. */
#include "agent/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_a_delay_is_in_the_first_bucket_whose_bound_it_does_not_exceed(void **state)
{
	static const double bounds[] = STATS_PROGRAMMING_BOUNDS;
	struct stats stats = {0};
	double sum = 0;

	(void)state;
	for (size_t i = 0; i < STATS_PROGRAMMING_BUCKETS - 1; i++) {
		stats_add_programming(&stats, bounds[i]);
		stats_add_programming(&stats, bounds[i] + 0.5);
		sum += 2 * bounds[i] + 0.5;
	}
	assert_int_equal(stats.programming_buckets[0], 1);
	for (size_t i = 1; i < STATS_PROGRAMMING_BUCKETS - 1; i++)
		assert_int_equal(stats.programming_buckets[i], 2);
	assert_int_equal(stats.programming_buckets[STATS_PROGRAMMING_BUCKETS - 1], 1);
	assert_true(stats.programming_seconds == sum);
	assert_true(stats.apply_seconds == 0);
}

static void test_a_change_from_the_future_took_no_time(void **state)
{
	struct stats stats = {0};

	(void)state;
	stats_add_programming(&stats, -3600);
	assert_int_equal(stats.programming_buckets[0], 1);
	assert_true(stats.programming_seconds == 0);
}

static void test_writing_is_measured_apart(void **state)
{
	struct stats stats = {0};

	(void)state;
	stats_add_apply(&stats, 10e-6);
	stats_add_apply(&stats, 2);
	assert_int_equal(stats.apply_buckets[0], 1);
	assert_int_equal(stats.apply_buckets[STATS_APPLY_BUCKETS - 1], 1);
	assert_true(stats.apply_seconds == 10e-6 + 2);
	assert_true(stats.programming_seconds == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_delay_is_in_the_first_bucket_whose_bound_it_does_not_exceed),
		cmocka_unit_test(test_a_change_from_the_future_took_no_time),
		cmocka_unit_test(test_writing_is_measured_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
