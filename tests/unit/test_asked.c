// SPDX-License-Identifier: Apache-2.0
/* How many looks at backends may be under way for one namespace, whatever it asks for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/asked.h"

#define MOST 256

/* As many as it is given; how many those are. */
static uint32_t begin_all(struct asked *asked, uint16_t place)
{
	uint32_t count = 0;

	for (; asked_may(asked, place); count++)
		asked_begin(asked, place);
	return count;
}

static void test_whoever_is_alone_gets_half(void **state)
{
	struct asked asked = {.most = MOST, .pace = MOST};

	(void)state;
	assert_int_equal(begin_all(&asked, asked_place("hostile")), MOST / 2);
}

static void test_others_get_half_of_what_is_left(void **state)
{
	struct asked asked = {.most = MOST, .pace = MOST};

	(void)state;
	begin_all(&asked, asked_place("hostile"));
	assert_int_equal(begin_all(&asked, asked_place("other")), MOST / 4);
	/* Each that ends is another one's to take. */
	asked_end(&asked, asked_place("hostile"));
	assert_true(asked_may(&asked, asked_place("third")));
	assert_false(asked_may(&asked, asked_place("hostile")));
}

static void test_many_namespaces_use_all_of_them(void **state)
{
	struct asked asked = {.most = MOST, .pace = MOST};

	(void)state;
	for (uint16_t i = 0; i < ASKED_PLACES; i++)
		begin_all(&asked, i);
	assert_int_equal(asked.count, MOST);
	asked_clear(&asked);
	assert_int_equal(asked.count, 0);
	assert_int_equal(begin_all(&asked, 0), MOST / 2);
}

static void test_no_more_begin_in_a_turn_than_the_pace_allows(void **state)
{
	struct asked asked = {.most = MOST, .pace = 10};
	uint16_t place = asked_place("hostile");

	(void)state;
	assert_int_equal(begin_all(&asked, place), 10);
	/* However fast they end. */
	asked_end(&asked, place);
	assert_false(asked_may(&asked, place));
	assert_int_equal(begin_all(&asked, asked_place("other")), 10);
	asked_turn(&asked);
	assert_int_equal(begin_all(&asked, place), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whoever_is_alone_gets_half),
		cmocka_unit_test(test_others_get_half_of_what_is_left),
		cmocka_unit_test(test_many_namespaces_use_all_of_them),
		cmocka_unit_test(test_no_more_begin_in_a_turn_than_the_pace_allows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
