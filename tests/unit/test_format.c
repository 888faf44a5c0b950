// SPDX-License-Identifier: Apache-2.0
/* Quantities as people read them, and the values of JSON that need care. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/tcp.h>

#include <cmocka.h>

#include "report/format.h"
#include "report/json.h"

static void test_an_age_has_two_units_at_most(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} rows[] = {
		{-1, "-"},        {0, "0.0s"},        {0.44, "0.4s"},   {9.94, "9.9s"},
		{10, "10s"},      {59.9, "59s"},      {60, "1m0s"},     {312, "5m12s"},
		{3599, "59m59s"}, {3600, "1h0m"},     {11400, "3h10m"}, {86399, "23h59m"},
		{86400, "1d0h"},  {1051200, "12d4h"},
	};
	char buf[FORMAT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(format_age(rows[i].seconds, buf), rows[i].text);
}

static void test_bytes_have_three_digits_at_most_and_a_unit(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{0, "0"},
		{1023, "1023"},
		{1024, "1.0K"},
		{1234567, "1.2M"},
		{10 * 1024, "10K"},
		{1023 * 1024, "1023K"},
		{1024 * 1024 - 1, "1.0M"},
		{(uint64_t)1 << 40, "1.0T"},
		{UINT64_MAX, "16E"},
	};
	char buf[FORMAT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(format_bytes(rows[i].bytes, buf), rows[i].text);
}

static void test_a_round_trip_time_of_zero_is_unknown(void **state)
{
	char buf[FORMAT_MAX];

	(void)state;
	assert_string_equal(format_rtt(0, buf), "-");
	assert_string_equal(format_rtt(412, buf), "0.412ms");
}

static void test_every_tcp_state_has_a_name(void **state)
{
	uint8_t i;

	(void)state;
	for (i = TCP_ESTABLISHED; i <= TCP_CLOSING; i++)
		assert_string_not_equal(format_tcp_state(i), "unknown");
	assert_string_equal(format_tcp_state(TCP_SYN_SENT), "syn-sent");
	assert_string_equal(format_tcp_state(0), "unknown");
	assert_string_equal(format_tcp_state(200), "unknown");
}

static void assert_json(json_t *value, const char *text)
{
	char *dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));

	assert_non_null(dump);
	assert_string_equal(dump, text);
	free(dump);
	json_decref(value);
}

static void test_seconds_are_numbers_and_null_if_unknown(void **state)
{
	(void)state;
	assert_json(json_seconds(-1), "null");
	assert_json(json_seconds(0.1), "0.1");
	assert_json(json_seconds(12345678.1234564), "12345678.123456");
}

static void test_64_bit_identities_are_text(void **state)
{
	(void)state;
	assert_json(json_identity(UINT64_MAX), "\"18446744073709551615\"");
}

static void test_text_that_is_cut_within_a_character_stays_valid(void **state)
{
	(void)state;
	assert_json(json_text("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
	assert_json(json_text("caf\xc3"), "\"caf?\"");
	assert_json(json_text_or_null(""), "null");
	assert_json(json_text_or_null(NULL), "null");
}

static void test_a_list_names_its_version_kind_and_node(void **state)
{
	(void)state;
	assert_json(json_list("ServiceList", "n1", json_array()),
		    "{\"apiVersion\":\"gwbpf.io/v1\",\"kind\":\"ServiceList\","
		    "\"observedBy\":\"n1\",\"items\":[]}");
}

static void test_a_value_that_could_not_be_made_makes_no_answer(void **state)
{
	json_t *items = json_array();

	(void)state;
	json_add(&items, json_true());
	json_add(&items, NULL);
	assert_null(items);
	json_add(&items, json_true());
	assert_null(items);
	assert_null(json_list("ServiceList", "n1", items));
	assert_null(json_extend(json_object(), NULL));
	assert_null(json_extend(NULL, json_object()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_age_has_two_units_at_most),
		cmocka_unit_test(test_bytes_have_three_digits_at_most_and_a_unit),
		cmocka_unit_test(test_a_round_trip_time_of_zero_is_unknown),
		cmocka_unit_test(test_every_tcp_state_has_a_name),
		cmocka_unit_test(test_seconds_are_numbers_and_null_if_unknown),
		cmocka_unit_test(test_64_bit_identities_are_text),
		cmocka_unit_test(test_text_that_is_cut_within_a_character_stays_valid),
		cmocka_unit_test(test_a_list_names_its_version_kind_and_node),
		cmocka_unit_test(test_a_value_that_could_not_be_made_makes_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
