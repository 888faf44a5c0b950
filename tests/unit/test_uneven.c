// SPDX-License-Identifier: Apache-2.0
/* Which Services are told of as uneven, and since when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/uneven.h"

static void count_one(const struct uneven *uneven, void *arg)
{
	size_t *count = arg;

	(void)uneven;
	++*count;
}

static size_t told_at(const struct uneven_list *list, uint64_t now_ms)
{
	size_t count = 0;

	uneven_visit(list, now_ms, count_one, &count);
	return count;
}

static void replace(struct uneven_list *list, const struct uneven *now, size_t count,
		    uint64_t now_ms)
{
	assert_int_equal(uneven_replace(list, now, count, now_ms), 0);
}

static void test_it_is_told_after_a_minute(void **state)
{
	/* The order is not that of the indices. */
	const struct uneven both[] = {{.service = 7, .port = 1}, {.service = 3, .port = 1}};
	struct uneven_list list = {0};

	(void)state;
	assert_int_equal(told_at(&list, UNEVEN_TELL_MS), 0);
	replace(&list, &both[1], 1, 1000);
	replace(&list, both, 2, 2000);
	replace(&list, both, 2, 3000);
	assert_int_equal(told_at(&list, 999 + UNEVEN_TELL_MS), 0);
	assert_int_equal(told_at(&list, 1000 + UNEVEN_TELL_MS), 1);
	assert_int_equal(told_at(&list, 2000 + UNEVEN_TELL_MS), 2);
	uneven_done(&list);
	assert_int_equal(told_at(&list, 2000 + UNEVEN_TELL_MS), 0);
}

static void test_what_was_even_meanwhile_begins_anew(void **state)
{
	const struct uneven one = {.service = 3, .port = 1};
	struct uneven_list list = {0};

	(void)state;
	replace(&list, &one, 1, 1000);
	replace(&list, NULL, 0, 2000);
	replace(&list, &one, 1, 3000);
	assert_int_equal(told_at(&list, 2999 + UNEVEN_TELL_MS), 0);
	assert_int_equal(told_at(&list, 3000 + UNEVEN_TELL_MS), 1);
	uneven_done(&list);
}

static void test_an_index_that_is_given_out_again_begins_anew(void **state)
{
	const struct uneven before = {.service = 3, .vip = {{1}}, .port = 1};
	const struct uneven other_port = {.service = 3, .vip = {{1}}, .port = 2};
	const struct uneven other_vip = {.service = 3, .vip = {{2}}, .port = 2};
	struct uneven_list list = {0};

	(void)state;
	replace(&list, &before, 1, 1000);
	replace(&list, &other_port, 1, 2000);
	assert_int_equal(told_at(&list, 1999 + UNEVEN_TELL_MS), 0);
	replace(&list, &other_vip, 1, 3000);
	assert_int_equal(told_at(&list, 2999 + UNEVEN_TELL_MS), 0);
	assert_int_equal(told_at(&list, 3000 + UNEVEN_TELL_MS), 1);
	uneven_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_told_after_a_minute),
		cmocka_unit_test(test_what_was_even_meanwhile_begins_anew),
		cmocka_unit_test(test_an_index_that_is_given_out_again_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
