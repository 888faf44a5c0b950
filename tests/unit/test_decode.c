// SPDX-License-Identifier: Apache-2.0
/* What a JSON value is. */
#include "decode_fixture.h"

static void test_kinds_are_told_by_api_version_and_kind(void **state)
{
	static const struct {
		const char *text;
		enum object_kind kind;
	} cases[] = {
		{ "{'apiVersion': 'v1', 'kind': 'Service'}", OBJECT_SERVICE },
		{ "{'apiVersion': 'v2', 'kind': 'Service'}", OBJECT_OTHER },
		{ "{'apiVersion': 'serving.knative.dev/v1', 'kind': 'Service'}", OBJECT_OTHER },
		{ "{'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice'}", OBJECT_SLICE },
		{ "{'apiVersion': 'discovery.k8s.io/v1beta1', 'kind': 'EndpointSlice'}",
		  OBJECT_OTHER },
		{ "{'apiVersion': 'v1', 'kind': 'List'}", OBJECT_LIST },
		{ "{'apiVersion': 'v1', 'kind': 'ServiceList'}", OBJECT_LIST },
		{ "{'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSliceList'}",
		  OBJECT_LIST },
		{ "{'apiVersion': 'v1', 'kind': 'PodList'}", OBJECT_OTHER },
		{ "{'apiVersion': 1, 'kind': ['Service']}", OBJECT_OTHER },
		{ "[]", OBJECT_OTHER },
		{ "'Service'", OBJECT_OTHER },
		{ "null", OBJECT_OTHER },
	};
	json_t *value, *list, *item;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		value = value_of(cases[i].text);
		assert_int_equal(decode_kind(value), cases[i].kind);
		json_decref(value);
	}
	list = value_of("{'apiVersion': 'v1', 'kind': 'ServiceList'}");
	item = value_of("{'metadata': {}}");
	assert_int_equal(decode_item_kind(list, item), OBJECT_SERVICE);
	json_decref(item);
	item = value_of("{'apiVersion': 'v1', 'kind': 'Pod'}");
	assert_int_equal(decode_item_kind(list, item), OBJECT_OTHER);
	json_decref(item);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_are_told_by_api_version_and_kind),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
