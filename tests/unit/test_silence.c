// SPDX-License-Identifier: Apache-2.0
/* What two looks at a connection say of how long its application waits for an answer, and for how
 * long that is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/silence.h"

#define MINUTE_MS 60000ull

/* Two looks: when data was sent and received last, then and now, and in how many segments since. */
static uint32_t between(uint64_t sent, uint64_t received, uint64_t sent_now, uint64_t received_now,
			uint32_t segments_sent, uint32_t segments_received)
{
	const struct glance before = {1, sent, received, UINT32_MAX, 7};
	const struct glance now = {1, sent_now, received_now, UINT32_MAX + segments_sent,
				   7 + segments_received};

	return silence_between(&before, &now);
}

static void test_an_answer_after_a_wait_is_a_silence(void **state)
{
	(void)state;
	/* Asked at 10 s, answered at 12 s; it was looked at in between. */
	assert_int_equal(between(10000, 9000, 10000, 12000, 0, 1), 2000);
	/* It asked again as soon as it was answered. */
	assert_int_equal(between(10000, 9000, 12040, 12000, 1, 1), 2000);
	/* It was answered, and by now once more. */
	assert_int_equal(between(10000, 9000, 12040, 12400, 1, 2), 2040);
	/* A stream whose client says nothing. */
	assert_int_equal(between(1000, 5000, 1000, 9000, 0, 1), 4000);
}

static void test_nothing_received_is_no_silence_yet(void **state)
{
	(void)state;
	assert_int_equal(between(10000, 9000, 10000, 9000, 0, 0), 0);
	assert_int_equal(between(10000, 9000, 10000, 9008, 0, 0), 0); /* by another tick */
	assert_int_equal(between(10000, 9000, 15000, 9000, 1, 0), 0);
}

static void test_a_rest_before_the_next_question_is_no_silence(void **state)
{
	(void)state;
	assert_int_equal(between(10000, 10050, 60000, 60050, 1, 1), 0);
	/* What it had sent last was no question: a window update, say. */
	assert_int_equal(between(10060, 10050, 60000, 60050, 1, 1), 0);
	assert_int_equal(between(10060, 10050, 60060, 60050, 2, 1), 0);
}

static void test_nothing_is_said_in_the_first_ten_minutes(void **state)
{
	struct silence silence = {0};

	(void)state;
	assert_int_equal(silence_quiet_ms(&silence, 1000), 0);
	silence_note(&silence, 5000, 2000);
	assert_int_equal(silence_quiet_ms(&silence, 5000 + 10 * MINUTE_MS - 1), 0);
	assert_int_equal(silence_quiet_ms(&silence, 5000 + 10 * MINUTE_MS), 3000);
}

static void test_it_stays_between_one_and_thirty_seconds(void **state)
{
	struct silence silence = {0};

	(void)state;
	silence_note(&silence, 1, 0);
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
	assert_int_equal(silence_quiet_ms(&silence, 600 * MINUTE_MS), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_after_a_wait_is_a_silence),
		cmocka_unit_test(test_nothing_received_is_no_silence_yet),
		cmocka_unit_test(test_a_rest_before_the_next_question_is_no_silence),
		cmocka_unit_test(test_nothing_is_said_in_the_first_ten_minutes),
		cmocka_unit_test(test_it_stays_between_one_and_thirty_seconds),
		cmocka_unit_test(test_after_an_hour_it_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
