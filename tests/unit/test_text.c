// SPDX-License-Identifier: Apache-2.0
/* What a stranger wrote, as people may see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static const char *escaped(const char *text)
{
	static char buf[256];
	char *to = buf;

	while (*text)
		to = text_escape(to, &text);
	*to = '\0';
	return buf;
}

static void test_what_commands_a_terminal_is_made_visible(void **state)
{
	static const char *const cases[][2] = {
		{"plain \xc3\xa9 \xf0\x9f\x90\x9d", "plain \xc3\xa9 \xf0\x9f\x90\x9d"},
		{"\x1b[31m", "\\u001b[31m"},
		{"a\nb\tc\x7f", "a\\nb\\u0009c\\u007f"},
		{"\xc2\x9b"
		 "31m\xc2\x85",
		 "\\u009b31m\\u0085"},
		{"\xe2\x80\xae"
		 "abc\xe2\x81\xa6\xe2\x80\x8f",
		 "\\u202eabc\\u2066\\u200f"},
		{"\xd8\x9c\xe2\x80\x8b\xef\xbb\xbf", "\\u061c\\u200b\\ufeff"},
		{"\xff\xc2", "\\ufffd\\ufffd"},
		{"\"\\", "\"\\"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(escaped(cases[i][0]), cases[i][1]);
}

static void test_a_character_has_its_length(void **state)
{
	size_t length;

	(void)state;
	assert_true(text_is_shown("a", &length));
	assert_int_equal(length, 1);
	assert_true(text_is_shown("\xe2\x82\xac", &length));
	assert_int_equal(length, 3);
	assert_false(text_is_shown("\xe2\x80\xae", &length));
	assert_int_equal(length, 3);
	assert_false(text_is_shown("\xe2\x82", &length));
	assert_int_equal(length, 1);
}

static void test_an_excerpt_ends_between_two_characters(void **state)
{
	char text[2 * TEXT_EXCERPT_MAX + 2] = "x", buf[TEXT_EXCERPT_MAX];

	(void)state;
	assert_string_equal(text_excerpt("short", buf), "short");
	for (size_t i = 0; i < TEXT_EXCERPT_MAX; i++)
		strcat(text, "\xc3\xa9");
	text_excerpt(text, buf);
	assert_int_equal(strlen(buf), TEXT_EXCERPT_MAX - 2);
	assert_string_equal(buf + strlen(buf) - 5, "\xc3\xa9...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_commands_a_terminal_is_made_visible),
		cmocka_unit_test(test_a_character_has_its_length),
		cmocka_unit_test(test_an_excerpt_ends_between_two_characters),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
