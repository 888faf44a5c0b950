// SPDX-License-Identifier: Apache-2.0
#include "model/check_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct gw_check check = {.fall = 3, .rise = 2};

/* A letter for each result: good or bad; what comes of each: nothing, Down, Up. */
static void expect(const char *results, const char *changes)
{
	struct check_state state = {0};

	for (size_t i = 0; results[i]; i++) {
		enum check_change change = check_judge(&check, results[i] == 'g', &state);

		if (change != (changes[i] == 'D'   ? CHECK_CHANGE_DOWN
			       : changes[i] == 'U' ? CHECK_CHANGE_UP
						   : CHECK_CHANGE_NONE))
			fail_msg("result %zu of %s", i, results);
	}
}

static void test_as_many_as_fall_in_a_row_make_it_down(void **state)
{
	(void)state;
	expect("gbbb", "...D");
	expect("bbgbbgbbb", "........D");
}

static void test_as_many_as_rise_in_a_row_bring_it_back(void **state)
{
	(void)state;
	expect("bbbgg", "..D.U");
	expect("bbbgbgbgg", "..D.....U");
	expect("bbbggbbb", "..D.U..D");
}

static void test_more_of_the_same_change_nothing(void **state)
{
	(void)state;
	expect("gggg", "....");
	expect("bbbbbb", "..D...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_as_fall_in_a_row_make_it_down),
		cmocka_unit_test(test_as_many_as_rise_in_a_row_bring_it_back),
		cmocka_unit_test(test_more_of_the_same_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
