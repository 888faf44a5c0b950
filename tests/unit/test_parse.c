// SPDX-License-Identifier: Apache-2.0
/* Numbers, durations and switches: the whole text or nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/parse.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNTOUCHED 4711u

struct number_case {
	const char *text;
	uint32_t min;
	uint32_t max;
	int err;
	uint32_t value;
};

static void test_a_number_is_read_whole_and_within_its_bounds(void **state)
{
	static const struct number_case cases[] = {
		{"0", 0, 10, 0, 0},
		{"10", 0, 10, 0, 10},
		{"0080", 1, 100, 0, 80},
		{"4294967295", 0, UINT32_MAX, 0, UINT32_MAX},
		{"11", 0, 10, -ERANGE, 0},
		{"4", 5, 10, -ERANGE, 0},
		{"4294967296", 0, UINT32_MAX, -ERANGE, 0},
		{"18446744073709551616", 0, UINT32_MAX, -ERANGE, 0},
		{"18446744073709551617", 0, UINT32_MAX, -ERANGE, 0},
		{"99999999999999999999999999999999999999999", 0, UINT32_MAX, -ERANGE, 0},
		{"", 0, 10, -EINVAL, 0},
		{" 1", 0, 10, -EINVAL, 0},
		{"1 ", 0, 10, -EINVAL, 0},
		{"+1", 0, 10, -EINVAL, 0},
		{"-1", 0, UINT32_MAX, -EINVAL, 0},
		{"-0", 0, 10, -EINVAL, 0},
		{"0x1", 0, 10, -EINVAL, 0},
		{"1e1", 0, 10, -EINVAL, 0},
		{"1.0", 0, 10, -EINVAL, 0},
		{"1\n", 0, 10, -EINVAL, 0},
		{"\xd9\xa1", 0, 10, -EINVAL, 0}, /* an Arabic one */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t value = UNTOUCHED;
		int err = parse_u32(cases[i].text, cases[i].min, cases[i].max, &value);

		if (err != cases[i].err || value != (err ? UNTOUCHED : cases[i].value))
			fail_msg("'%s': %d, %u", cases[i].text, err, value);
	}
}

struct duration_case {
	const char *text;
	int err;
	uint32_t ms;
};

static void test_a_duration_has_one_number_and_one_unit(void **state)
{
	static const struct duration_case cases[] = {
		{"250ms", 0, 250},
		{"10s", 0, 10000},
		{"5m", 0, 300000},
		{"1h", 0, 3600000},
		{"0", 0, 0},
		{"0s", 0, 0},
		{"0ms", 0, 0},
		{"24h", 0, 86400000},
		{"86400s", 0, 86400000},
		{"86400000ms", 0, 86400000},
		{"25h", -ERANGE, 0},
		{"86400001ms", -ERANGE, 0},
		{"86401s", -ERANGE, 0},
		{"1441m", -ERANGE, 0},
		{"1193047h", -ERANGE, 0}, /* 32 bits of milliseconds would wrap */
		{"99999999999999999999s", -ERANGE, 0},
		{"", -EINVAL, 0},
		{"10", -EINVAL, 0},
		{"00", -EINVAL, 0},
		{"s", -EINVAL, 0},
		{"10 s", -EINVAL, 0},
		{" 10s", -EINVAL, 0},
		{"10s ", -EINVAL, 0},
		{"10S", -EINVAL, 0},
		{"10d", -EINVAL, 0},
		{"10us", -EINVAL, 0},
		{"1.5s", -EINVAL, 0},
		{"-1s", -EINVAL, 0},
		{"+1s", -EINVAL, 0},
		{"1h30m", -EINVAL, 0},
		{"10sec", -EINVAL, 0},
		{"10mss", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint32_t ms = UNTOUCHED;
		int err = parse_duration_ms(cases[i].text, &ms);

		if (err != cases[i].err || ms != (err ? UNTOUCHED : cases[i].ms))
			fail_msg("'%s': %d, %u", cases[i].text, err, ms);
	}
}

static void test_a_switch_is_true_or_false_and_nothing_else(void **state)
{
	static const char *const refused[] = {"",  "True", "TRUE",  "yes",    "1",
					      "0", "on",   "true ", "falsey", "t"};
	bool value = false;

	(void)state;
	assert_true(parse_bool("true", &value));
	assert_true(value);
	assert_true(parse_bool("false", &value));
	assert_false(value);
	value = true;
	for (size_t i = 0; i < COUNT(refused); i++) {
		if (parse_bool(refused[i], &value) || !value)
			fail_msg("'%s' is taken", refused[i]);
	}
}

static void test_an_instant_is_in_utc_and_may_have_a_fraction(void **state)
{
	static const char *const wrong[] = {
		"",
		"2026-11-23",
		"2026-11-23T06:28:23",
		"2026-11-23T06:28:23+01:00",
		"2026-11-23T06:28:23.Z",
		"2026-11-23T06:28:23Z ",
		"2026-13-23T06:28:23Z",
	};
	double instant = 0;
	size_t i;

	(void)state;
	assert_int_equal(parse_instant("1970-01-02T00:00:01Z", &instant), 0);
	assert_true(instant == 86401);
	assert_int_equal(parse_instant("2026-11-23T06:28:23.5Z", &instant), 0);
	assert_true(instant == 1795415303.5);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse_instant(wrong[i], &instant), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_number_is_read_whole_and_within_its_bounds),
		cmocka_unit_test(test_a_duration_has_one_number_and_one_unit),
		cmocka_unit_test(test_a_switch_is_true_or_false_and_nothing_else),
		cmocka_unit_test(test_an_instant_is_in_utc_and_may_have_a_fraction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
