// SPDX-License-Identifier: Apache-2.0
/* When each of many things was last seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "model/latest.h"

#define MOVED 4096
#define CONNECTIONS 10000

static struct latest_key key(uint64_t a, uint64_t b)
{
	return (struct latest_key){a, b};
}

static void test_nothing_is_known_of_what_was_never_seen(void **state)
{
	struct latest latest = {.seed = 1};

	(void)state;
	assert_int_equal(latest_of(&latest, key(1, 2)), 0);
	assert_int_equal(latest_note(&latest, key(1, 2), 5), 0);
	assert_int_equal(latest_of(&latest, key(1, 2)), 5);
	assert_int_equal(latest_of(&latest, key(2, 1)), 0);
	assert_int_equal(latest_of(&latest, key(1, 3)), 0);
	latest_done(&latest);
	assert_int_equal(latest_of(&latest, key(1, 2)), 0);
}

static void test_the_latest_time_stays(void **state)
{
	struct latest latest = {0};

	(void)state;
	assert_int_equal(latest_note(&latest, key(1, 2), 5), 0);
	assert_int_equal(latest_note(&latest, key(1, 2), 9), 0);
	assert_int_equal(latest_note(&latest, key(1, 2), 7), 0);
	assert_int_equal(latest_of(&latest, key(1, 2)), 9);
	latest_done(&latest);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* As a round of moves looks up each connection among those that it moved. */
static void test_ten_thousand_are_looked_up_among_four_thousand(void **state)
{
	struct latest latest = {.seed = 0x5eed};
	double begin_ms = now_ms();
	uint64_t found = 0;

	(void)state;
	for (uint64_t i = 0; i < MOVED; i++)
		assert_int_equal(latest_note(&latest, key(i * 3, i << 32), i + 1), 0);
	for (uint64_t i = 0; i < CONNECTIONS; i++) {
		uint64_t time = latest_of(&latest, key(i, i / 3 << 32));

		assert_int_equal(time, i % 3 || i / 3 >= MOVED ? 0 : i / 3 + 1);
		found += time != 0;
	}
	print_message("# %d noted, %d looked up, %llu found: %.2f ms\n", MOVED, CONNECTIONS,
		      (unsigned long long)found, now_ms() - begin_ms);
	assert_int_equal(found, (CONNECTIONS + 2) / 3);
	assert_int_equal(latest.count, MOVED);
	latest_done(&latest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_is_known_of_what_was_never_seen),
		cmocka_unit_test(test_the_latest_time_stays),
		cmocka_unit_test(test_ten_thousand_are_looked_up_among_four_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
