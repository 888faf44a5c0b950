// SPDX-License-Identifier: Apache-2.0
/* How much of the limits one namespace may hold, whatever it asks for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kernel/shares.h"

#define LIMIT 16384

static struct shares shares;

static int start(void **state)
{
	(void)state;
	shares = (struct shares){.limit = {4096, LIMIT, 61440}};
	return 0;
}

static int stop(void **state)
{
	(void)state;
	shares_done(&shares);
	return 0;
}

/* As much as it is given, one by one; how much that is. */
static uint32_t take_all(struct share *share)
{
	while (shares_may_take(&shares, share, SHARE_BACKENDS, 1))
		shares_take(&shares, share, SHARE_BACKENDS, 1);
	return share->used[SHARE_BACKENDS];
}

static struct share *get(const char *namespace)
{
	struct share *share;

	assert_int_equal(shares_get(&shares, namespace, &share), 0);
	return share;
}

static void test_who_is_alone_has_three_quarters(void **state)
{
	(void)state;
	assert_int_equal(take_all(get("one")), LIMIT / 4 * 3);
}

static void test_who_comes_behind_a_greedy_one_has_three_quarters_of_the_rest(void **state)
{
	(void)state;
	take_all(get("greedy"));
	assert_int_equal(take_all(get("late")), LIMIT / 16 * 3);
}

static void test_who_was_there_first_can_be_replaced_whole(void **state)
{
	struct share *first = get("first"), *greedy = get("greedy");

	(void)state;
	shares_take(&shares, first, SHARE_BACKENDS, LIMIT / 8);
	take_all(greedy);
	/* Twice as many, while the old ones still have their ids. */
	assert_true(shares_may_take(&shares, first, SHARE_BACKENDS, LIMIT / 8));
}

static void test_the_first_few_are_had_as_long_as_there_are_any(void **state)
{
	char name[32];
	uint32_t sum = 0, count;

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "greedy-%d", i);
		count = take_all(get(name));
		assert_true(count >= SHARES_LEAST_BACKENDS || sum + count == LIMIT);
		sum += count;
	}
	assert_int_equal(sum, LIMIT);
	assert_int_equal(shares.used[SHARE_BACKENDS], LIMIT);
}

static void test_small_limits_are_not_shared(void **state)
{
	(void)state;
	shares.limit[SHARE_BACKENDS] = 4;
	assert_int_equal(take_all(get("one")), 4);
}

static void test_nothing_is_taken_from_who_has_more_by_now(void **state)
{
	struct share *one = get("one"), *two = get("two");

	(void)state;
	take_all(one);
	take_all(two);
	assert_true(one->used[SHARE_BACKENDS] > shares_most(&shares, one, SHARE_BACKENDS));
	assert_true(shares_may_take(&shares, one, SHARE_BACKENDS, 0));
	assert_false(shares_may_take(&shares, one, SHARE_BACKENDS, 1));
}

static void test_a_namespace_is_forgotten_with_its_last_holder(void **state)
{
	struct share *share = get("one");

	(void)state;
	assert_ptr_equal(get("one"), share);
	shares_put(&shares, share);
	assert_non_null(shares.tree);
	shares_put(&shares, share);
	assert_null(shares.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(test_who_is_alone_has_three_quarters),
		TEST(test_who_comes_behind_a_greedy_one_has_three_quarters_of_the_rest),
		TEST(test_who_was_there_first_can_be_replaced_whole),
		TEST(test_the_first_few_are_had_as_long_as_there_are_any),
		TEST(test_small_limits_are_not_shared),
		TEST(test_nothing_is_taken_from_who_has_more_by_now),
		TEST(test_a_namespace_is_forgotten_with_its_last_holder),
	};

	return cmocka_run_group_tests_name("shares", tests, NULL, NULL);
}
