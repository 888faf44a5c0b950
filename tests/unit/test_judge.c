// SPDX-License-Identifier: Apache-2.0
/* What the soak promises of connects that fail; else it would prove nothing. */
#include "soak/judge.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#define BASE_MS 2000
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static uint64_t ms(uint64_t count)
{
	return count * 1000000;
}

/* Times are in ms. */
static struct crowd_failed failed(int client, int peer, uint64_t start, uint64_t end)
{
	return (struct crowd_failed){
		.client = client,
		.peer = peer,
		.end = CROWD_REFUSED,
		.start_ns = ms(start),
		.sent_ns = ms(start),
		.end_ns = ms(end),
	};
}

static struct judge_loss loss(int peer, int client, uint64_t began, uint64_t ended)
{
	return (struct judge_loss){peer, client, ms(began), ms(ended)};
}

static void test_each_client_meets_a_loss_once(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 5000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 1101), failed(1, 1, 4000, 4001)};
	struct judge_verdict verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_FIRST], 2);
	assert_int_equal(verdict.meetings, TOWN_CLIENTS);
	assert_int_equal(verdict.counted[1], 2);
	assert_int_equal(verdict.ejections[1], 0);
}

static void test_what_is_under_way_counts_apart(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 5000)};
	/* Not in the order of their ends. */
	struct crowd_failed all[] = {failed(0, 1, 1050, 2050), failed(0, 1, 1000, 2000)};
	struct judge_verdict verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_FIRST], 1);
	assert_int_equal(verdict.kinds[JUDGE_TOGETHER], 1);
	assert_int_equal(all[0].judged, JUDGE_FIRST);
	assert_int_equal(verdict.counted[1], 1);
}

static void test_again_within_the_base_time_is_too_early(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 9000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 1101), failed(0, 1, 3099, 3100),
				     failed(0, 1, 5100, 5101)};
	struct judge_verdict verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_EARLY], 1);
	assert_int_equal(verdict.kinds[JUDGE_AGAIN], 1);
}

/* Its client lost the processor in connect(2). */
static void test_when_it_was_sent_decides_what_is_too_early(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 9000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 1101), failed(0, 1, 3099, 3102)};
	struct judge_verdict verdict;

	(void)state;
	all[1].sent_ns = ms(3101);
	verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);
	assert_int_equal(verdict.kinds[JUDGE_AGAIN], 1);
}

static void test_after_two_clients_a_lease_is_needed(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 9000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 1101), failed(1, 1, 1200, 1201),
				     failed(2, 1, 3300, 3301)};
	struct judge_verdict verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_FIRST], 2);
	assert_int_equal(verdict.kinds[JUDGE_TRIAL], 1);
	assert_int_equal(verdict.ejections[1], 2);
}

/* Somebody may have reached it within the base time, or later than they began. */
static void test_silence_need_not_eject(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 9000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 2100), failed(1, 1, 1200, 2200),
				     failed(2, 1, 1300, 1301)};
	struct judge_verdict verdict;

	(void)state;
	all[0].end = all[1].end = CROWD_TIMED_OUT;
	verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);
	assert_int_equal(verdict.kinds[JUDGE_FIRST], 3);
	assert_int_equal(verdict.ejections[1], 0);
	/* They are in the order of their ends now. */
	all[1].end = CROWD_REFUSED;
	verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);
	assert_int_equal(verdict.ejections[1], 1);
}

/* It began as the peer was lost. */
static void test_what_another_may_have_contradicted_need_not_eject(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 9000)};
	struct crowd_failed all[] = {failed(0, 1, 1050, 1051), failed(1, 1, 1200, 1201)};
	struct judge_verdict verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.ejections[1], 0);
}

/* Its client passes the peer over once, and then comes back. */
static void test_what_was_never_sent_counts_apart(void **state)
{
	const struct judge_loss losses[] = {loss(1, 0, 1000, 9000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 1101), failed(0, 1, 1200, 1201)};
	struct judge_verdict verdict;

	(void)state;
	all[0].end = all[1].end = CROWD_NO_ROUTE;
	verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);
	assert_int_equal(verdict.kinds[JUDGE_UNSENT], 2);
	assert_int_equal(verdict.counted[1], 0);
	assert_int_equal(verdict.ejections[1], 0);
}

/* By trying alone one client must not keep a peer ejected. */
static void test_the_same_client_ejects_by_one_trial_alone(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 19000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 1101),   failed(1, 1, 1200, 1201),
				     failed(2, 1, 3300, 3301),   failed(2, 1, 7400, 7401),
				     failed(0, 1, 11500, 11501), failed(2, 1, 15600, 15601)};
	struct judge_verdict verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_TRIAL], 4);
	assert_int_equal(verdict.ejections[1], 4);
}

/* Their attempts of the second loss began before the ejection, which came of the first. */
static void test_two_losses_in_a_row_are_one_ejection(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 1900),
					    loss(1, JUDGE_ALL, 2000, 9000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 2110), failed(3, 1, 1200, 2210),
				     failed(2, 1, 2100, 3110), failed(1, 1, 2150, 3160)};
	struct judge_verdict verdict = judge(losses, 2, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_FIRST], 4);
	assert_int_equal(verdict.ejections[1], 1);
}

static void test_nothing_broken_explains_nothing(void **state)
{
	const struct judge_loss losses[] = {loss(1, 2, 1000, 5000)};
	struct crowd_failed all[] = {
		failed(2, 0, 2000, 2001), /* another peer */
		failed(0, 1, 2000, 2001), /* another client than the one that was cut off */
		failed(2, 1, 900, 999),   /* before */
		failed(2, 1, 5001, 5002), /* after */
		failed(2, 1, 4999, 6000), /* begun in time */
	};
	struct judge_verdict verdict = judge(losses, 1, all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_UNEXPLAINED], 4);
	assert_int_equal(verdict.kinds[JUDGE_FIRST], 1);
	assert_int_equal(verdict.meetings, 1);
}

static void test_each_loss_is_met_anew(void **state)
{
	const struct judge_loss losses[] = {loss(1, JUDGE_ALL, 1000, 2000),
					    loss(1, JUDGE_ALL, 2500, 3000)};
	struct crowd_failed all[] = {failed(0, 1, 1100, 1101), failed(0, 1, 2600, 2601)};
	struct judge_verdict verdict = judge(losses, LENGTH(losses), all, LENGTH(all), BASE_MS);

	(void)state;
	assert_int_equal(verdict.kinds[JUDGE_FIRST], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_client_meets_a_loss_once),
		cmocka_unit_test(test_what_is_under_way_counts_apart),
		cmocka_unit_test(test_again_within_the_base_time_is_too_early),
		cmocka_unit_test(test_when_it_was_sent_decides_what_is_too_early),
		cmocka_unit_test(test_after_two_clients_a_lease_is_needed),
		cmocka_unit_test(test_silence_need_not_eject),
		cmocka_unit_test(test_what_another_may_have_contradicted_need_not_eject),
		cmocka_unit_test(test_what_was_never_sent_counts_apart),
		cmocka_unit_test(test_the_same_client_ejects_by_one_trial_alone),
		cmocka_unit_test(test_two_losses_in_a_row_are_one_ejection),
		cmocka_unit_test(test_nothing_broken_explains_nothing),
		cmocka_unit_test(test_each_loss_is_met_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
