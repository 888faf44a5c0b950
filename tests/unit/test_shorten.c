// SPDX-License-Identifier: Apache-2.0
/* Names that have no room: what is left of them, and which columns become narrower. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/shorten.h"

static void expect(const char *text, size_t width, const char *wanted)
{
	char buf[128];
	const char *shorter = shorten_middle(text, width, buf);

	assert_string_equal(shorter, wanted);
	assert_true(shorten_width(shorter) <= width);
}

static void test_the_middle_is_left_out(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C"));
	expect("org1-peer0-6d4f9c8b7-x2x9z", 26, "org1-peer0-6d4f9c8b7-x2x9z");
	expect("org1-peer0-6d4f9c8b7-x2x9z", 16, "org1-pe..7-x2x9z");
	expect("abcdef", 5, "ab..f");
	expect("", 3, "");
}

static void test_a_character_stays_whole(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	assert_true(shorten_is_utf8());
	assert_int_equal(shorten_width("p\xc3\xa4\xc3\xa4r"), 4);
	assert_int_equal(shorten_width("\xe6\xbc\xa2\xe5\xad\x97"), 4); /* two wide ones */
	expect("org1-peer0-6d4f9c8b7-x2x9z", 16,
	       "org1-pee\xe2\x80\xa6"
	       "7-x2x9z");
	expect("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 3, "\xc3\xa4\xe2\x80\xa6\xc3\xa4");
	/* Half of a wide one is not shown. */
	expect("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97", 4, "\xe6\xbc\xa2\xe2\x80\xa6");
	/* Cut by whoever wrote it. */
	expect("\xc3", 1, "\xc3");
	assert_non_null(setlocale(LC_CTYPE, "C"));
	assert_int_equal(shorten_width("p\xc3\xa4\xc3\xa4r"), 4);
	expect("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 4, "\xc3\xa4..\xc3\xa4");
}

static void test_the_column_with_the_most_to_spare_gives_first(void **state)
{
	const size_t least[] = {6, 16, 8};
	size_t widths[] = {6, 40, 30};

	(void)state;
	shorten_fit(widths, least, 3, 80);
	assert_int_equal(widths[1], 40);
	shorten_fit(widths, least, 3, 50);
	assert_int_equal(widths[0], 6);
	assert_int_equal(widths[1], 26);
	assert_int_equal(widths[2], 18);
	/* Nothing becomes narrower than it may. */
	shorten_fit(widths, least, 3, 10);
	assert_int_equal(widths[0], 6);
	assert_int_equal(widths[1], 16);
	assert_int_equal(widths[2], 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_middle_is_left_out),
		cmocka_unit_test(test_a_character_stays_whole),
		cmocka_unit_test(test_the_column_with_the_most_to_spare_gives_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
