// SPDX-License-Identifier: Apache-2.0
/* YAML of an answer: blocks, and quotes where they are needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/yaml.h"

static void expect(const char *json, const char *yaml)
{
	char *text = yaml_render(json_loads(json, JSON_DECODE_ANY, NULL));

	assert_non_null(text);
	assert_string_equal(text, yaml);
	free(text);
}

static void test_objects_and_arrays_are_blocks(void **state)
{
	(void)state;
	expect("{\"kind\":\"List\",\"items\":[{\"name\":\"a\",\"of\":{\"b\":1},\"c\":[2,\"d\"]},{\"name\":\"e\"}]}",
	       "kind: List\nitems:\n- name: a\n  of:\n    b: 1\n  c:\n  - 2\n  - d\n- name: e\n");
	expect("{\"a\":[],\"b\":{},\"c\":null,\"d\":true,\"e\":0.0001}",
	       "a: []\nb: {}\nc: null\nd: true\ne: 0.0001\n");
	expect("{\"a\":[[1,2],[3]]}", "a:\n- - 1\n  - 2\n- - 3\n");
}

static void test_text_that_could_be_something_else_has_quotes(void **state)
{
	(void)state;
	expect("{\"a\":\"true\",\"b\":\"No\",\"c\":\"1.5\",\"d\":\"\",\"e\":\"a: b\",\"f\":\"~\",\"g\":\"- a\"}",
	       "a: \"true\"\nb: \"No\"\nc: \"1.5\"\nd: \"\"\ne: \"a: b\"\nf: \"~\"\ng: \"- a\"\n");
	expect("{\"a\":\"org1-peer0.fabric\",\"b\":\"10.96.0.1\",\"c\":\"::1\"}",
	       "a: org1-peer0.fabric\nb: \"10.96.0.1\"\nc: \"::1\"\n");
	expect("{\"a\":\"two\\nlines \\u0007 \\\"and\\\" #more\"}",
	       "a: \"two\\nlines \\u0007 \\\"and\\\" #more\"\n");
}

static void test_want_of_memory_is_passed_on(void **state)
{
	(void)state;
	assert_null(yaml_render(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects_and_arrays_are_blocks),
		cmocka_unit_test(test_text_that_could_be_something_else_has_quotes),
		cmocka_unit_test(test_want_of_memory_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
