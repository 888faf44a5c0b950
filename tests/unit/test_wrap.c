// SPDX-License-Identifier: Apache-2.0
/* Text that is broken between words, and cannot command a terminal. */
#include "cli/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const char *text, const char *wrapped)
{
	size_t size;
	char *buf;
	FILE *to = open_memstream(&buf, &size);

	wrap_text(to, text, &(struct wrap){.column = 2, .indent = 2, .width = 10});
	fclose(to);
	assert_string_equal(buf, wrapped);
	free(buf);
}

static void test_lines_are_broken_between_words(void **state)
{
	(void)state;
	expect("one two", "one two\n");
	expect("one two three four", "one two\n  three\n  four\n");
	expect("one incomprehensible two", "one\n  incomprehensible\n  two\n");
	expect("", "\n");
}

static void test_control_characters_are_shown(void **state)
{
	(void)state;
	expect("\x1b[2J", "\\u001b[2J\n");
	expect("a\nb", "a\\nb\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines_are_broken_between_words),
		cmocka_unit_test(test_control_characters_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
