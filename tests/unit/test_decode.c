// SPDX-License-Identifier: Apache-2.0
/* From JSON to Services and slices: kube-proxy's rules, and every kind of bad input by name. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"
#include "refusals.h"
#include "source/decode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct refusals refused;

/* JSON with ' for ". */
static json_t *value_of(const char *text)
{
	char *copy = strdup(text), *at;
	json_error_t error;
	json_t *value;

	for (at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	value = json_loads(copy, JSON_DECODE_ANY, &error);
	if (!value)
		fail_msg("%s in %s", error.text, copy);
	free(copy);
	return value;
}

/* A good object with members put over it: dotted paths and their JSON values, "" to remove. */
static json_t *changed(const char *base, const char *path, const char *text)
{
	json_t *value = value_of(base), *parent = value;
	char *copy = strdup(path), *key = copy, *dot;

	while ((dot = strchr(key, '.')) != NULL) {
		*dot = '\0';
		parent = *key >= '0' && *key <= '9' ? json_array_get(parent, (size_t)atoi(key)) :
						      json_object_get(parent, key);
		key = dot + 1;
	}
	if (!*text)
		json_object_del(parent, key);
	else
		json_object_set_new(parent, key, value_of(text));
	free(copy);
	return value;
}

static const char good_service[] =
	"{'apiVersion': 'v1', 'kind': 'Service', 'metadata': {"
	"  'name': 'gw', 'namespace': 'fabric', 'labels': {'enabled': 'x'}, 'annotations': {'a': 'b'}},"
	" 'spec': {'type': 'ClusterIP', 'clusterIP': '10.96.0.7', 'clusterIPs': ['10.96.0.7', "
	"'fd00::7'],"
	"  'ipFamilies': ['IPv4', 'IPv6'], 'sessionAffinity': 'None',"
	"  'internalTrafficPolicy': 'Cluster',"
	"  'ports': [{'name': 'grpc', 'port': 7051, 'protocol': 'TCP', 'targetPort': 7051}]}}";

static const char good_slice[] =
	"{'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSlice', 'metadata': {"
	"  'name': 'gw-abc', 'namespace': 'fabric', 'labels': {'service': 'x'}},"
	" 'addressType': 'IPv4', 'ports': [{'name': 'grpc', 'port': 7051, 'protocol': 'TCP'}],"
	" 'endpoints': [{'addresses': ['10.244.1.7', '10.244.1.8'], 'nodeName': 'node1', 'zone': "
	"'Zone_a',"
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

static struct service *service_of(const char *path, const char *text)
{
	json_t *value = changed(good_service, path, text);
	struct service *service = NULL;
	int err;

	refused.count = 0;
	err = decode_service(value, refusals_take, &refused, &service);
	json_decref(value);
	if (err)
		assert_int_equal(err, -EINVAL);
	return service;
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

static const char *address_of(const struct gw_addr *address)
{
	static char text[ADDR_TEXT_MAX];

	return addr_format(address, text);
}

static void test_a_dual_stack_service_is_decoded(void **state)
{
	struct service *service = service_of("metadata.extra", "1");

	(void)state;
	assert_non_null(service);
	assert_int_equal(refused.count, 0);
	assert_string_equal(service->namespace, "fabric");
	assert_string_equal(service->name, "gw");
	assert_false(service->enabled || service->headless || service->external_name);
	assert_false(service->other_proxy || service->local_only || service->client_ip_affinity);
	assert_int_equal(service->vip_count, 2);
	assert_string_equal(address_of(&service->vips[0]), "10.96.0.7");
	assert_string_equal(address_of(&service->vips[1]), "fd00::7");
	assert_int_equal(service->port_count, 1);
	assert_string_equal(service->ports[0].name, "grpc");
	assert_int_equal(service->ports[0].port, 7051);
	assert_true(service->settings_good);
	assert_string_equal(service->invalid, "");
	service_free(service);
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

/* Where a rule turns on one member. */
static void test_the_rules_of_kube_proxy_for_services(void **state)
{
	static const struct {
		const char *path;
		const char *text;
		size_t vips;
		size_t ports;
		bool headless;
	} cases[] = {
		{ "spec.clusterIPs", "", 1, 1, false },
		{ "spec.clusterIPs", "[]", 1, 1, false },
		{ "spec.clusterIPs", "null", 1, 1, false },
		{ "spec.ipFamilies", "", 2, 1, false },
		{ "spec.clusterIPs", "['None']", 0, 1, true },
		{ "spec", "{'clusterIP': 'None'}", 0, 0, true },
		{ "spec", "{'ports': [{'port': 1}]}", 0, 1, true },
		{ "spec.ports", "", 2, 0, false },
		{ "spec.ports", "null", 2, 0, false },
		{ "spec.ports", "[{'port': 7051}]", 2, 1, false },
		{ "spec.ports", "[{'port': 53, 'protocol': 'UDP', 'name': 'u'}]", 2, 0, false },
		{ "spec.ports",
		  "[{'port': 53, 'protocol': 'UDP', 'name': 'u'},"
		  " {'port': 53, 'protocol': 'TCP', 'name': 't'}]",
		  2, 1, false },
		{ "metadata.namespace", "", 2, 1, false },
	};
	struct service *service;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s: %s\n", cases[i].path, cases[i].text);
		service = service_of(cases[i].path, cases[i].text);
		assert_non_null(service);
		assert_int_equal(refused.count, 0);
		assert_int_equal(service->vip_count, cases[i].vips);
		assert_int_equal(service->port_count, cases[i].ports);
		assert_int_equal(service->headless, cases[i].headless);
		service_free(service);
	}
}

static void test_words_of_the_spec_become_flags(void **state)
{
	struct service *service;

	(void)state;
	service = service_of("spec.type", "'ExternalName'");
	assert_true(service->external_name);
	service_free(service);
	service = service_of("spec.type", "'LoadBalancer'");
	assert_false(service->external_name);
	service_free(service);
	service = service_of("spec.internalTrafficPolicy", "'Local'");
	assert_true(service->local_only);
	service_free(service);
	service = service_of("spec.sessionAffinity", "'ClientIP'");
	assert_true(service->client_ip_affinity);
	assert_int_equal(service->affinity_timeout_s, 10800);
	service_free(service);
	service = service_of("spec", "{'clusterIP': '10.96.0.7', 'sessionAffinity': 'ClientIP',"
				     " 'sessionAffinityConfig': {'clientIP': {'timeoutSeconds': 60}}}");
	assert_int_equal(service->affinity_timeout_s, 60);
	service_free(service);
	service = service_of("metadata.namespace", "null");
	assert_string_equal(service->namespace, "default");
	service_free(service);
}

static void test_labels_say_whose_a_service_is(void **state)
{
	struct service *service;

	(void)state;
	service = service_of("metadata.labels", "{'gwbpf.io/enabled': 'true'}");
	assert_true(service->enabled);
	service_free(service);
	service = service_of("metadata.labels", "{'gwbpf.io/enabled': 'false'}");
	assert_false(service->enabled);
	assert_int_equal(refused.count, 0);
	service_free(service);
	service = service_of("metadata.labels", "{'gwbpf.io/enabled': 'yes'}");
	assert_false(service->enabled);
	assert_true(refusals_have(&refused, "Service 'fabric/gw'", "only \"true\""));
	service_free(service);
	service = service_of("metadata.labels", "{'gwbpf.io/policy': 'rr'}");
	assert_true(refusals_have(&refused, "gwbpf.io/policy", "settings are annotations"));
	service_free(service);
	service = service_of("metadata.labels",
			     "{'service.kubernetes.io/service-proxy-name': ''}");
	assert_true(service->other_proxy);
	service_free(service);
	service = service_of("metadata.labels", "{'service.kubernetes.io/headless': ''}");
	assert_true(service->headless);
	service_free(service);
}

static void test_annotations_become_settings(void **state)
{
	struct service *service;

	(void)state;
	service = service_of("metadata.annotations",
			     "{'gwbpf.io/policy': 'rr', 'example.org/gwbpf.io/policy': 'x'}");
	assert_int_equal(service->settings.policy, GW_POLICY_RR);
	assert_true(service->settings_good);
	assert_int_equal(refused.count, 0);
	service_free(service);
}

static void test_an_unknown_annotation_is_told_and_the_service_stays_good(void **state)
{
	struct service *service;

	(void)state;
	service = service_of("metadata.annotations", "{'gwbpf.io/polcy': 'rr'}");
	assert_non_null(service);
	assert_true(service->settings_good);
	assert_string_equal(service->invalid, "");
	assert_true(refusals_have(&refused, "Service 'fabric/gw'", "gwbpf.io/polcy"));
	service_free(service);
}

static void test_a_bad_annotation_makes_a_service_invalid(void **state)
{
	static const char *const bad[] = { "'fastest'", "5", "null", "''", "{}" };
	struct service *service;
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		snprintf(text, sizeof(text), "{'gwbpf.io/policy': %s}", bad[i]);
		service = service_of("metadata.annotations", text);
		assert_non_null(service);
		assert_false(service->settings_good);
		assert_non_null(strstr(service->invalid, "gwbpf.io/policy"));
		assert_true(refusals_have(&refused, "Service 'fabric/gw'", service->invalid));
		service_free(service);
	}
}

struct bad {
	const char *path;
	const char *text;
	const char *what; /* both must be in the message */
	const char *more;
};

static void test_a_broken_service_is_refused_whole(void **state)
{
	static const struct bad cases[] = {
		{ "metadata.name", "", "without a name", "metadata.name" },
		{ "metadata.name", "''", "without a name", "metadata.name" },
		{ "metadata.name", "7", "metadata.name must be text", "quotes" },
		{ "metadata.name", "'Gw'", "metadata.name 'Gw'", "a-z" },
		{ "metadata.name", "'a/b'", "metadata.name 'a/b'", "a-z" },
		{ "metadata.name", "'-a'", "metadata.name '-a'", "letter" },
		{ "metadata.name", "'a\\nb'", "metadata.name 'a?b'", "a-z" },
		{ "metadata.namespace", "'a.b'", "metadata.namespace 'a.b'", "a-z" },
		{ "metadata.namespace", "{}", "metadata.namespace must be text", "an object" },
		{ "metadata", "[]", "metadata must be an object", "an array" },
		{ "metadata", "", "without a name", "" },
		{ "metadata.labels", "'x'", "metadata.labels must be an object", "fabric/gw" },
		{ "metadata.annotations", "[]", "metadata.annotations must be an object", "" },
		{ "metadata.labels", "{'gwbpf.io/enabled': true}", "gwbpf.io/enabled", "quotes" },
		{ "spec", "", "spec is missing", "fabric/gw" },
		{ "spec", "'x'", "spec must be an object", "text" },
		{ "spec.ports", "'x'", "spec.ports must be an array", "text" },
		{ "spec.ports", "{}", "spec.ports must be an array", "an object" },
		{ "spec.type", "'Cluster'", "spec.type 'Cluster'", "ExternalName" },
		{ "spec.clusterIP", "7", "spec.clusterIP must be text", "" },
		{ "spec.clusterIPs", "'10.96.0.1'", "spec.clusterIPs must be an array", "" },
		{ "spec.ipFamilies", "4", "spec.ipFamilies must be an array", "" },
		{ "spec.internalTrafficPolicy", "'Near'", "'Near'", "Cluster, Local" },
		{ "spec.sessionAffinity", "'Cookie'", "'Cookie'", "None, ClientIP" },
		{ "spec", "{'sessionAffinity': 'ClientIP', 'sessionAffinityConfig': 3}",
		  "sessionAffinityConfig must be an object", "" },
		{ "spec",
		  "{'sessionAffinity': 'ClientIP',"
		  " 'sessionAffinityConfig': {'clientIP': {'timeoutSeconds': 0}}}",
		  "timeoutSeconds", "from 1 to 86400" },
		{ "spec",
		  "{'sessionAffinity': 'ClientIP',"
		  " 'sessionAffinityConfig': {'clientIP': {'timeoutSeconds': '60'}}}",
		  "timeoutSeconds", "from 1 to 86400" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s: %s\n", cases[i].path, cases[i].text);
		assert_null(service_of(cases[i].path, cases[i].text));
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, cases[i].what, cases[i].more));
	}
}

static void test_a_bad_part_of_a_service_is_refused_alone(void **state)
{
	static const struct {
		struct bad bad;
		size_t vips;
		size_t ports;
	} cases[] = {
		{ { "spec.clusterIPs", "['10.96.0.7', '10.96.0.8']", "10.96.0.8", "ipFamilies" }, 1, 1 },
		{ { "spec.clusterIPs", "['10.96.0.7', 'x']", "'x'", "no IP address" }, 1, 1 },
		{ { "spec.clusterIPs", "['10.96.0.7', 5]", "clusterIPs[1]", "text" }, 1, 1 },
		{ { "spec.clusterIPs", "['127.0.0.1', 'fd00::7']", "127.0.0.1", "loopback" }, 1, 1 },
		{ { "spec.clusterIPs", "['10.96.0.7', 'fd00::7', 'fd00::8']", "fd00::8", "family" },
		  2,
		  1 },
		{ { "spec.ports", "[{'port': 70000}]", "spec.ports[0].port 70000", "65535" }, 2, 0 },
		{ { "spec.ports", "[{'port': -1}]", "spec.ports[0].port -1", "65535" }, 2, 0 },
		{ { "spec.ports", "[{'port': 0}]", "spec.ports[0].port", "1 to 65535" }, 2, 0 },
		{ { "spec.ports", "[{'port': '80'}]", "spec.ports[0].port", "number" }, 2, 0 },
		{ { "spec.ports", "[{'port': 80.5}]", "spec.ports[0].port", "number" }, 2, 0 },
		{ { "spec.ports", "[7, {'port': 80}]", "spec.ports[0] must be an object", "number" },
		  2,
		  1 },
		{ { "spec.ports", "[null, {'port': 80}]", "spec.ports[0] must be", "null" }, 2, 1 },
		{ { "spec.ports", "[{'port': 80, 'protocol': 'tcp'}]", "'tcp'", "TCP, UDP" }, 2, 0 },
		{ { "spec.ports", "[{'port': 80, 'name': 'A'}]", "spec.ports[0].name 'A'", "a-z" },
		  2,
		  0 },
		{ { "spec.ports", "[{'port': 80}, {'port': 81}]", "spec.ports[1]", "81" }, 2, 1 },
		{ { "spec.ports", "[{'port': 80, 'name': 'a'}, {'port': 80, 'name': 'b'}]",
		    "spec.ports[1] 'b' (80)", "earlier" },
		  2,
		  1 },
	};
	struct service *service;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s: %s\n", cases[i].bad.path, cases[i].bad.text);
		service = service_of(cases[i].bad.path, cases[i].bad.text);
		assert_non_null(service);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, "Service 'fabric/gw'", cases[i].bad.what));
		assert_true(refusals_have(&refused, cases[i].bad.what, cases[i].bad.more));
		assert_int_equal(service->vip_count, cases[i].vips);
		assert_int_equal(service->port_count, cases[i].ports);
		service_free(service);
	}
}

static void test_a_broken_slice_is_refused_whole(void **state)
{
	static const struct bad cases[] = {
		{ "metadata.name", "", "without a name", "metadata.name" },
		{ "metadata.labels", "", "kubernetes.io/service-name", "fabric/gw-abc" },
		{ "metadata.labels", "[]", "metadata.labels must be an object", "" },
		{ "addressType", "", "addressType is missing", "IPv4" },
		{ "addressType", "null", "addressType is missing", "IPv4" },
		{ "addressType", "'ipv4'", "'ipv4'", "IPv4, IPv6, FQDN" },
		{ "addressType", "4", "addressType must be text", "" },
		{ "ports", "'x'", "ports must be an array", "text" },
		{ "endpoints", "{}", "endpoints must be an array", "an object" },
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

static void test_a_bad_endpoint_is_refused_alone(void **state)
{
	static const struct {
		const char *text;
		const char *what;
		const char *more;
	} cases[] = {
		{ "'x'", "endpoints[0] must be an object", "text" },
		{ "null", "endpoints[0] must be an object", "null" },
		{ "{'addresses': ['peer1']}", "endpoints[0] 'peer1'", "no IP address" },
		{ "{'addresses': ['10.0.0.256']}", "'10.0.0.256'", "no IP address" },
		{ "{'addresses': ['fd00::1']}", "'fd00::1'", "no IPv4 address" },
		{ "{'addresses': ['127.0.0.1']}", "'127.0.0.1'", "loopback" },
		{ "{'addresses': ['169.254.169.254']}", "'169.254.169.254'", "link-local" },
		{ "{'addresses': ['224.0.0.1']}", "'224.0.0.1'", "multicast" },
		{ "{'addresses': ['0.0.0.0']}", "'0.0.0.0'", "unspecified" },
		{ "{'addresses': [7]}", "endpoints[0].addresses[0]", "quotes" },
		{ "{'addresses': '10.0.0.1'}", "endpoints[0].addresses must be an array", "" },
		{ "{'addresses': ['10.0.0.1'], 'conditions': []}", "endpoints[0].conditions", "" },
		{ "{'addresses': ['10.0.0.1'], 'conditions': {'ready': 'true'}}",
		  "endpoints[0].conditions.ready", "true or false" },
		{ "{'addresses': ['10.0.0.1'], 'nodeName': 'Node 1'}", "nodeName 'Node 1'", "" },
		{ "{'addresses': ['10.0.0.1'], 'nodeName': 5}", "nodeName must be text", "" },
		{ "{'addresses': ['10.0.0.1'], 'zone': 'a\\nb'}", "zone 'a?b'", "" },
		{ "{'addresses': ['10.0.0.1'], 'targetRef': 'x'}", "targetRef must be", "" },
		{ "{'addresses': ['10.0.0.1'], 'targetRef': {'kind': 'Pod', 'name': 'P_1'}}",
		  "targetRef.name 'P_1'", "" },
		{ "{'addresses': ['10.0.0.1'], 'hints': [1]}", "hints must be an object", "" },
		{ "{'addresses': ['10.0.0.1'], 'hints': {'forZones': 'a'}}", "hints.forZones", "" },
		{ "{'addresses': ['10.0.0.1'], 'hints': {'forZones': ['a']}}", "hints must be", "" },
		{ "{'addresses': ['10.0.0.1'], 'hints': {'forZones': [{'name': 'a\\nb'}]}}",
		  "hints.name 'a?b'", "" },
		{ "{'addresses': ['10.0.0.1'], 'hints': {'forNodes': [{'name': 'a b'}]}}",
		  "hints.name 'a b'", "" },
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
		assert_true(refusals_have(&refused, "EndpointSlice 'fabric/gw-abc'",
					  cases[i].what));
		assert_true(refusals_have(&refused, cases[i].what, cases[i].more));
		assert_int_equal(slice->endpoint_count, 1);
		assert_string_equal(address_of(&slice->endpoints[0].address), "10.244.9.9");
		slice_free(slice);
	}
}

static void test_ipv6_slices_take_ipv6_addresses_only(void **state)
{
	static const char *const bad[] = { "::1", "fe80::1", "ff02::1", "::", "10.0.0.1",
					   "::ffff:10.0.0.1", "::ffff:127.0.0.1" };
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
		{ "endpoints", "[{'addresses': []}, {}, {'addresses': null}]", 1, 0 },
		{ "endpoints", "null", 1, 0 },
		{ "endpoints", "", 1, 0 },
		{ "ports", "null", 0, 2 },
		{ "ports", "[{'port': 1}]", 0, 2 },
		{ "ports", "[{'name': null, 'port': 1}]", 0, 2 },
		{ "ports", "[{'name': '', 'port': 1}]", 1, 2 },
		{ "ports", "[{'name': 'a', 'port': null}]", 0, 2 },
		{ "ports", "[{'name': 'a', 'port': 0}]", 0, 2 },
		{ "ports", "[{'name': 'a'}]", 0, 2 },
		{ "ports", "[{'name': 'a', 'port': 1, 'protocol': 'UDP'}]", 0, 2 },
		{ "addressType", "'FQDN'", 0, 0 },
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

static void test_a_bad_slice_port_is_refused_alone(void **state)
{
	static const char *const bad[][2] = {
		{ "{'name': 'a', 'port': 70000}", "ports[0].port 70000" },
		{ "{'name': 'a', 'port': 'x'}", "ports[0].port must be a whole number" },
		{ "{'name': 7, 'port': 1}", "ports[0].name must be text" },
		{ "{'name': 'A', 'port': 1}", "ports[0].name 'A'" },
		{ "{'name': 'a', 'port': 1, 'protocol': 6}", "ports[0].protocol must be text" },
		{ "'x'", "ports[0] must be an object" },
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
	static const size_t too_many[] = { 1001, 100000 };
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

static void test_names_have_the_lengths_of_the_kernel_tables(void **state)
{
	char text[300];
	struct service *service;
	struct slice *slice;

	(void)state;
	snprintf(text, sizeof(text), "'%0*d'", GW_NAME_MAX - 1, 1);
	service = service_of("metadata.name", text);
	assert_non_null(service);
	service_free(service);
	snprintf(text, sizeof(text), "'%0*d'", GW_NAME_MAX, 1);
	assert_null(service_of("metadata.name", text));
	assert_true(refusals_have(&refused, "metadata.name", "63"));
	snprintf(text, sizeof(text), "'%0*d'", GW_LONG_NAME_MAX - 1, 1);
	slice = slice_of("metadata.name", text);
	assert_non_null(slice);
	slice_free(slice);
	snprintf(text, sizeof(text), "'%0*d'", GW_LONG_NAME_MAX, 1);
	assert_null(slice_of("metadata.name", text));
	assert_true(refusals_have(&refused, "metadata.name", "253"));
}

static void test_long_foreign_text_is_cut_between_characters(void **state)
{
	char name[600], text[700];
	size_t i;

	(void)state;
	for (i = 0; i < 300; i++)
		memcpy(name + 2 * i, "\xc3\xa4", 2);
	name[599] = '\0';
	name[598] = '\0';
	snprintf(text, sizeof(text), "'x%s'", name);
	assert_null(service_of("metadata.name", text));
	assert_int_equal(refused.count, 1);
	assert_true(strlen(refused.text[0]) < 500);
	json_t *told = json_string(refused.text[0]); /* only if it is UTF-8 */

	assert_non_null(told);
	json_decref(told);
}

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
		{ "{'apiVersion': 'discovery.k8s.io/v1', 'kind': 'EndpointSliceList'}", OBJECT_LIST },
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
		cmocka_unit_test(test_a_dual_stack_service_is_decoded),
		cmocka_unit_test(test_a_slice_is_decoded),
		cmocka_unit_test(test_the_rules_of_kube_proxy_for_services),
		cmocka_unit_test(test_words_of_the_spec_become_flags),
		cmocka_unit_test(test_labels_say_whose_a_service_is),
		cmocka_unit_test(test_annotations_become_settings),
		cmocka_unit_test(test_an_unknown_annotation_is_told_and_the_service_stays_good),
		cmocka_unit_test(test_a_bad_annotation_makes_a_service_invalid),
		cmocka_unit_test(test_a_broken_service_is_refused_whole),
		cmocka_unit_test(test_a_bad_part_of_a_service_is_refused_alone),
		cmocka_unit_test(test_a_broken_slice_is_refused_whole),
		cmocka_unit_test(test_a_bad_endpoint_is_refused_alone),
		cmocka_unit_test(test_ipv6_slices_take_ipv6_addresses_only),
		cmocka_unit_test(test_what_kube_proxy_ignores_is_ignored_quietly),
		cmocka_unit_test(test_a_bad_slice_port_is_refused_alone),
		cmocka_unit_test(test_a_slice_may_have_a_thousand_endpoints_and_no_more),
		cmocka_unit_test(test_only_twenty_refusals_of_an_object_are_told),
		cmocka_unit_test(test_names_have_the_lengths_of_the_kernel_tables),
		cmocka_unit_test(test_long_foreign_text_is_cut_between_characters),
		cmocka_unit_test(test_kinds_are_told_by_api_version_and_kind),
		cmocka_unit_test(test_a_refused_object_can_still_be_named),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
