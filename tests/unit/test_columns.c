// SPDX-License-Identifier: Apache-2.0
/* What a column says, as text, as JSON and in the order of --sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "report/columns.h"

struct thing {
	const char *name;
	uint64_t size;
};

#define COLUMNS(X)                                                                                 \
	X(label, "LABEL", NULL, COLUMN_MAIN, 8, "made of others", value_format("<%s>", t->name))   \
	X(name, "NAME", "name", COLUMN_MAIN, 0, "its name", value_name(t->name))                   \
	X(size, "SIZE", "sizeBytes", COLUMN_MAIN, 0, "its size", value_bytes(t->size))             \
	X(big, NULL, "isBig", 0, 0, "", value_truth(t->size > 1024))

#define READ(id, title, field, shown, width, help, reading)                                        \
	static struct value read_##id(const void *arg)                                             \
	{                                                                                          \
		const struct thing *t = arg;                                                       \
                                                                                                   \
		return reading;                                                                    \
	}

COLUMNS(READ)

static const struct column items[] = {COLUMNS(COLUMN_ROW)};
static const struct columns columns = {.list = "ThingList", .items = items, .count = 4};

static void test_a_row_is_an_object_of_its_fields_in_their_order(void **state)
{
	const struct thing thing = {"", 2048};
	json_t *object = columns_to_json(&columns, &thing);
	char *text = json_dumps(object, JSON_COMPACT);

	(void)state;
	assert_string_equal(text, "{\"name\":null,\"sizeBytes\":2048,\"isBig\":true}");
	free(text);
	json_decref(object);
}

static void test_a_column_is_found_by_its_title_in_small_letters_too(void **state)
{
	(void)state;
	assert_ptr_equal(columns_find(&columns, "size"), &items[2]);
	assert_ptr_equal(columns_find(&columns, "SIZE"), &items[2]);
	assert_null(columns_find(&columns, "sizeBytes"));
	assert_null(columns_find(&columns, ""));
}

static void expect(struct value value, const char *text, const char *json)
{
	char buf[VALUE_TEXT_MAX], *dump;
	json_t *as_json;

	assert_string_equal(value_print(&value, buf), text);
	as_json = value_to_json(&value);
	dump = json_dumps(as_json, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	assert_string_equal(dump, json);
	free(dump);
	json_decref(as_json);
}

static void test_a_value_is_short_for_people_and_exact_in_json(void **state)
{
	struct gw_addr address;

	(void)state;
	assert_int_equal(addr_parse("fd00::1", &address), 0);
	expect(value_text("a"), "a", "\"a\"");
	expect(value_text(""), "", "\"\"");
	expect(value_text(NULL), "", "null");
	expect(value_name(""), "", "null");
	expect(value_format("%s-%d", "a", 1), "a-1", "\"a-1\"");
	expect(value_count(UINT32_MAX), "4294967295", "4294967295");
	expect(value_identity(UINT64_MAX), "18446744073709551615", "\"18446744073709551615\"");
	expect(value_bytes(2048), "2.0K", "2048");
	expect(value_seconds(312), "5m12s", "312.0");
	expect(value_seconds(-1), "", "null");
	expect(value_ago(-1), "", "null");
	expect(value_latency(0.000412), "0.412ms", "0.000412");
	expect(value_share(1, 4), "25%", "0.25");
	expect(value_share(1, 0), "", "null");
	expect(value_part(2, 3), "2/3", "2");
	expect(value_truth(true), "yes", "true");
	expect(value_address(&address), "fd00::1", "\"fd00::1\"");
	expect(value_address_port(&address, 7051), "[fd00::1]:7051", "\"[fd00::1]:7051\"");
	expect(value_unknown(), "", "null");
}

static void expect_order(struct value first, struct value second)
{
	assert_true(value_compare(&first, &second) < 0);
	assert_true(value_compare(&second, &first) > 0);
	assert_int_equal(value_compare(&first, &first), 0);
}

static void test_the_largest_number_comes_first_and_what_is_unknown_last(void **state)
{
	struct gw_addr low, high;

	(void)state;
	assert_int_equal(addr_parse("10.0.0.9", &low), 0);
	assert_int_equal(addr_parse("10.0.0.10", &high), 0);
	expect_order(value_count(10), value_count(9));
	expect_order(value_seconds(0.2), value_seconds(0.1));
	expect_order(value_part(2, 9), value_part(1, 3));
	expect_order(value_truth(true), value_truth(false));
	expect_order(value_text("a"), value_text("b"));
	expect_order(value_address(&low), value_address(&high));
	expect_order(value_address_port(&low, 80), value_address_port(&low, 443));
	expect_order(value_count(0), value_unknown());
	expect_order(value_text("z"), value_text(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_row_is_an_object_of_its_fields_in_their_order),
		cmocka_unit_test(test_a_column_is_found_by_its_title_in_small_letters_too),
		cmocka_unit_test(test_a_value_is_short_for_people_and_exact_in_json),
		cmocka_unit_test(test_the_largest_number_comes_first_and_what_is_unknown_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
