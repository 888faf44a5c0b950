// SPDX-License-Identifier: Apache-2.0
/* Lines come out as printf() writes them, and in their order, however many and long they are. */
#include "agent/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/buffer.h>

static struct lines lines;
static struct evbuffer *buffer;

static void expect(const char *text)
{
	size_t length = strlen(text);

	assert_int_equal(lines_flush(&lines), 0);
	assert_int_equal(evbuffer_get_length(buffer), length);
	assert_memory_equal(evbuffer_pullup(buffer, -1), text, length);
	evbuffer_drain(buffer, length);
}

static void test_numbers(void **state)
{
	static const uint64_t numbers[] = {0, 1, 9, 10, 1234567890, UINT64_MAX};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		lines_add_number(&lines, numbers[i]);
		snprintf(text, sizeof(text), "%llu", (unsigned long long)numbers[i]);
		expect(text);
	}
}

static void test_seconds(void **state)
{
	(void)state;
	lines_add_seconds(&lines, 0);
	expect("0.000000000");
	lines_add_seconds(&lines, 1002000003);
	expect("1.002000003");
	lines_add_seconds(&lines, UINT64_MAX);
	expect("18446744073.709551615");
}

static void test_more_than_there_is_room_for(void **state)
{
	static char long_one[3 * LINES_ROOM + 1], all[sizeof(long_one) + 2 * LINES_ROOM];

	(void)state;
	for (size_t i = 0; i < LINES_ROOM / 10 + 1; i++) {
		lines_add_text(&lines, "name{} 12\n");
		strcat(all, "name{} 12\n");
	}
	memset(long_one, 'x', sizeof(long_one) - 1);
	lines_add_text(&lines, long_one);
	strcat(all, long_one);
	lines_add(&lines, "end...", 3);
	strcat(all, "end");
	expect(all);
}

static int begin(void **state)
{
	(void)state;
	buffer = evbuffer_new();
	lines_init(&lines, buffer);
	return !buffer;
}

static int end(void **state)
{
	(void)state;
	evbuffer_free(buffer);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, begin, end),
		cmocka_unit_test_setup_teardown(test_seconds, begin, end),
		cmocka_unit_test_setup_teardown(test_more_than_there_is_room_for, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
