// SPDX-License-Identifier: Apache-2.0
/* How even backends are called. */
#include "model/evenness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOST 4

struct backend {
	uint32_t connections;
	uint32_t weight;
};

static struct evenness sum_up(const struct backend backends[MOST])
{
	struct evenness evenness = {0};

	for (size_t i = 0; i < MOST; i++)
		evenness_add(&evenness, backends[i].connections, backends[i].weight);
	return evenness;
}

static void test_the_ratio_is_that_of_the_fullest_to_the_mean(void **state)
{
	static const struct {
		struct backend backends[MOST];
		double ratio;
		bool is_even;
	} cases[] = {
		{{{0, 0}}, 0, true},
		{{{0, 1}, {0, 1}}, 0, true},
		{{{5, 1}}, 1, true},
		{{{6, 1}, {6, 1}, {6, 1}}, 1, true},
		{{{2, 1}, {1, 1}}, 4.0 / 3, true},
		{{{1, 1}, {0, 1}}, 2, true},
		{{{2, 1}, {0, 1}}, 2, true}, /* one above its share */
		{{{3, 1}, {0, 1}}, 2, false},
		{{{6, 1}, {6, 1}, {0, 1}}, 1.5, false},
		{{{6, 1}, {6, 1}, {9, 0}}, 1, true}, /* weight 0 is no share */
		{{{9, 3}, {3, 1}}, 1, true},
		{{{3, 3}, {9, 1}}, 3, false},
		{{{300000, 100}, {1000, 1}}, 101000.0 / 301000 * 3, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct evenness evenness = sum_up(cases[i].backends);
		double ratio = evenness_ratio(&evenness);

		if (ratio < cases[i].ratio - 0.001 || ratio > cases[i].ratio + 0.001)
			fail_msg("case %zu: ratio %f", i, ratio);
		if (evenness_is_even(&evenness) != cases[i].is_even)
			fail_msg("case %zu: even or not", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_ratio_is_that_of_the_fullest_to_the_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
