// SPDX-License-Identifier: Apache-2.0
/* What `gwbpf top` makes of two pictures of the maps. */
#include "cli/top_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/view.h"

#define SECOND_NS 1000000000ull

static struct view_backend backends[3];
static const struct view_backend *all[] = {&backends[0], &backends[1], &backends[2]};
static struct top_rows rows;

static int set_up(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 3; i++)
		backends[i] = (struct view_backend){
			.id = 7 * i,
			.generation = 100 + i,
			.namespace = "fabric",
			.service = "gateway",
			.pod = i == 0   ? "c"
			       : i == 1 ? "a"
					: "b",
		};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	top_rows_done(&rows);
	return 0;
}

static void take(uint64_t seconds)
{
	assert_int_equal(top_rows_take(&rows, all, 3, seconds * SECOND_NS), 0);
}

static void connect_so_often(uint64_t first, uint64_t second, uint64_t third)
{
	backends[0].counters.attempts += first;
	backends[1].counters.attempts += second;
	backends[2].counters.attempts += third;
}

/* "a b c": the pods in their order. */
static const char *order(enum top_sort sort)
{
	static char text[16];

	top_rows_sort(&rows, sort);
	snprintf(text, sizeof(text), "%s %s %s", rows.rows[0].backend->pod,
		 rows.rows[1].backend->pod, rows.rows[2].backend->pod);
	return text;
}

static void test_rates_are_what_came_between_two_samples(void **state)
{
	(void)state;
	connect_so_often(1000, 1000, 1000); /* long ago */
	take(10);
	assert_true(rows.connects == 0);
	connect_so_often(10, 0, 4);
	backends[2].counters.refused += 1;
	backends[2].counters.timed_out += 1;
	take(12);
	assert_true(rows.rows[0].connects == 5);
	assert_true(rows.rows[2].connects == 2 && rows.rows[2].failures == 1);
	assert_true(rows.connects == 7 && rows.failures == 1);
	assert_true(rows.most == 5);
}

static void test_rows_are_sorted_the_most_first(void **state)
{
	(void)state;
	backends[2].active = 9;
	backends[0].active = 3;
	take(1);
	connect_so_often(1, 5, 0);
	backends[0].counters.refused += 1;
	take(2);
	assert_string_equal(order(TOP_BY_CONNECTS), "a c b");
	assert_string_equal(order(TOP_BY_ACTIVE), "b c a");
	assert_string_equal(order(TOP_BY_FAILURES), "c a b");
	assert_string_equal(order(TOP_BY_NAME), "a b c");
}

static void test_another_backend_with_the_same_id_begins_anew(void **state)
{
	(void)state;
	take(1);
	connect_so_often(50, 0, 0);
	take(2);
	assert_int_equal(rows.rows[0].history->count, 1);
	backends[0].generation++;
	backends[0].counters.attempts = 99;
	take(3);
	assert_true(rows.rows[0].connects == 0);
	assert_int_equal(rows.rows[0].history->count, 0);
}

static void test_a_minute_is_kept(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= TOP_HISTORY + 10; i++) {
		connect_so_often(i, 0, 0);
		take(i);
	}
	assert_int_equal(rows.rows[0].history->count, TOP_HISTORY);
	assert_true(rows.rows[0].history->rates[TOP_HISTORY - 1] == TOP_HISTORY + 10);
	assert_true(rows.rows[0].history->rates[0] == 11);
}

static void test_little_is_more_than_nothing(void **state)
{
	(void)state;
	assert_int_equal(top_level(0, 100), 0);
	assert_int_equal(top_level(0.1f, 100), 1);
	assert_int_equal(top_level(50, 100), 4);
	assert_int_equal(top_level(100, 100), 8);
	assert_int_equal(top_level(5, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rates_are_what_came_between_two_samples,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rows_are_sorted_the_most_first, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_another_backend_with_the_same_id_begins_anew,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_minute_is_kept, set_up, tear_down),
		cmocka_unit_test(test_little_is_more_than_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
