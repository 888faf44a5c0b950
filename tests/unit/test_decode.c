// SPDX-License-Identifier: Apache-2.0
/* What a JSON value is. */
#include "decode_fixture.h"

static void test_kinds_are_told_by_api_version_and_kind(void **state)
{
	static const struct {
		const char *text;
		enum object_kind kind;
	} cases[] = {
		{"{'apiVersion': 'v1', 'kind': 'Service'}", OBJECT_SERVICE},
		{"{'apiVersion': 'v2', 'kind': 'Service'}", OBJECT_UNREADABLE},
		{"{'apiVersion': 'core/v1', 'kind': 'Service'}", OBJECT_UNREADABLE},
		{"{'apiVersion': 'v1', 'kind': 'service'}", OBJECT_UNREADABLE},
		{"{'apiVersion': 'v1', 'kind': 'EndpointSlice'}", OBJECT_UNREADABLE},
		{"{'apiVersion': 'v1', 'kind': 'Status'}", OBJECT_UNREADABLE},
		{"{'apiVersion': 'meta.k8s.io/v1', 'kind': 'Table'}", OBJECT_UNREADABLE},
		{"{'apiVersion': 'discovery.k8s.io/v1alpha1', 'kind': 'EndpointSlice'}",
		 OBJECT_UNREADABLE},
		{"{'apiVersion': 'discovery.k8s.io/v2', 'kind': 'EndpointSliceList'}",
		 OBJECT_UNREADABLE},
		{"{'apiVersion': 'example.com/v1', 'kind': 'EndpointSlice'}", OBJECT_OTHER},
		{"{'apiVersion': 'v1', 'kind': 'Endpoints'}", OBJECT_ENDPOINTS},
		{"{'apiVersion': 'v1', 'kind': 'EndpointsList'}", OBJECT_LIST},
		{"{'apiVersion': 'discovery.k8s.io/v1beta1', 'kind': 'EndpointSliceList'}",
		 OBJECT_LIST},
		{"{'apiVersion': 'serving.knative.dev/v1', 'kind': 'Service'}", OBJECT_OTHER},
		{"{'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice'}", OBJECT_SLICE},
		{"{'apiVersion': 'discovery.k8s.io/v1beta1', 'kind': 'EndpointSlice'}",
		 OBJECT_SLICE},
		{"{'apiVersion': 'v1', 'kind': 'List'}", OBJECT_LIST},
		{"{'apiVersion': 'v1', 'kind': 'ServiceList'}", OBJECT_LIST},
		{"{'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSliceList'}", OBJECT_LIST},
		{"{'apiVersion': 'v1', 'kind': 'PodList'}", OBJECT_LIST},
		{"{'apiVersion': 'v1', 'kind': 'Pod'}", OBJECT_POD},
		{"{'apiVersion': 'v1', 'kind': 'SecretList'}", OBJECT_OTHER},
		{"{'apiVersion': 1, 'kind': ['Service']}", OBJECT_OTHER},
		{"[]", OBJECT_OTHER},
		{"'Service'", OBJECT_OTHER},
		{"null", OBJECT_OTHER},
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
	item = value_of("{'apiVersion': 'v1', 'kind': 'Secret'}");
	assert_int_equal(decode_item_kind(list, item), OBJECT_OTHER);
	json_decref(item);
	json_decref(list);
}

static struct refusals refused;

static int decode(const char *text, struct slice ***ret, size_t *count)
{
	json_t *value = value_of(text);
	int err;

	refused.count = 0;
	err = decode_endpoints(value, refusals_take, &refused, ret, count);
	json_decref(value);
	return err;
}

static void free_all(struct slice **slices, size_t count)
{
	while (count)
		slice_free(slices[--count]);
	free(slices);
}

#define ENDPOINTS(more) "{'metadata': {'name': 'gw', 'namespace': 'fabric'" more

static void test_endpoints_become_slices(void **state)
{
	static const char text[] =
		ENDPOINTS("}, 'subsets': [{'addresses': [{'ip': '010.0.0.1', 'nodeName': 'n1',"
			  "   'targetRef': {'kind': 'Pod', 'name': 'p1'}}, {'ip': 'fd00::1'}],"
			  "  'notReadyAddresses': [{'ip': '10.0.0.2'}],"
			  "  'ports': [{'port': 7051},"
			  "            {'name': null, 'port': 1, 'protocol': 'UDP'}]},"
			  " {'addresses': [{'ip': '10.0.0.3'}],"
			  "  'ports': [{'name': 'grpc', 'port': 8051, 'protocol': 'TCP'}]},"
			  " {'ports': [{'port': 1}]}]}");
	struct slice **slices;
	size_t count, i;

	(void)state;
	assert_int_equal(decode(text, &slices, &count), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(count, 3);
	for (i = 0; i < count; i++) {
		assert_true(slices[i]->mirrored);
		assert_string_equal(slices[i]->namespace, "fabric");
		assert_string_equal(slices[i]->service, "gw");
		assert_int_equal(slices[i]->port_count, 1);
	}
	assert_string_equal(slices[0]->name, "gw/0");
	assert_string_equal(slices[0]->ports[0].name, "");
	assert_int_equal(slices[0]->endpoint_count, 2);
	assert_string_equal(address_of(&slices[0]->endpoints[0].address), "10.0.0.1");
	assert_true(slices[0]->endpoints[0].ready);
	assert_string_equal(slices[0]->endpoints[0].pod, "p1");
	assert_string_equal(slices[0]->endpoints[0].node, "n1");
	assert_false(slices[0]->endpoints[1].ready);
	assert_int_equal(slices[1]->family, FAMILY_IPV6);
	assert_string_equal(slices[2]->name, "gw/2");
	assert_int_equal(slices[2]->ports[0].port, 8051);
	free_all(slices, count);
}

static void test_endpoints_that_kubernetes_does_not_mirror_are_left_out(void **state)
{
	static const char subsets[] = ", 'subsets': [{'addresses': [{'ip': '10.0.0.1'}]}]}";
	static const char *const metadata[] = {
		ENDPOINTS(", 'labels': {'endpointslice.kubernetes.io/skip-mirror': 'true'}}"),
		ENDPOINTS(", 'annotations': {'control-plane.alpha.kubernetes.io/leader': 'x'}}"),
	};
	struct slice **slices;
	char text[512];
	size_t count, i;

	(void)state;
	for (i = 0; i < COUNT(metadata); i++) {
		snprintf(text, sizeof(text), "%s%s", metadata[i], subsets);
		assert_int_equal(decode(text, &slices, &count), 0);
		assert_int_equal(count, 0);
		free_all(slices, count);
	}
	snprintf(text, sizeof(text), "%s%s", ENDPOINTS("}"), subsets);
	assert_int_equal(decode(text, &slices, &count), 0);
	assert_int_equal(count, 1);
	free_all(slices, count);
}

static void test_a_bad_part_of_endpoints_is_told_by_their_name(void **state)
{
	static const struct {
		const char *text;
		const char *what;
	} cases[] = {
		{"[7]", "subsets[0] must be an object"},
		{"[{'addresses': {}}]", "addresses must be an array"},
		{"[{'ports': 7}]", "ports must be an array"},
		{"[{'addresses': [{'ip': '127.0.0.1'}]}]", "'127.0.0.1' is a loopback"},
		{"[{'addresses': [{}]}]", "must be text"},
		{"[{'addresses': ['10.0.0.1']}]", "must be text"},
		{"[{'addresses': [{'ip': 7}]}]", "must be text"},
		{"[{'addresses': [{'ip': 'x:'}]}]", "'x:' is no IP address"},
		{"[{'addresses': [{'ip': '10.0.0.1'}], 'ports': [{'port': 70000}]}]", "70000"},
		{"[{'addresses': [{'ip': '10.0.0.1'}], 'ports': [7]}]", "ports[0] must be"},
	};
	struct slice **slices;
	char text[512];
	size_t count, i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s\n", cases[i].text);
		snprintf(text, sizeof(text), "%s, 'subsets': %s}", ENDPOINTS("}"), cases[i].text);
		assert_int_equal(decode(text, &slices, &count), 0);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, "Endpoints 'fabric/gw'", cases[i].what));
		free_all(slices, count);
	}
	assert_int_equal(decode(ENDPOINTS("}, 'subsets': {}}"), &slices, &count), -EINVAL);
	assert_int_equal(refused.count, 1);
	assert_int_equal(decode("{'metadata': {}}", &slices, &count), -EINVAL);
	assert_true(refusals_have(&refused, "Endpoints without a name", "metadata.name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_are_told_by_api_version_and_kind),
		cmocka_unit_test(test_endpoints_become_slices),
		cmocka_unit_test(test_endpoints_that_kubernetes_does_not_mirror_are_left_out),
		cmocka_unit_test(test_a_bad_part_of_endpoints_is_told_by_their_name),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
