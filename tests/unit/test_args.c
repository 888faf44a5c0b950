// SPDX-License-Identifier: Apache-2.0
/* Options from the command line and the environment. Wrong usage, which ends the program, is
 * tested by tests/cli. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/args.h"

enum { KEY_DIR = 256, KEY_FORCE };

struct seen {
	char dir[16];
	char output[16];
	char arguments[32];
	bool force;
};

static const struct argp_option options[] = {
	{.name = "pin-dir", .key = KEY_DIR, .arg = "DIR"},
	{.name = "output", .key = 'o', .arg = "table|wide|json"},
	{.name = "force", .key = KEY_FORCE},
	{.doc = "A title", .group = 1},
	{0},
};

static int set(int key, const char *value, void *arg)
{
	struct seen *seen = arg;

	switch (key) {
	case KEY_DIR:
		strncat(seen->dir, value, sizeof(seen->dir) - strlen(seen->dir) - 1);
		break;
	case 'o':
		strncat(seen->output, value, sizeof(seen->output) - strlen(seen->output) - 1);
		break;
	case KEY_FORCE:
		assert_null(value);
		seen->force = true;
		break;
	case ARGS_ARGUMENT:
		strncat(seen->arguments, value,
			sizeof(seen->arguments) - strlen(seen->arguments) - 1);
		break;
	default:
		fail();
	}
	return 0;
}

static struct seen parse(int argc, const char *const *argv)
{
	struct seen seen = {0};
	const struct args args = {
		.name = "gwbpf test",
		.help = "test",
		.arguments = "[ONE] [TWO]",
		.arguments_max = 2,
		.options = options,
		.set = set,
		.arg = &seen,
	};
	char *copy[8] = {NULL};

	memcpy(copy, argv, (size_t)argc * sizeof(*argv));
	args_parse(&args, argc, copy);
	return seen;
}

static int clear_environment(void **state)
{
	(void)state;
	return unsetenv("GWBPF_PIN_DIR") || unsetenv("GWBPF_OUTPUT") || unsetenv("GWBPF_FORCE");
}

static void test_the_command_line_sets_options_and_arguments(void **state)
{
	const char *const argv[] = {"test", "one", "--pin-dir", "/a", "-ojson", "two", "--force"};
	struct seen seen = parse(7, argv);

	(void)state;
	assert_string_equal(seen.dir, "/a");
	assert_string_equal(seen.output, "json");
	assert_string_equal(seen.arguments, "onetwo");
	assert_true(seen.force);
}

static void test_the_environment_sets_what_the_command_line_does_not(void **state)
{
	const char *const argv[] = {"test", "-o", "wide"};
	struct seen seen;

	(void)state;
	setenv("GWBPF_PIN_DIR", "/env", 1);
	setenv("GWBPF_OUTPUT", "json", 1);
	setenv("GWBPF_FORCE", "true", 1);
	seen = parse(3, argv);
	assert_string_equal(seen.dir, "/env");
	assert_string_equal(seen.output, "wide");
	assert_true(seen.force);
}

static void test_an_empty_or_false_variable_is_as_if_it_were_not_there(void **state)
{
	const char *const argv[] = {"test"};
	struct seen seen;

	(void)state;
	setenv("GWBPF_PIN_DIR", "", 1);
	setenv("GWBPF_FORCE", "false", 1);
	seen = parse(1, argv);
	assert_string_equal(seen.dir, "");
	assert_false(seen.force);
}

static void test_a_repeated_option_is_set_each_time_and_then_not_from_the_environment(void **state)
{
	const char *const argv[] = {"test", "--pin-dir", "a", "--pin-dir", "b"};

	(void)state;
	setenv("GWBPF_PIN_DIR", "c", 1);
	assert_string_equal(parse(5, argv).dir, "ab");
}

static void test_the_variable_of_an_option_is_its_name_in_capitals(void **state)
{
	char buf[ARGS_VARIABLE_MAX];

	(void)state;
	assert_string_equal(args_variable("metrics-listen", buf), "GWBPF_METRICS_LISTEN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_the_command_line_sets_options_and_arguments,
				       clear_environment),
		cmocka_unit_test_setup(test_the_environment_sets_what_the_command_line_does_not,
				       clear_environment),
		cmocka_unit_test_setup(test_an_empty_or_false_variable_is_as_if_it_were_not_there,
				       clear_environment),
		cmocka_unit_test_setup(
			test_a_repeated_option_is_set_each_time_and_then_not_from_the_environment,
			clear_environment),
		cmocka_unit_test(test_the_variable_of_an_option_is_its_name_in_capitals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
