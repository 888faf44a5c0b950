// SPDX-License-Identifier: Apache-2.0
/* From JSON to slices: kube-proxy's rules, and every kind of bad input by name. */
#include "decode_fixture.h"

static struct refusals refused;

static const char good_slice[] =
	"{'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'metadata': {"
	"  'name': 'gw-abc', 'namespace': 'fabric', 'labels': {'service': 'x'}},"
	" 'addressType': 'IPv4', 'ports': [{'name': 'grpc', 'port': 7051, 'protocol': 'TCP'}],"
	" 'endpoints': [{'addresses': ['10.244.1.7', '10.244.1.8'],"
	"   'nodeName': 'node1', 'zone': 'Zone_a',"
	"   'conditions': {'ready': true, 'serving': true, 'terminating': false},"
	"   'targetRef': {'kind': 'Pod', 'name': 'peer1-x'},"
	"   'hints': {'forZones': [{'name': 'zone-a'}, {'name': 'zone-b'}],"
	"             'forNodes': [{'name': 'node1'}]}},"
	"  {'addresses': ['10.244.2.7']}]}";

/* Dots in keys cannot be named by changed(). */
static void name_service_of(json_t *slice)
{
	json_t *labels = json_object_get(json_object_get(slice, "metadata"), "labels");

	if (json_is_object(labels))
		json_object_set_new(labels, "kubernetes.io/service-name", json_string("gw"));
}

static struct slice *slice_of(const char *path, const char *text)
{
	json_t *value = changed(good_slice, path, text);
	struct slice *slice = NULL;
	int err;

	name_service_of(value);
	refused.count = 0;
	err = decode_slice(value, refusals_take, &refused, &slice);
	json_decref(value);
	if (err)
		assert_int_equal(err, -EINVAL);
	return slice;
}

static void test_a_slice_is_decoded(void **state)
{
	struct slice *slice = slice_of("metadata.extra", "1");
	const struct endpoint *endpoint;

	(void)state;
	assert_non_null(slice);
	assert_int_equal(refused.count, 0);
	assert_string_equal(slice->service, "gw");
	assert_int_equal(slice->family, FAMILY_IPV4);
	assert_int_equal(slice->port_count, 1);
	assert_int_equal(slice->ports[0].port, 7051);
	assert_int_equal(slice->endpoint_count, 2);
	endpoint = &slice->endpoints[0];
	assert_string_equal(address_of(&endpoint->address), "10.244.1.7");
	assert_string_equal(endpoint->node, "node1");
	assert_string_equal(endpoint->zone, "Zone_a");
	assert_string_equal(endpoint->pod, "peer1-x");
	assert_string_equal(endpoint->zone_hints, "zone-a\nzone-b\n");
	assert_string_equal(endpoint->node_hints, "node1\n");
	endpoint = &slice->endpoints[1];
	assert_true(endpoint->ready && endpoint->serving && !endpoint->terminating);
	assert_string_equal(endpoint->node, "");
	assert_string_equal(endpoint->pod, "");
	assert_string_equal(endpoint->zone_hints, "");
	slice_free(slice);
}

static void test_a_broken_slice_is_refused_whole(void **state)
{
	static const struct bad cases[] = {
		{"metadata.name", "", "without a name", "metadata.name"},
		{"metadata.labels", "[]", "metadata.labels must be an object", ""},
		{"addressType", "", "addressType is missing", "IPv4"},
		{"addressType", "null", "addressType is missing", "IPv4"},
		{"addressType", "'ipv4'", "'ipv4'", "IPv4, IPv6, FQDN"},
		{"addressType", "4", "addressType must be text", ""},
		{"ports", "'x'", "ports must be an array", "text"},
		{"endpoints", "{}", "endpoints must be an array", "an object"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s: %s\n", cases[i].path, cases[i].text);
		assert_null(slice_of(cases[i].path, cases[i].text));
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, cases[i].what, cases[i].more));
	}
}

static void test_a_slice_that_is_no_services_is_passed_over_in_silence(void **state)
{
	static const char *const labels[] = {
		"{}",
		"{'kubernetes.io/service-name': ''}",
		"{'kubernetes.io/service-name': 'gw', 'service.kubernetes.io/headless': ''}",
		"{'kubernetes.io/service-name': 'gw', 'service.kubernetes.io/headless': 'x'}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(labels); i++) {
		json_t *value = changed(good_slice, "metadata.labels", labels[i]);
		struct slice *slice;

		refused.count = 0;
		assert_int_equal(decode_slice(value, refusals_take, &refused, &slice), -ENOENT);
		assert_int_equal(refused.count, 0);
		json_decref(value);
	}
}

static void test_a_bad_endpoint_is_refused_alone(void **state)
{
	static const struct {
		const char *text;
		const char *what;
		const char *more;
	} cases[] = {
		{"'x'", "endpoints[0] must be an object", "text"},
		{"null", "endpoints[0] must be an object", "null"},
		{"{'addresses': ['peer1']}", "endpoints[0] 'peer1'", "no IP address"},
		{"{'addresses': ['10.0.0.256']}", "'10.0.0.256'", "no IP address"},
		{"{'addresses': ['fd00::1']}", "'fd00::1'", "no IPv4 address"},
		{"{'addresses': ['127.0.0.1']}", "'127.0.0.1'", "loopback"},
		{"{'addresses': ['169.254.169.254']}", "'169.254.169.254'", "link-local"},
		{"{'addresses': ['224.0.0.1']}", "'224.0.0.1'", "multicast"},
		{"{'addresses': ['0.0.0.0']}", "'0.0.0.0'", "unspecified"},
		{"{'addresses': [7]}", "endpoints[0].addresses[0]", "quotes"},
		{"{'addresses': '10.0.0.1'}", "endpoints[0].addresses must be an array", ""},
		{"{'addresses': ['10.0.0.1'], 'conditions': []}", "endpoints[0].conditions", ""},
		{"{'addresses': ['10.0.0.1'], 'conditions': {'ready': 'true'}}",
		 "endpoints[0].conditions.ready", "true or false"},
	};
	struct slice *slice;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s\n", cases[i].text);
		snprintf(text, sizeof(text), "[%s, {'addresses': ['10.244.9.9']}]", cases[i].text);
		slice = slice_of("endpoints", text);
		assert_non_null(slice);
		assert_int_equal(refused.count, 1);
		assert_true(
			refusals_have(&refused, "EndpointSlice 'fabric/gw-abc'", cases[i].what));
		assert_true(refusals_have(&refused, cases[i].what, cases[i].more));
		assert_int_equal(slice->endpoint_count, 1);
		assert_string_equal(address_of(&slice->endpoints[0].address), "10.244.9.9");
		slice_free(slice);
	}
}

/* What says where an endpoint is, or what it is called, is not needed to reach it. */
static void test_a_field_that_only_informs_costs_no_endpoint(void **state)
{
	static const struct {
		const char *text;
		const char *what;
		const char *more;
	} cases[] = {
		{"{'addresses': ['10.0.0.1'], 'nodeName': 'Node 1'}", "nodeName 'Node 1'", ""},
		{"{'addresses': ['10.0.0.1'], 'nodeName': 5}", "nodeName must be text", ""},
		{"{'addresses': ['10.0.0.1'], 'zone': 'a\\nb'}", "zone 'a?b'", ""},
		{"{'addresses': ['10.0.0.1'], 'targetRef': 'x'}", "targetRef must be", ""},
		{"{'addresses': ['10.0.0.1'], 'targetRef': {'kind': 'Pod', 'name': 'P_1'}}",
		 "targetRef.name 'P_1'", ""},
		{"{'addresses': ['10.0.0.1'], 'hints': [1]}", "hints must be an object", ""},
		{"{'addresses': ['10.0.0.1'], 'hints': {'forZones': 'a'}}", "hints.forZones", ""},
		{"{'addresses': ['10.0.0.1'], 'hints': {'forZones': ['a']}}", "hints must be", ""},
		{"{'addresses': ['10.0.0.1'], 'hints': {'forZones': [{'name': 'a\\nb'}]}}",
		 "hints.name 'a?b'", ""},
		{"{'addresses': ['10.0.0.1'], 'hints': {'forNodes': [{'name': 'a b'}]}}",
		 "hints.name 'a b'", ""},
		{"{'addresses': ['10.0.0.1'], 'zone': ['a'], 'hints': null}", "zone must be", ""},
		{"{'addresses': ['10.0.0.1'], 'targetRef': {'kind': 7, 'name': 'p'}}",
		 "targetRef.kind must be text", ""},
	};
	const struct endpoint *endpoint;
	struct slice *slice;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s\n", cases[i].text);
		snprintf(text, sizeof(text), "[%s]", cases[i].text);
		slice = slice_of("endpoints", text);
		assert_non_null(slice);
		assert_int_equal(refused.count, 1);
		assert_true(
			refusals_have(&refused, "EndpointSlice 'fabric/gw-abc'", cases[i].what));
		assert_true(refusals_have(&refused, cases[i].what, cases[i].more));
		assert_int_equal(slice->endpoint_count, 1);
		endpoint = &slice->endpoints[0];
		assert_string_equal(endpoint->node, "");
		assert_string_equal(endpoint->zone, "");
		assert_string_equal(endpoint->pod, "");
		assert_string_equal(endpoint->zone_hints, "");
		assert_string_equal(endpoint->node_hints, "");
		slice_free(slice);
	}
	slice = slice_of("endpoints", "[{'addresses': ['10.0.0.1'], 'hostname': 7,"
				      " 'deprecatedTopology': [], 'deletionTimestamp': {}}]");
	assert_int_equal(refused.count, 0);
	assert_int_equal(slice->endpoint_count, 1);
	slice_free(slice);
}

static void test_zeros_before_a_number_are_read_as_kube_proxy_reads_them(void **state)
{
	struct slice *slice = slice_of("endpoints", "[{'addresses': ['010.244.001.009']}]");

	(void)state;
	assert_int_equal(refused.count, 0);
	assert_int_equal(slice->endpoint_count, 1);
	assert_string_equal(address_of(&slice->endpoints[0].address), "10.244.1.9");
	slice_free(slice);
}

static void test_what_v1beta1_has_in_a_map_is_read(void **state)
{
	static const char topology[] = "'topology': {'kubernetes.io/hostname': 'worker-1',"
				       " 'topology.kubernetes.io/zone': 'z1'}";
	struct slice *slice;
	char text[512];

	(void)state;
	snprintf(text, sizeof(text),
		 "[{'addresses': ['10.0.0.1'], %s},"
		 " {'addresses': ['10.0.0.2'], 'nodeName': 'other', %s}]",
		 topology, topology);
	slice = slice_of("endpoints", text);
	assert_int_equal(refused.count, 0);
	assert_string_equal(slice->endpoints[0].node, "worker-1");
	assert_string_equal(slice->endpoints[0].zone, "z1");
	assert_string_equal(slice->endpoints[1].node, "other");
	slice_free(slice);
	slice = slice_of("endpoints", "[{'addresses': ['10.0.0.1'],"
				      " 'topology': {'kubernetes.io/hostname': 7}}]");
	assert_string_equal(slice->endpoints[0].node, "");
	slice_free(slice);
}

static void test_ipv6_slices_take_ipv6_addresses_only(void **state)
{
	static const char *const bad[] = {"::1",      "fe80::1",         "ff02::1",         "::",
					  "10.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"};
	json_t *value = value_of(good_slice), *endpoints = json_array();
	struct slice *slice = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		json_array_append_new(endpoints, json_pack("{s[s]}", "addresses", bad[i]));
	json_array_append_new(endpoints, json_pack("{s[s]}", "addresses", "fd00::1"));
	json_object_set_new(value, "endpoints", endpoints);
	json_object_set_new(value, "addressType", json_string("IPv6"));
	name_service_of(value);
	refused.count = 0;
	assert_int_equal(decode_slice(value, refusals_take, &refused, &slice), 0);
	assert_int_equal(refused.count, COUNT(bad));
	for (i = 0; i < COUNT(bad); i++)
		assert_true(refusals_have(&refused, bad[i], " is "));
	assert_int_equal(slice->family, FAMILY_IPV6);
	assert_int_equal(slice->endpoint_count, 1);
	slice_free(slice);
	json_decref(value);
}

static void test_what_kube_proxy_ignores_is_ignored_quietly(void **state)
{
	static const struct {
		const char *path;
		const char *text;
		size_t ports;
		size_t endpoints;
	} cases[] = {
		{"endpoints", "[{'addresses': []}, {}, {'addresses': null}]", 1, 0},
		{"endpoints", "null", 1, 0},
		{"endpoints", "", 1, 0},
		{"ports", "null", 0, 2},
		/* The API server names a port that has no name "". */
		{"ports", "[{'port': 1}]", 1, 2},
		{"ports", "[{'name': null, 'port': 1}]", 1, 2},
		{"ports", "[{'name': '', 'port': 1}]", 1, 2},
		{"ports", "[{'name': 'a', 'port': null}]", 0, 2},
		{"ports", "[{'name': 'a', 'port': 0}]", 0, 2},
		{"ports", "[{'name': 'a'}]", 0, 2},
		{"ports", "[{'name': 'a', 'port': 1, 'protocol': 'UDP'}]", 0, 2},
		{"addressType", "'FQDN'", 0, 0},
		{"metadata.annotations", "[]", 1, 2},
		{"metadata.creationTimestamp", "7", 1, 2},
	};
	struct slice *slice;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s: %s\n", cases[i].path, cases[i].text);
		slice = slice_of(cases[i].path, cases[i].text);
		assert_non_null(slice);
		assert_int_equal(refused.count, 0);
		assert_int_equal(slice->port_count, cases[i].ports);
		assert_int_equal(slice->endpoint_count, cases[i].endpoints);
		slice_free(slice);
	}
}

/* A manifest that kubectl takes may have them; the API server says true and false. */
static void test_conditions_may_be_words_of_yaml(void **state)
{
	struct slice *slice = slice_of("endpoints",
				       "[{'addresses': ['10.0.0.1'], 'conditions': {'ready': 'no', "
				       "'serving': 'Yes', 'terminating': 'on'}}]");

	(void)state;
	assert_non_null(slice);
	assert_int_equal(refused.count, 0);
	assert_false(slice->endpoints[0].ready);
	assert_true(slice->endpoints[0].serving);
	assert_true(slice->endpoints[0].terminating);
	slice_free(slice);
}

static void test_a_bad_slice_port_is_refused_alone(void **state)
{
	static const char *const bad[][2] = {
		{"{'name': 'a', 'port': 70000}", "ports[0].port 70000"},
		{"{'name': 'a', 'port': 'x'}", "ports[0].port must be a whole number"},
		{"{'name': 'a', 'port': '7051'}", "not text: leave out the quotes"},
		{"{'name': 'a', 'port': '07051'}", "leave out the zeros before the number"},
		{"{'name': 'a', 'port': 7051.0}", "not a number with a fraction"},
		{"{'name': 7, 'port': 1}", "ports[0].name must be text"},
		{"{'name': 'A', 'port': 1}", "ports[0].name 'A'"},
		{"{'name': 'a', 'port': 1, 'protocol': 6}", "ports[0].protocol must be text"},
		{"'x'", "ports[0] must be an object"},
	};
	struct slice *slice;
	char text[128];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof(text), "[%s, {'name': 'grpc', 'port': 7051}]", bad[i][0]);
		slice = slice_of("ports", text);
		assert_non_null(slice);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, "fabric/gw-abc", bad[i][1]));
		assert_int_equal(slice->port_count, 1);
		slice_free(slice);
	}
	slice = slice_of("ports", "[{'name': 'a', 'port': 1}, {'name': 'a', 'port': 2}]");
	assert_true(refusals_have(&refused, "ports[1].name 'a'", "twice"));
	slice_free(slice);
}

static json_t *slice_with(size_t count, const char *address)
{
	json_t *value = value_of(good_slice), *endpoints = json_array();

	while (count--)
		json_array_append_new(endpoints, json_pack("{s[s]}", "addresses", address));
	json_object_set_new(value, "endpoints", endpoints);
	name_service_of(value);
	return value;
}

static void test_a_slice_may_have_a_thousand_endpoints_and_no_more(void **state)
{
	static const size_t too_many[] = {1001, 100000};
	struct slice *slice = NULL;
	json_t *value;
	size_t i;

	(void)state;
	value = slice_with(1000, "10.0.0.1");
	assert_int_equal(decode_slice(value, refusals_take, &refused, &slice), 0);
	assert_int_equal(slice->endpoint_count, 1000);
	slice_free(slice);
	json_decref(value);
	for (i = 0; i < COUNT(too_many); i++) {
		refused.count = 0;
		value = slice_with(too_many[i], "10.0.0.1");
		assert_int_equal(decode_slice(value, refusals_take, &refused, &slice), -EINVAL);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, "fabric/gw-abc", "split it"));
		json_decref(value);
	}
}

static void test_only_twenty_refusals_of_an_object_are_told(void **state)
{
	json_t *value = slice_with(1000, "127.0.0.1");
	struct slice *slice;

	(void)state;
	refused.count = 0;
	assert_int_equal(decode_slice(value, refusals_take, &refused, &slice), 0);
	assert_int_equal(slice->endpoint_count, 0);
	assert_int_equal(refused.count, 21);
	assert_true(refusals_have(&refused, "fabric/gw-abc", "and 980 more"));
	slice_free(slice);
	json_decref(value);
}

static void test_a_name_has_the_length_of_the_kernel_tables(void **state)
{
	char text[300];
	struct slice *slice;

	(void)state;
	snprintf(text, sizeof(text), "'%0*d'", GW_LONG_NAME_MAX - 1, 1);
	slice = slice_of("metadata.name", text);
	assert_non_null(slice);
	slice_free(slice);
	snprintf(text, sizeof(text), "'%0*d'", GW_LONG_NAME_MAX, 1);
	assert_null(slice_of("metadata.name", text));
	assert_true(refusals_have(&refused, "metadata.name", "253"));
}

static void test_a_refused_object_can_still_be_named(void **state)
{
	json_t *value = changed(good_slice, "endpoints", "'x'");
	const char *namespace, *name;

	(void)state;
	assert_int_equal(decode_name(value, &namespace, &name), 0);
	assert_string_equal(namespace, "fabric");
	assert_string_equal(name, "gw-abc");
	json_decref(value);
	value = value_of("{'metadata': {'name': 'a'}}");
	assert_int_equal(decode_name(value, &namespace, &name), 0);
	assert_string_equal(namespace, "default");
	json_decref(value);
	value = value_of("{'metadata': {'name': 'A'}}");
	assert_int_equal(decode_name(value, &namespace, &name), -EINVAL);
	json_decref(value);
	value = value_of("{'metadata': []}");
	assert_int_equal(decode_name(value, &namespace, &name), -EINVAL);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_slice_is_decoded),
		cmocka_unit_test(test_a_broken_slice_is_refused_whole),
		cmocka_unit_test(test_a_slice_that_is_no_services_is_passed_over_in_silence),
		cmocka_unit_test(test_a_bad_endpoint_is_refused_alone),
		cmocka_unit_test(test_a_field_that_only_informs_costs_no_endpoint),
		cmocka_unit_test(test_zeros_before_a_number_are_read_as_kube_proxy_reads_them),
		cmocka_unit_test(test_what_v1beta1_has_in_a_map_is_read),
		cmocka_unit_test(test_ipv6_slices_take_ipv6_addresses_only),
		cmocka_unit_test(test_what_kube_proxy_ignores_is_ignored_quietly),
		cmocka_unit_test(test_conditions_may_be_words_of_yaml),
		cmocka_unit_test(test_a_bad_slice_port_is_refused_alone),
		cmocka_unit_test(test_a_slice_may_have_a_thousand_endpoints_and_no_more),
		cmocka_unit_test(test_only_twenty_refusals_of_an_object_are_told),
		cmocka_unit_test(test_a_name_has_the_length_of_the_kernel_tables),
		cmocka_unit_test(test_a_refused_object_can_still_be_named),
	};

	return cmocka_run_group_tests_name("decode_slice", tests, NULL, NULL);
}
