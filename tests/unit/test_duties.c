// SPDX-License-Identifier: Apache-2.0
/* What the agent does at which tick: what comes every five minutes no other test waits for. */
#include "agent/duties.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HOUR 3600u

static unsigned int count(unsigned int duty)
{
	unsigned int count = 0;

	for (unsigned int tick = 1; tick <= HOUR; tick++)
		count += (duties_at(tick) & duty) != 0;
	return count;
}

static void test_counts_are_audited_every_five_minutes(void **state)
{
	(void)state;
	assert_int_equal(count(DUTY_AUDIT), 12);
	assert_false(duties_at(299) & DUTY_AUDIT);
	assert_true(duties_at(300) & DUTY_AUDIT);
	assert_false(duties_at(301) & DUTY_AUDIT);
}

/* Who reads that a hook is live believes it for 30 s. */
static void test_hooks_are_looked_at_every_ten_seconds(void **state)
{
	(void)state;
	assert_int_equal(count(DUTY_CHECK_HOOKS), 360);
	assert_true(duties_at(10) & DUTY_CHECK_HOOKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_are_audited_every_five_minutes),
		cmocka_unit_test(test_hooks_are_looked_at_every_ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
