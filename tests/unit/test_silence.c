// SPDX-License-Identifier: Apache-2.0
/* How the waits that were seen become the time for which a connection must be quiet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/silence.h"

#define MINUTE_MS 60000ull

/* Data that came at so many looks, one each second, up to that time. */
static void note_many(struct silence *silence, uint64_t until_ms, uint32_t looks)
{
	while (looks--)
		silence_note(silence, until_ms - looks * 1000ull, 0);
}

static void test_nothing_is_said_in_the_first_ten_minutes(void **state)
{
	struct silence silence = {0};

	(void)state;
	assert_int_equal(silence_quiet_ms(&silence, 1000), 0);
	silence_note(&silence, 5000, 2000);
	note_many(&silence, 9 * MINUTE_MS, SILENCE_LEARN_LOOKS);
	assert_int_equal(silence_quiet_ms(&silence, 5000 + 10 * MINUTE_MS - 1), 0);
	assert_int_equal(silence_quiet_ms(&silence, 5000 + 10 * MINUTE_MS), 3000);
}

/* That nobody waited means little where hardly anything was answered. */
static void test_nothing_is_said_of_a_few_answers(void **state)
{
	struct silence silence = {0};

	(void)state;
	silence_note(&silence, 1, 0);
	note_many(&silence, 19 * MINUTE_MS, SILENCE_LEARN_LOOKS - 2);
	assert_int_equal(silence_quiet_ms(&silence, 20 * MINUTE_MS), 0);
	silence_note(&silence, 20 * MINUTE_MS, 0);
	assert_int_equal(silence_quiet_ms(&silence, 20 * MINUTE_MS), 1000);
}

static void test_it_stays_between_one_and_thirty_seconds(void **state)
{
	struct silence silence = {0};

	(void)state;
	silence_note(&silence, 1, 0);
	note_many(&silence, 20 * MINUTE_MS, SILENCE_LEARN_LOOKS);
	assert_int_equal(silence_quiet_ms(&silence, 20 * MINUTE_MS), 1000);
	silence_note(&silence, 20 * MINUTE_MS, 700);
	assert_int_equal(silence_quiet_ms(&silence, 20 * MINUTE_MS), 1050);
	silence_note(&silence, 20 * MINUTE_MS, 25000);
	assert_int_equal(silence_quiet_ms(&silence, 20 * MINUTE_MS), 30000);
	silence_note(&silence, 20 * MINUTE_MS, UINT32_MAX);
	assert_int_equal(silence_quiet_ms(&silence, 20 * MINUTE_MS), 30000);
}

static void test_after_an_hour_it_is_forgotten(void **state)
{
	struct silence silence = {0};

	(void)state;
	silence_note(&silence, 1, 10000);
	silence_note(&silence, 30 * MINUTE_MS, 4000);
	assert_int_equal(silence_longest_ms(&silence, 59 * MINUTE_MS), 10000);
	assert_int_equal(silence_longest_ms(&silence, 66 * MINUTE_MS), 4000);
	assert_int_equal(silence_longest_ms(&silence, 96 * MINUTE_MS), 0);
}

/* Nobody can know how long the next wait is. */
static void test_after_an_hour_in_which_nothing_came_it_begins_anew(void **state)
{
	struct silence silence = {0};

	(void)state;
	note_many(&silence, 20 * MINUTE_MS, 2 * SILENCE_LEARN_LOOKS);
	silence_note(&silence, 20 * MINUTE_MS, 2000);
	assert_int_equal(silence_quiet_ms(&silence, 79 * MINUTE_MS), 3000);
	assert_int_equal(silence_quiet_ms(&silence, 81 * MINUTE_MS), 0);
	note_many(&silence, 100 * MINUTE_MS, SILENCE_LEARN_LOOKS);
	assert_int_equal(silence_quiet_ms(&silence, 108 * MINUTE_MS), 0);
	assert_int_equal(silence_quiet_ms(&silence, 110 * MINUTE_MS), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_said_in_the_first_ten_minutes),
		cmocka_unit_test(test_nothing_is_said_of_a_few_answers),
		cmocka_unit_test(test_it_stays_between_one_and_thirty_seconds),
		cmocka_unit_test(test_after_an_hour_it_is_forgotten),
		cmocka_unit_test(test_after_an_hour_in_which_nothing_came_it_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
