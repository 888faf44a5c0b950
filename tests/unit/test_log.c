// SPDX-License-Identifier: Apache-2.0
/*
 * Log lines, read where standard error leads: a socket that keeps the bounds of each write, so that
 * a line of two writes would be two messages.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/log.h"

#define LINE_MAX_BYTES 65536

static int reader;
static int real_stderr;
static char line[LINE_MAX_BYTES];

static int redirect(void **state)
{
	int pair[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -1;
	reader = pair[0];
	real_stderr = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	log_configure(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
	return 0;
}

static int restore(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	if (reader >= 0)
		close(reader);
	return 0;
}

static bool has_line(void)
{
	ssize_t size = recv(reader, line, sizeof(line) - 1, MSG_DONTWAIT);

	line[size > 0 ? size : 0] = '\0';
	return size > 0;
}

/* The line that was written, which is one line in one write. */
static const char *take_line(void)
{
	if (!has_line())
		fail_msg("nothing was written");
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	return line;
}

static const char *logfmt_message(void)
{
	const char *found = strstr(take_line(), " msg=");

	assert_non_null(found);
	return found + strlen(" msg=");
}

static void test_a_line_has_time_level_and_message(void **state)
{
	int year, month, day, hour, minute, second, ms, end = 0;

	(void)state;
	log_info("%d hooks attached", 6);
	assert_int_equal(sscanf(take_line(), "time=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month,
				&day, &hour, &minute, &second, &ms, &end),
			 7);
	assert_int_equal(end, strlen("time=2026-11-24T13:00:00.000Z"));
	assert_true(year >= 2024 && month <= 12 && day <= 31 && hour < 24 && minute < 60);
	assert_string_equal(line + end, " level=info msg=\"6 hooks attached\"\n");
}

static void test_a_json_line_has_the_same_members(void **state)
{
	const char *level, *time, *message;
	json_t *value;

	(void)state;
	log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	log_warn("cannot find '%s'", "a\tb");
	value = json_loads(take_line(), JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_unpack(value, "{s:s, s:s, s:s !}", "time", &time, "level", &level,
				     "msg", &message),
			 0);
	assert_string_equal(level, "warn");
	assert_int_equal(strlen(time), strlen("2026-11-24T13:00:00.000Z"));
	assert_string_equal(message, "cannot find 'a\tb'");
	json_decref(value);
}

static void test_a_message_cannot_leave_its_quotes_or_its_line(void **state)
{
	(void)state;
	log_info("%s", "x\" level=error msg=\"y\n\\time\r");
	assert_string_equal(logfmt_message(),
			    "\"x\\\" level=error msg=\\\"y\\n\\\\time\\u000d\"\n");
	log_info("%s", "\x1b[31mred\x7f\xc2\x9b");
	assert_string_equal(logfmt_message(), "\"\\u001b[31mred\\u007f\\u009b\"\n");
	log_info("%s", "\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa8");
	assert_string_equal(logfmt_message(), "\"\\u202e\\u2066\\u2028\"\n");
}

static void test_good_utf8_passes_and_bad_utf8_is_replaced(void **state)
{
	static const struct {
		const char *text;
		const char *written;
	} cases[] = {
		{"Z\xc3\xbcrich \xe2\x82\xac", "Z\xc3\xbcrich \xe2\x82\xac"},
		{"\xf0\x9f\x90\x9d", "\xf0\x9f\x90\x9d"},
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
		{"\xe0\xa0\x80", "\xe0\xa0\x80"},
		{"\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
		{"a\x80z", "a\\ufffdz"},
		{"\xc3", "\\ufffd"},
		{"\xe2\x82", "\\ufffd\\ufffd"},
		{"\xf0\x9f\x90", "\\ufffd\\ufffd\\ufffd"},
		{"\xc0\xaf", "\\ufffd\\ufffd"},                       /* overlong */
		{"\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd"},            /* overlong */
		{"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},            /* a surrogate */
		{"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"}, /* beyond Unicode */
		{"\xed\xbf\xbf", "\\ufffd\\ufffd\\ufffd"},            /* another */
		{"\xf8\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
		{"\xf8\x88\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"},
		{"\xff\xfe", "\\ufffd\\ufffd"},
	};
	char wanted[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		log_info("%s", cases[i].text);
		snprintf(wanted, sizeof(wanted), "\"%s\"\n", cases[i].written);
		assert_string_equal(logfmt_message(), wanted);
	}
}

static void test_json_lines_parse_whatever_two_bytes_they_hold(void **state)
{
	char text[4] = "a";
	json_t *value;

	(void)state;
	log_configure(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	for (int first = 1; first < 256; first++) {
		for (int second = 0; second < 256; second += 5) {
			text[1] = (char)first;
			text[2] = (char)second;
			log_info("%s", text);
			value = json_loads(take_line(), 0, NULL);
			if (!value)
				fail_msg("0x%02x 0x%02x: %s", first, second, line);
			json_decref(value);
		}
	}
}

static void test_a_message_of_any_length_is_cut_visibly(void **state)
{
	static char text[100000];
	const char *written;

	(void)state;
	memset(text, '\x01', sizeof(text) - 1);
	log_info("%s", text);
	written = logfmt_message();
	assert_int_equal(strncmp(written, "\"\\u0001\\u0001", 13), 0);
	assert_string_equal(written + strlen(written) - 5, "...\"\n");
	memset(text, 'x', sizeof(text) - 1);
	text[4096] = '\0';
	log_info("%s", text);
	assert_non_null(strstr(logfmt_message(), "xxx...\"\n"));
	text[4095] = '\0';
	log_info("%s", text);
	assert_int_equal(strlen(logfmt_message()), 4095 + strlen("\"\"\n"));
	assert_null(strstr(line, "..."));
}

static void test_an_empty_message_is_a_line_too(void **state)
{
	(void)state;
	log_info("%s", "");
	assert_string_equal(logfmt_message(), "\"\"\n");
}

static void test_what_is_below_the_level_is_not_written(void **state)
{
	(void)state;
	log_debug("a");
	assert_false(has_line());
	log_configure(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
	log_warn("b");
	assert_false(has_line());
	log_error("c");
	assert_non_null(strstr(take_line(), " level=error msg=\"c\"\n"));
	log_configure(LOG_LEVEL_DEBUG, LOG_FORMAT_LOGFMT);
	log_debug("d");
	assert_non_null(strstr(take_line(), " level=debug msg=\"d\"\n"));
}

static void test_errno_survives_and_can_be_told(void **state)
{
	(void)state;
	errno = ENOSPC;
	log_error("cannot write: %m");
	assert_int_equal(errno, ENOSPC);
	assert_string_equal(logfmt_message(), "\"cannot write: No space left on device\"\n");
	/* Also where nothing can be written any more. */
	close(reader);
	close(STDERR_FILENO);
	errno = ENOENT;
	log_error("gone");
	assert_int_equal(errno, ENOENT);
	reader = -1;
}

static void test_levels_and_formats_have_names(void **state)
{
	enum log_level level = LOG_LEVEL_DEBUG;
	enum log_format format = LOG_FORMAT_JSON;

	(void)state;
	assert_int_equal(log_level_parse("error", &level), 0);
	assert_int_equal(level, LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("Debug", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_format_parse("logfmt", &format), 0);
	assert_int_equal(format, LOG_FORMAT_LOGFMT);
	assert_int_equal(log_format_parse("json", &format), 0);
	assert_int_equal(log_format_parse("jsonl", &format), -EINVAL);
	assert_int_equal(format, LOG_FORMAT_JSON);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, redirect, restore)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(test_a_line_has_time_level_and_message),
		LOG_TEST(test_a_json_line_has_the_same_members),
		LOG_TEST(test_a_message_cannot_leave_its_quotes_or_its_line),
		LOG_TEST(test_good_utf8_passes_and_bad_utf8_is_replaced),
		LOG_TEST(test_json_lines_parse_whatever_two_bytes_they_hold),
		LOG_TEST(test_a_message_of_any_length_is_cut_visibly),
		LOG_TEST(test_an_empty_message_is_a_line_too),
		LOG_TEST(test_what_is_below_the_level_is_not_written),
		LOG_TEST(test_errno_survives_and_can_be_told),
		cmocka_unit_test(test_levels_and_formats_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
