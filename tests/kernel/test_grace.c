// SPDX-License-Identifier: Apache-2.0
/* Nothing is used again before every program that may still read it has ended; and nothing else
 * waits for one. */
#include "kernel/lab.h"

#include <stdlib.h>

#include "kernel/long_program.h"
#include "kernel/compact.h"
#include "kernel/registry.h"

#define VIP "10.96.0.1:80"
#define TRIES 50

static const char *const one[] = {"10.1.0.1:7051", NULL};
static const char *const two[] = {"10.1.0.1:7051", "10.1.0.2:7051", NULL};

static int start(void **state)
{
	lab.max_services = 4;
	lab.max_backends = 16;
	long_program_open();
	return lab_start(state);
}

static int stop(void **state)
{
	long_program_close();
	return lab_stop(state);
}

/*
 * Do it while a program runs. Returns whether the program still ran behind it. Where there is one
 * CPU alone, or both are busy, it may have ended before: then it is run again.
 */
static bool is_overtaken(void (*prepare)(void), void (*deed)(void))
{
	for (int i = 0; i < TRIES; i++) {
		bool ran_before, runs_behind;

		prepare();
		long_program_begin();
		ran_before = long_program_runs();
		deed();
		runs_behind = long_program_runs();
		long_program_await();
		if (ran_before)
			return runs_behind;
	}
	skip();
	return false;
}

static void prepare_nothing(void)
{
}

static void wait_for_grace(void)
{
	assert_int_equal(tables_grace(lab.tables), 0);
}

static void test_a_grace_waits_for_a_running_program(void **state)
{
	(void)state;
	assert_false(is_overtaken(prepare_nothing, wait_for_grace));
}

static void retire_range(void)
{
	lab_service("peers", VIP, GW_POLICY_LC, one);
	lab_service("peers", VIP, GW_POLICY_LC, two);
}

static void collect(void)
{
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	assert_int_equal(lab.tables->retiring_count, 0);
}

static void test_a_range_is_free_only_after_a_grace(void **state)
{
	(void)state;
	assert_false(is_overtaken(retire_range, collect));
}

static void fill_up(void)
{
	uint32_t base;

	retire_range();
	while (!ranges_take(&lab.tables->ranges, 1, &base))
		;
}

static void put_one(void)
{
	lab_service("peers", VIP, GW_POLICY_LC, one);
	assert_string_equal(lab.refusal, "");
}

static void test_a_set_that_needs_a_retired_range_waits(void **state)
{
	(void)state;
	assert_false(is_overtaken(fill_up, put_one));
}

static void compact(void)
{
	assert_int_equal(tables_compact(lab.tables), 0);
}

static void test_the_half_that_was_left_is_used_only_after_a_grace(void **state)
{
	(void)state;
	assert_false(is_overtaken(retire_range, compact));
}

static void remove_one(void)
{
	lab_service("peers", VIP, GW_POLICY_LC, one);
	lab_remove_service("peers");
}

static void put_another(void)
{
	lab_service("others", "10.96.0.2:80", GW_POLICY_LC, two);
}

static void collect_and_remove_one(void)
{
	lab_remove_service("others");
	remove_one();
}

static void test_an_address_that_follows_a_deleted_one_waits(void **state)
{
	(void)state;
	assert_false(is_overtaken(collect_and_remove_one, put_another));
}

static void adopt(void)
{
	tables_close(lab.tables);
	assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
}

static void test_a_new_agent_uses_nothing_before_a_grace(void **state)
{
	(void)state;
	assert_false(is_overtaken(retire_range, adopt));
}

static void test_changing_a_set_waits_for_nothing(void **state)
{
	int overtaken = 0;

	(void)state;
	for (int i = 0; i < TRIES && !overtaken; i++)
		overtaken = is_overtaken(retire_range, put_one);
	assert_true(overtaken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		LAB_TEST(test_a_grace_waits_for_a_running_program),
		LAB_TEST(test_a_range_is_free_only_after_a_grace),
		LAB_TEST(test_a_set_that_needs_a_retired_range_waits),
		LAB_TEST(test_the_half_that_was_left_is_used_only_after_a_grace),
		LAB_TEST(test_an_address_that_follows_a_deleted_one_waits),
		LAB_TEST(test_a_new_agent_uses_nothing_before_a_grace),
		LAB_TEST(test_changing_a_set_waits_for_nothing),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
