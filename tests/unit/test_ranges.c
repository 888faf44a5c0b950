// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/ranges.h"

#define LENGTH 4096

static void test_what_is_taken_is_not_given_again(void **state)
{
	struct ranges ranges;
	uint32_t a, b, c;

	(void)state;
	assert_return_code(ranges_init(&ranges, (struct range){0, 10}), 0);
	assert_return_code(ranges_take(&ranges, 4, &a), 0);
	assert_return_code(ranges_take(&ranges, 6, &b), 0);
	assert_true(a + 4 <= b || b + 6 <= a);
	assert_int_equal(ranges_take(&ranges, 1, &c), -ENOSPC);
	ranges_done(&ranges);
}

static void test_neighbours_become_one_again(void **state)
{
	struct ranges ranges;
	uint32_t base;

	(void)state;
	assert_return_code(ranges_init(&ranges, (struct range){0, 12}), 0);
	for (int i = 0; i < 3; i++)
		assert_return_code(ranges_take(&ranges, 4, &base), 0);
	assert_return_code(ranges_release(&ranges, &(struct range){0, 4}), 0);
	assert_return_code(ranges_release(&ranges, &(struct range){8, 4}), 0);
	assert_return_code(ranges_release(&ranges, &(struct range){4, 4}), 0);
	assert_return_code(ranges_take(&ranges, 12, &base), 0);
	assert_int_equal(base, 0);
	ranges_done(&ranges);
}

static void test_a_range_is_reserved_only_where_all_of_it_is_free(void **state)
{
	struct ranges ranges;
	uint32_t base;

	(void)state;
	assert_return_code(ranges_init(&ranges, (struct range){0, 12}), 0);
	assert_return_code(ranges_reserve(&ranges, &(struct range){4, 4}), 0);
	assert_int_equal(ranges_reserve(&ranges, &(struct range){7, 2}), -EBUSY);
	assert_int_equal(ranges_reserve(&ranges, &(struct range){3, 2}), -EBUSY);
	assert_int_equal(ranges_reserve(&ranges, &(struct range){8, 5}), -EBUSY);
	assert_return_code(ranges_reserve(&ranges, &(struct range){8, 4}), 0);
	assert_return_code(ranges_take(&ranges, 4, &base), 0);
	assert_int_equal(base, 0);
	ranges_done(&ranges);
}

/* Against a plain array of who holds what. */
static void test_random_use_never_overlaps_and_loses_nothing(void **state)
{
	static unsigned char taken[LENGTH];
	struct range held[256] = {0};
	struct ranges ranges;
	uint32_t base;

	(void)state;
	srand(7);
	assert_return_code(ranges_init(&ranges, (struct range){0, LENGTH}), 0);
	for (int step = 0; step < 20000; step++) {
		struct range *range = &held[rand() % 256];
		uint32_t length = (uint32_t)(1 + rand() % 60);

		if (range->length) {
			memset(taken + range->base, 0, range->length);
			assert_return_code(ranges_release(&ranges, range), 0);
			range->length = 0;
		} else if (!ranges_take(&ranges, length, &base)) {
			assert_true(base + length <= LENGTH);
			assert_null(memchr(taken + base, 1, length));
			memset(taken + base, 1, length);
			*range = (struct range){base, length};
		}
	}
	for (int i = 0; i < 256; i++)
		if (held[i].length)
			assert_return_code(ranges_release(&ranges, &held[i]), 0);
	assert_return_code(ranges_take(&ranges, LENGTH, &base), 0);
	ranges_done(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_taken_is_not_given_again),
		cmocka_unit_test(test_neighbours_become_one_again),
		cmocka_unit_test(test_a_range_is_reserved_only_where_all_of_it_is_free),
		cmocka_unit_test(test_random_use_never_overlaps_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
