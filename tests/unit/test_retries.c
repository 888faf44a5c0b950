// SPDX-License-Identifier: Apache-2.0
/* What is tried again, when, and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/retries.h"

static struct retries retries;
static char ran[4096]; /* names, each behind a blank */
static size_t budget;
static bool forgets;

static int start(void **state)
{
	(void)state;
	budget = SIZE_MAX;
	forgets = false;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	retries_done(&retries);
	return 0;
}

static bool may_go_on(void *arg)
{
	(void)arg;
	return budget && budget--;
}

static void run(const char *name, void *arg)
{
	size_t length = strlen(ran);

	snprintf(ran + length, sizeof(ran) - length, " %s", name);
	if (forgets)
		retries_forget(&retries, name);
	else if (arg)
		retries_delay(&retries, name, *(uint64_t *)arg);
	else
		retries_wait(&retries, name);
}

static const char *run_at(uint64_t releases, uint64_t now_ms, bool is_delayed)
{
	ran[0] = '\0';
	retries_run(&retries, &(struct retries_run){
				      .releases = releases,
				      .now_ms = now_ms,
				      .run = run,
				      .may_go_on = may_go_on,
				      .arg = is_delayed ? &now_ms : NULL,
			      });
	return ran;
}

static void test_what_waits_is_tried_once_for_each_release(void **state)
{
	(void)state;
	retries_wait(&retries, "a/1");
	retries_wait(&retries, "a/1");
	retries_wait(&retries, "a/2");
	assert_int_equal(retries.count, 2);
	assert_string_equal(run_at(0, 0, false), "");
	assert_string_equal(run_at(3, 0, false), " a/1 a/2");
	assert_string_equal(run_at(3, 1000000, false), "");
	assert_string_equal(run_at(4, 0, false), " a/1 a/2");
}

static void test_groups_take_turns(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many/%d", i);
		retries_wait(&retries, name);
	}
	retries_wait(&retries, "few/1");
	retries_wait(&retries, "one/1");
	budget = 4;
	assert_string_equal(run_at(1, 0, false), " many/0 few/1 one/1 many/1");
}

static void test_what_a_round_leaves_comes_first_in_the_next_call(void **state)
{
	(void)state;
	retries_wait(&retries, "a/1");
	retries_wait(&retries, "a/2");
	retries_wait(&retries, "a/3");
	budget = 2;
	assert_string_equal(run_at(1, 0, false), " a/1 a/2");
	budget = SIZE_MAX;
	assert_string_equal(run_at(1, 0, false), " a/3");
	assert_string_equal(run_at(1, 0, false), "");
}

static void test_a_failure_is_tried_again_after_twice_as_long(void **state)
{
	uint64_t now = 5000, delay = RETRIES_FIRST_MS;

	(void)state;
	retries_delay(&retries, "a/1", now);
	for (int i = 0; i < 10; i++) {
		assert_string_equal(run_at(0, now + delay - 1, true), "");
		now += delay;
		assert_string_equal(run_at(0, now, true), " a/1");
		delay = 2 * delay < RETRIES_LONGEST_MS ? 2 * delay : RETRIES_LONGEST_MS;
	}
}

/* Of thousands that wait or failed, a second in which nothing is due looks at none. */
static void test_while_nothing_is_due_none_is_looked_at(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 6000; i++) {
		snprintf(name, sizeof(name), "a/%d", i);
		if (i % 2)
			retries_wait(&retries, name);
		else
			retries_delay(&retries, name, 1000);
	}
	budget = 100;
	assert_string_equal(run_at(0, 1000 + RETRIES_FIRST_MS - 1, true), "");
	assert_int_equal(budget, 100);
}

static void test_what_is_due_first_is_tried_first(void **state)
{
	(void)state;
	retries_delay(&retries, "a/slow", 1000);
	assert_string_equal(run_at(0, 2000, true), " a/slow"); /* again at 4000 */
	retries_delay(&retries, "a/new", 2500);
	assert_string_equal(run_at(0, 3499, true), "");
	assert_string_equal(run_at(0, 3500, true), " a/new"); /* again at 5500 */
	retries_delay(&retries, "a/late", 4600);
	budget = 2;
	assert_string_equal(run_at(0, 6000, true), " a/slow a/new");
	budget = SIZE_MAX;
	assert_string_equal(run_at(0, 6000, true), " a/late");
}

static void test_what_is_forgotten_is_not_tried_also_while_it_runs(void **state)
{
	(void)state;
	retries_wait(&retries, "a/1");
	retries_wait(&retries, "b/1");
	retries_delay(&retries, "a/2", 0);
	retries_forget(&retries, "b/1");
	assert_false(retries_has(&retries, "b/1"));
	forgets = true;
	assert_string_equal(run_at(1, 100000, false), " a/2 a/1");
	assert_int_equal(retries.count, 0);
	assert_string_equal(run_at(2, 200000, false), "");
}

static void test_a_failure_that_becomes_a_refusal_waits(void **state)
{
	(void)state;
	retries_delay(&retries, "a/1", 0);
	assert_string_equal(run_at(0, 1000, false), " a/1");
	assert_string_equal(run_at(0, 1000000, false), "");
	assert_string_equal(run_at(1, 1000000, false), " a/1");
	retries_delay(&retries, "a/1", 0);
	assert_string_equal(run_at(1, RETRIES_FIRST_MS, false), " a/1");
	assert_int_equal(retries.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(test_what_waits_is_tried_once_for_each_release),
		TEST(test_groups_take_turns),
		TEST(test_what_a_round_leaves_comes_first_in_the_next_call),
		TEST(test_a_failure_is_tried_again_after_twice_as_long),
		TEST(test_while_nothing_is_due_none_is_looked_at),
		TEST(test_what_is_due_first_is_tried_first),
		TEST(test_what_is_forgotten_is_not_tried_also_while_it_runs),
		TEST(test_a_failure_that_becomes_a_refusal_waits),
	};

	return cmocka_run_group_tests_name("retries", tests, NULL, NULL);
}
