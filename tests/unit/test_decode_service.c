// SPDX-License-Identifier: Apache-2.0
/* From JSON to Services: kube-proxy's rules, and every kind of bad input by name. */
#include "decode_fixture.h"

static struct refusals refused;

static const char good_service[] =
	"{'apiVersion': 'v1', 'kind': 'Service', 'metadata': {"
	"  'name': 'gw', 'namespace': 'fabric', 'labels': {'enabled': 'x'},"
	"  'annotations': {'a': 'b'}},"
	" 'spec': {'type': 'ClusterIP', 'clusterIP': '10.96.0.7',"
	"  'clusterIPs': ['10.96.0.7', 'fd00::7'],"
	"  'ipFamilies': ['IPv4', 'IPv6'], 'sessionAffinity': 'None',"
	"  'internalTrafficPolicy': 'Cluster',"
	"  'ports': [{'name': 'grpc', 'port': 7051, 'protocol': 'TCP', 'targetPort': 7051}]}}";

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
		{"spec.clusterIPs", "", 1, 1, false},
		{"spec.clusterIPs", "[]", 1, 1, false},
		{"spec.clusterIPs", "null", 1, 1, false},
		{"spec.ipFamilies", "", 2, 1, false},
		{"spec.clusterIPs", "['None']", 0, 1, true},
		{"spec", "{'clusterIP': 'None'}", 0, 0, true},
		{"spec", "{'ports': [{'port': 1}]}", 0, 1, true},
		{"spec.ports", "", 2, 0, false},
		{"spec.ports", "null", 2, 0, false},
		{"spec.ports", "[{'port': 7051}]", 2, 1, false},
		{"spec.ports", "[{'port': 53, 'protocol': 'UDP', 'name': 'u'}]", 2, 0, false},
		{"spec.ports",
		 "[{'port': 53, 'protocol': 'UDP', 'name': 'u'},"
		 " {'port': 53, 'protocol': 'TCP', 'name': 't'}]",
		 2, 1, false},
		{"metadata.namespace", "", 2, 1, false},
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
	service = service_of("spec", "{'sessionAffinity': 'ClientIP', 'sessionAffinityConfig':"
				     " {'clientIP': {'timeoutSeconds': 60}}}");
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
	service = service_of("metadata.labels", "{'service.kubernetes.io/service-proxy-name': ''}");
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
			     "{'gwbpf.io/policy': 'rr', 'example.org/gwbpf.io/policy': 'x',"
			     " 'gwbpf.io/connect-timeout': '0', 'gwbpf.io/weights': 'peer1=3'}");
	assert_int_equal(service->settings.policy, GW_POLICY_RR);
	assert_int_equal(service->settings.connect_timeout_ms, 0);
	assert_int_equal(service->settings.dead_peer_timeout_ms, 30000);
	assert_int_equal(service_weight_of(service, "peer1-0"), 3);
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
	static const char *const bad[] = {"'fastest'", "5", "null", "''", "{}"};
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

static void test_of_several_bad_annotations_the_first_key_is_the_reason(void **state)
{
	static const char *const orders[] = {
		"{'gwbpf.io/ejection': 'x', 'gwbpf.io/weights': 'x', 'gwbpf.io/drain': 'a,'}",
		"{'gwbpf.io/weights': 'x', 'gwbpf.io/drain': 'a,', 'gwbpf.io/ejection': 'x'}",
		"{'gwbpf.io/drain': 'a,', 'gwbpf.io/ejection': 'x', 'gwbpf.io/weights': 'x'}",
	};
	struct service *service;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(orders); i++) {
		service = service_of("metadata.annotations", orders[i]);
		assert_false(service->settings_good);
		assert_non_null(strstr(service->invalid, "'gwbpf.io/drain': '' is neither"));
		assert_int_equal(refused.count, 3);
		service_free(service);
	}
}

static void test_a_broken_service_is_refused_whole(void **state)
{
	static const struct bad cases[] = {
		{"metadata.name", "", "without a name", "metadata.name"},
		{"metadata.name", "''", "without a name", "metadata.name"},
		{"metadata.name", "7", "metadata.name must be text", "quotes"},
		{"metadata.name", "'Gw'", "metadata.name 'Gw'", "a-z"},
		{"metadata.name", "'a/b'", "metadata.name 'a/b'", "a-z"},
		{"metadata.name", "'-a'", "metadata.name '-a'", "letter"},
		{"metadata.name", "'a\\nb'", "metadata.name 'a?b'", "a-z"},
		{"metadata.namespace", "'a.b'", "metadata.namespace 'a.b'", "a-z"},
		{"metadata.namespace", "{}", "metadata.namespace must be text", "an object"},
		{"metadata", "[]", "metadata must be an object", "an array"},
		{"metadata", "", "without a name", ""},
		{"metadata.labels", "'x'", "metadata.labels must be an object", "fabric/gw"},
		{"metadata.annotations", "[]", "metadata.annotations must be an object", ""},
		{"metadata.labels", "{'gwbpf.io/enabled': true}", "gwbpf.io/enabled", "quotes"},
		{"spec", "", "spec is missing", "fabric/gw"},
		{"spec", "'x'", "spec must be an object", "text"},
		{"spec.ports", "'x'", "spec.ports must be an array", "text"},
		{"spec.ports", "{}", "spec.ports must be an array", "an object"},
		{"spec.type", "'Cluster'", "spec.type 'Cluster'", "ExternalName"},
		{"spec.clusterIP", "7", "spec.clusterIP must be text", ""},
		{"spec.clusterIPs", "'10.96.0.1'", "spec.clusterIPs must be an array", ""},
		{"spec.ipFamilies", "4", "spec.ipFamilies must be an array", ""},
		{"spec.internalTrafficPolicy", "'Near'", "'Near'", "Cluster, Local"},
		{"spec.sessionAffinity", "'Cookie'", "'Cookie'", "None, ClientIP"},
		{"spec", "{'sessionAffinity': 'ClientIP', 'sessionAffinityConfig': 3}",
		 "sessionAffinityConfig must be an object", ""},
		{"spec",
		 "{'sessionAffinity': 'ClientIP',"
		 " 'sessionAffinityConfig': {'clientIP': {'timeoutSeconds': 0}}}",
		 "timeoutSeconds", "from 1 to 86400"},
		{"spec",
		 "{'sessionAffinity': 'ClientIP',"
		 " 'sessionAffinityConfig': {'clientIP': {'timeoutSeconds': '60'}}}",
		 "timeoutSeconds", "from 1 to 86400"},
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
		const char *path;
		const char *text;
		const char *what;
		const char *more;
		size_t vips;
		size_t ports;
	} cases[] = {
		{"spec.clusterIPs", "['10.96.0.7', '10.96.0.8']", "10.96.0.8", "ipFamilies", 1, 1},
		{"spec.clusterIPs", "['10.96.0.7', 'x']", "'x'", "no IP address", 1, 1},
		{"spec.clusterIPs", "['10.96.0.7', 5]", "clusterIPs[1]", "text", 1, 1},
		{"spec.clusterIPs", "['127.0.0.1', 'fd00::7']", "127.0.0.1", "loopback", 1, 1},
		{"spec.clusterIPs", "['10.96.0.7', 'fd00::7', 'fd00::8']", "fd00::8", "family", 2,
		 1},
		{"spec.ports", "[{'port': 70000}]", "spec.ports[0].port 70000", "65535", 2, 0},
		{"spec.ports", "[{'port': -1}]", "spec.ports[0].port -1", "65535", 2, 0},
		{"spec.ports", "[{'port': 0}]", "spec.ports[0].port", "1 to 65535", 2, 0},
		{"spec.ports", "[{'port': '80'}]", "spec.ports[0].port", "number", 2, 0},
		{"spec.ports", "[{'port': 80.5}]", "spec.ports[0].port", "number", 2, 0},
		{"spec.ports", "[7, {'port': 80}]", "spec.ports[0] must be an object", "number", 2,
		 1},
		{"spec.ports", "[null, {'port': 80}]", "spec.ports[0] must be", "null", 2, 1},
		{"spec.ports", "[{'port': 80, 'protocol': 'tcp'}]", "'tcp'", "TCP, UDP", 2, 0},
		{"spec.ports", "[{'port': 80, 'name': 'A'}]", "spec.ports[0].name 'A'", "a-z", 2,
		 0},
		{"spec.ports", "[{'port': 80}, {'port': 81}]", "spec.ports[1]", "81", 2, 1},
		{"spec.ports", "[{'port': 80, 'name': 'a'}, {'port': 80, 'name': 'b'}]",
		 "spec.ports[1] 'b' (80)", "earlier", 2, 1},
	};
	struct service *service;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s: %s\n", cases[i].path, cases[i].text);
		service = service_of(cases[i].path, cases[i].text);
		assert_non_null(service);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, "Service 'fabric/gw'", cases[i].what));
		assert_true(refusals_have(&refused, cases[i].what, cases[i].more));
		assert_int_equal(service->vip_count, cases[i].vips);
		assert_int_equal(service->port_count, cases[i].ports);
		service_free(service);
	}
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

static void test_a_name_has_the_length_of_the_kernel_tables(void **state)
{
	char text[300];
	struct service *service;

	(void)state;
	snprintf(text, sizeof(text), "'%0*d'", GW_NAME_MAX - 1, 1);
	service = service_of("metadata.name", text);
	assert_non_null(service);
	service_free(service);
	snprintf(text, sizeof(text), "'%0*d'", GW_NAME_MAX, 1);
	assert_null(service_of("metadata.name", text));
	assert_true(refusals_have(&refused, "metadata.name", "63"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_dual_stack_service_is_decoded),
		cmocka_unit_test(test_the_rules_of_kube_proxy_for_services),
		cmocka_unit_test(test_words_of_the_spec_become_flags),
		cmocka_unit_test(test_labels_say_whose_a_service_is),
		cmocka_unit_test(test_annotations_become_settings),
		cmocka_unit_test(test_an_unknown_annotation_is_told_and_the_service_stays_good),
		cmocka_unit_test(test_a_bad_annotation_makes_a_service_invalid),
		cmocka_unit_test(test_of_several_bad_annotations_the_first_key_is_the_reason),
		cmocka_unit_test(test_a_broken_service_is_refused_whole),
		cmocka_unit_test(test_a_bad_part_of_a_service_is_refused_alone),
		cmocka_unit_test(test_long_foreign_text_is_cut_between_characters),
		cmocka_unit_test(test_a_name_has_the_length_of_the_kernel_tables),
	};

	return cmocka_run_group_tests_name("decode_service", tests, NULL, NULL);
}
