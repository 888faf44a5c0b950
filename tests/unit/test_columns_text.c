// SPDX-License-Identifier: Apache-2.0
/* A list that is written as text is the list that its tree is. */
#include "report/columns_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"

struct thing {
	const char *name;
	double seconds;
	uint64_t number;
};

static const struct thing things[] = {
	{"org1-peer1-0", 0, 0},
	{"", -1, 1},
	{"a \"quoted\" \\ one", 1.5, 42},
	{"two\nlines\t\x1b[31m", 0.000001, UINT32_MAX},
	{"\xc3\xa4\xe2\x82\xac", 86400.25, 1ull << 60},
	{"cut \xe2\x82", 123456789.123456, 7},
};
#define THINGS (sizeof(things) / sizeof(*things))

static json_t *parts_of(const struct thing *t)
{
	return json_pack("{s:[i,i] s:{s:s}}", "list", 1, 2, "object", "name",
			 t->number == 42 ? "x\ny" : "z");
}

static struct gw_addr address_of(const struct thing *t)
{
	struct gw_addr address;

	assert_int_equal(addr_parse(t->number & 1 ? "fd00::1" : "10.1.0.1", &address), 0);
	return address;
}

static struct value read_address(const struct thing *t)
{
	struct gw_addr address = address_of(t);

	return value_address(&address);
}

static const struct gw_counters *counters_of(const struct thing *t)
{
	static struct gw_counters counters[THINGS];
	struct gw_counters *ret = &counters[t - things];

	for (size_t i = 0; i < GW_HISTOGRAM_MAX; i++)
		ret->connect_buckets[i] = i % 3 ? t->number % 1000 : strlen(t->name);
	return ret;
}

#define COLUMNS(X)                                                                                 \
	X(title, "TITLE", NULL, 0, 0, "", value_text("not in JSON"))                               \
	X(name, "NAME", "name", 0, 0, "", value_name(t->name))                                     \
	X(text, "TEXT", "text", 0, 0, "", value_format("<%s>", "of it"))                           \
	X(seconds, "SECONDS", "seconds", 0, 0, "", value_seconds(t->seconds))                      \
	X(latency, "LATENCY", "latency", 0, 0, "", value_latency(t->seconds))                      \
	X(share, "SHARE", "share", 0, 0, "", value_share((double)(t->number & 3), 4))              \
	X(count, "COUNT", "count", 0, 0, "", value_count(t->number))                               \
	X(id, "ID", "id", 0, 0, "", value_identity(t->number))                                     \
	X(bytes, "BYTES", "bytes", 0, 0, "", value_bytes(t->number))                               \
	X(truth, "TRUTH", "truth", 0, 0, "", value_truth(t->number & 1))                           \
	X(address, "ADDRESS", "address", 0, 0, "", read_address(t))                                \
	X(parts, NULL, "parts", 0, 0, "", value_json(parts_of(t)))                                 \
	X(buckets, NULL, "buckets", 0, 0, "", value_buckets(counters_of(t)))

#define READ(id, title, field, shown, width, help, reading)                                        \
	static struct value read_column_##id(const void *arg)                                      \
	{                                                                                          \
		const struct thing *t = arg;                                                       \
                                                                                                   \
		(void)t;                                                                           \
		return reading;                                                                    \
	}

COLUMNS(READ)

#define ROW(id, title, field, shown, width, help, reading)                                         \
	{title, field, shown, width, help, read_column_##id},

static const struct column items[] = {COLUMNS(ROW)};
static const struct columns columns = {
	.list = "ThingList",
	.items = items,
	.count = sizeof(items) / sizeof(*items),
};

static const void *row_at(size_t place, const void *arg)
{
	return &((const struct thing *)arg)[place];
}

static void expect_same(const char *node, size_t count)
{
	char *text = columns_render(&columns, node, row_at, things, count);
	json_t *rows = json_array(), *parsed, *tree;

	for (size_t i = 0; i < count; i++)
		json_add(&rows, columns_to_json(&columns, &things[i]));
	tree = json_list("ThingList", node, rows);
	assert_non_null(text);
	parsed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(parsed);
	assert_true(json_equal(parsed, tree));
	json_decref(parsed);
	/* With these numbers also to the letter. */
	if (count == 1) {
		char *rendered = json_render(json_incref(tree));

		assert_string_equal(text, rendered);
		free(rendered);
	}
	json_decref(tree);
	free(text);
}

static void test_rows_of_every_kind(void **state)
{
	(void)state;
	expect_same("n1", THINGS);
	expect_same("n \"1\"", THINGS);
}

static void test_one_row_and_none(void **state)
{
	(void)state;
	expect_same("n1", 1);
	expect_same("n1", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_of_every_kind),
		cmocka_unit_test(test_one_row_and_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
