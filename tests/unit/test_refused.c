// SPDX-License-Identifier: Apache-2.0
/* How many objects are refused now. */
#include "agent/refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_what_is_mended_no_longer_counts(void **state)
{
	struct refused refused = {0};

	(void)state;
	refused_add(&refused, "a.yaml");
	refused_add(&refused, "a.yaml");
	refused_add(&refused, "b.yaml");
	assert_int_equal(refused.count, 3);
	refused_mend(&refused, "a.yaml");
	assert_int_equal(refused.count, 1);
	refused_mend(&refused, "a.yaml");
	refused_mend(&refused, "never refused");
	assert_int_equal(refused.count, 1);
	refused_add(&refused, "a.yaml");
	assert_int_equal(refused.count, 2);
	refused_done(&refused);
	assert_int_equal(refused.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_mended_no_longer_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
