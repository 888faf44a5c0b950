// SPDX-License-Identifier: Apache-2.0
/* How many objects are refused now. */
#include "model/refused.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_what_is_mended_no_longer_counts(void **state)
{
	struct refused refused = {0};

	(void)state;
	refused_add(&refused, "a.yaml", "why");
	refused_add(&refused, "a.yaml", "why");
	refused_add(&refused, "b.yaml", "why");
	assert_int_equal(refused.count, 3);
	refused_mend(&refused, "a.yaml");
	assert_int_equal(refused.count, 1);
	refused_mend(&refused, "a.yaml");
	refused_mend(&refused, "never refused");
	assert_int_equal(refused.count, 1);
	refused_add(&refused, "a.yaml", "why");
	assert_int_equal(refused.count, 2);
	refused_done(&refused);
	assert_int_equal(refused.count, 0);
}

static void append(const char *origin, const char *text, void *arg)
{
	char *all = arg;
	size_t length = strlen(all);

	snprintf(all + length, 256 - length, "%s=%s ", origin, text);
}

static void test_each_is_told_with_its_reason(void **state)
{
	struct refused refused = {0};
	char all[256] = "";

	(void)state;
	refused_add(&refused, "b.yaml", "one");
	refused_add(&refused, "a.yaml", "two");
	refused_add(&refused, "b.yaml", "three");
	refused_visit_all(&refused, append, all);
	assert_string_equal(all, "a.yaml=two b.yaml=one b.yaml=three ");
	assert_true(refused_has(&refused, "b.yaml"));
	assert_true(refused_mend(&refused, "b.yaml"));
	assert_false(refused_mend(&refused, "b.yaml"));
	assert_false(refused_has(&refused, "b.yaml"));
	*all = '\0';
	refused_visit_all(&refused, append, all);
	assert_string_equal(all, "a.yaml=two ");
	for (int i = 0; i < 2 * REFUSED_TEXTS_MAX; i++)
		refused_add(&refused, "c.yaml", "x");
	assert_int_equal(refused.count, 1 + 2 * REFUSED_TEXTS_MAX);
	*all = '\0';
	refused_visit_all(&refused, append, all);
	assert_int_equal(strlen(all),
			 strlen("a.yaml=two ") + REFUSED_TEXTS_MAX * strlen("c.yaml=x "));
	refused_done(&refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_mended_no_longer_counts),
		cmocka_unit_test(test_each_is_told_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
