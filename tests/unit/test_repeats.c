// SPDX-License-Identifier: Apache-2.0
/* What is told again and again takes a line a minute. */
#include "agent/repeats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct repeats repeats;

static int set_up(void **state)
{
	(void)state;
	repeats_init(&repeats);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repeats_done(&repeats);
	return 0;
}

static void add_line(size_t count, const char *text, void *arg)
{
	char *lines = arg;

	sprintf(lines + strlen(lines), "%zu %s\n", count, text);
}

static const char *summed_up(uint64_t now_ms)
{
	static char lines[4096];

	lines[0] = '\0';
	repeats_sum_up(&repeats, now_ms, add_line, lines);
	return lines;
}

static void test_the_first_time_is_logged_and_the_others_are_counted(void **state)
{
	(void)state;
	assert_true(repeats_tell(&repeats, "a", "bad 1", 1000));
	assert_true(repeats_tell(&repeats, "a", "bad 2", 1000)); /* of the same object */
	repeats_end(&repeats, "a");
	for (int i = 0; i < 1000; i++) {
		assert_false(repeats_tell(&repeats, "a", "bad 3", 2000));
		repeats_end(&repeats, "a");
	}
	assert_true(repeats_tell(&repeats, "b", "worse", 3000));
	assert_string_equal(summed_up(60999), "");
	assert_string_equal(summed_up(61000), "1000 bad 3\n");
	/* A minute more: what goes on is a line again, what was told once is forgotten. */
	assert_false(repeats_tell(&repeats, "a", "bad 4", 61500));
	assert_string_equal(summed_up(120999), "");
	assert_string_equal(summed_up(121000), "1 bad 4\n");
	assert_true(repeats_tell(&repeats, "b", "worse", 121000));
	assert_string_equal(summed_up(181000), "");
	assert_true(repeats_tell(&repeats, "a", "bad 5", 181000));
}

static void test_what_has_no_end_is_cut_off(void **state)
{
	size_t logged = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		logged += repeats_tell(&repeats, "a", "no room", 0);
	assert_int_equal(logged, REPEATS_LINES_MAX);
	assert_string_equal(summed_up(60000), "979 no room\n");
}

static void test_one_of_a_group_is_logged_once_and_all_are_cut_off(void **state)
{
	size_t logged = 0;
	char key[32];

	(void)state;
	assert_true(repeats_tell_of(&repeats, "tenant", "peer", "down", 0));
	assert_false(repeats_tell_of(&repeats, "tenant", "peer", "down", 500));
	assert_true(repeats_tell_of(&repeats, "other", "other peer", "down", 500));
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "peer %d", i);
		logged += repeats_tell_of(&repeats, "tenant", key, key, 1000);
	}
	assert_int_equal(logged, REPEATS_LINES_MAX - 1);
	assert_string_equal(summed_up(60000), "981 peer 999\n");
	/* A minute later it is news again. */
	assert_string_equal(summed_up(60500), "");
	assert_true(repeats_tell_of(&repeats, "other", "other peer", "down", 60500));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_first_time_is_logged_and_the_others_are_counted),
		TEST(test_what_has_no_end_is_cut_off),
		TEST(test_one_of_a_group_is_logged_once_and_all_are_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
