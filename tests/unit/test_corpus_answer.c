// SPDX-License-Identifier: Apache-2.0
/* The corpus of tests/fuzz/fuzz_answer.c under the sanitizers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuzz/replay.h"

static void test_nothing_in_the_corpus_does_harm(void **state)
{
	(void)state;
	assert_true(replay("tests/fuzz/corpus/answer") >= 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_in_the_corpus_does_harm),
	};

	return cmocka_run_group_tests_name("corpus_answer", tests, NULL, NULL);
}
