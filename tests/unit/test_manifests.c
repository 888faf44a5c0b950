// SPDX-License-Identifier: Apache-2.0
/* Manifests: everything that kubectl prints is read as it is, one by one. */
#include "manifest_fixture.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/addr.h"

static int read_file(const char *path, struct manifest *ret)
{
	refused.count = 0;
	return manifest_read(path, refusals_take, &refused, ret);
}

static const struct service *find_service(const struct manifest *manifest, const char *name)
{
	size_t i;

	for (i = 0; i < manifest->service_count; i++) {
		if (!strcmp(manifest->services[i]->name, name))
			return manifest->services[i];
	}
	fail_msg("no Service '%s'", name);
	return NULL;
}

static void test_a_real_cluster_is_read_as_kubectl_prints_it(void **state)
{
	struct manifest manifest;
	const struct service *service;
	size_t i, endpoints = 0;

	(void)state;
	assert_int_equal(read_file("tests/data/fabric-cluster.yaml", &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.service_count, 10);
	assert_int_equal(manifest.slice_count, 11);
	service = find_service(&manifest, "org1-peer-gateway-svc");
	assert_true(service->enabled);
	assert_int_equal(service->vip_count, 2);
	assert_int_equal(service->ports[0].port, 7051);
	for (i = 0; i < manifest.slice_count; i++) {
		if (!strcmp(manifest.slices[i]->service, "org1-peer-gateway-svc"))
			endpoints += manifest.slices[i]->endpoint_count;
	}
	assert_int_equal(endpoints, 6); /* three peers, two families */
	manifest_done(&manifest);
}

static void test_lists_of_the_api_server_are_read(void **state)
{
	struct manifest manifest;

	(void)state;
	assert_int_equal(read_file("tests/data/api/services.json", &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.service_count, 2);
	manifest_done(&manifest);
	assert_int_equal(read_file("tests/data/api/endpointslices-page1.json", &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.slice_count, 2);
	manifest_done(&manifest);
}

static void test_documents_of_any_kind_follow_each_other(void **state)
{
	static const char text[] = "# a comment\n---\n" SERVICE SPEC
				   "---\napiVersion: apps/v1\nkind: Deployment\nspec: {a: b}\n"
				   "---\n---\n{apiVersion: v1, kind: List, items: ["
				   "{apiVersion: v1, kind: Service, "
				   "metadata: {name: other}, spec: {}}, "
				   "{apiVersion: v1, kind: Pod, metadata: {name: p}}]}\n...\n";
	struct manifest manifest;

	(void)state;
	assert_int_equal(parse_text(text, &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.service_count, 2);
	assert_string_equal(find_service(&manifest, "gw")->namespace, "fabric");
	assert_string_equal(find_service(&manifest, "other")->namespace, "default");
	assert_int_equal(manifest.skipped_count, 2);
	assert_string_equal(manifest.skipped_kinds, "Deployment, Pod");
	manifest_done(&manifest);
}

#define JSON_SERVICE(name)                                                                         \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name               \
	"\"},\"spec\":{}}"

#define YAML_SERVICE(name) "apiVersion: v1\nkind: Service\nmetadata: {name: " name "}\nspec: {}\n"

static void test_json_texts_follow_each_other(void **state)
{
	static const char *const texts[] = {
		JSON_SERVICE("a") "\n" JSON_SERVICE("b"),
		"\n\t " JSON_SERVICE("a") JSON_SERVICE("b") "\n\n",
		JSON_SERVICE("a") "\n---\n" JSON_SERVICE("b"),
		"---\n" JSON_SERVICE("a") "\n---\n" JSON_SERVICE("b"),
		"\xef\xbb\xbf" JSON_SERVICE("a") JSON_SERVICE("b"),
		JSON_SERVICE("a") "\n---\n" YAML_SERVICE("b"),
		JSON_SERVICE("a") "\r\n---\r\n" YAML_SERVICE("b"),
		JSON_SERVICE("a") "\n--- # the other\n" JSON_SERVICE("b"),
		"---\n# Source: a.json\n" JSON_SERVICE(
			"a") "\n---\n# Source: b.json\n" JSON_SERVICE("b") "\n",
		YAML_SERVICE("a") "---\n" JSON_SERVICE("b"),
	};
	struct manifest manifest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse_text(texts[i], &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_int_equal(manifest.service_count, 2);
		manifest_done(&manifest);
	}
}

#define YAML_SERVICE(name) "apiVersion: v1\nkind: Service\nmetadata: {name: " name "}\nspec: {}\n"

/* As kubectl reads them; and where it reads only some of them, all. */
static void test_json_and_yaml_follow_each_other(void **state)
{
	static const char *const texts[] = {
		JSON_SERVICE("a") "\n---\n" YAML_SERVICE("b") "---\n" YAML_SERVICE("c"),
		JSON_SERVICE("a") "---\n" JSON_SERVICE("b") "\n\n---\n" YAML_SERVICE("c"),
		JSON_SERVICE("a") JSON_SERVICE("b") "\n---\n" YAML_SERVICE("c"),
		JSON_SERVICE("a") "\n--- # two\n" YAML_SERVICE("b") "---\n" JSON_SERVICE("c"),
		JSON_SERVICE("a") "\n# two\n---\n" YAML_SERVICE("b") "---\n" JSON_SERVICE("c") "\n",
		JSON_SERVICE("a") "\n...\n---\n" YAML_SERVICE("b") "---\n" YAML_SERVICE("c"),
		JSON_SERVICE("a") "\n" YAML_SERVICE("b") "---\n" YAML_SERVICE("c"),
		JSON_SERVICE("a") "\n---\n{apiVersion: v1, kind: Service, metadata: {name: b}, "
				  "spec: {}}\n---\n" JSON_SERVICE("c"),
		YAML_SERVICE("a") "---\n" JSON_SERVICE("b") "\n---\n" YAML_SERVICE("c"),
	};
	struct manifest manifest;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse_text(texts[i], &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_int_equal(manifest.service_count, 3);
		assert_non_null(find_service(&manifest, "b"));
		assert_non_null(find_service(&manifest, "c"));
		manifest_done(&manifest);
	}
}

/* As kubectl and as the API server order the members of a list, in both languages. */
static void test_a_list_is_the_same_in_any_order(void **state)
{
	static const char *const texts[] = {
		"{\"kind\":\"ServiceList\",\"apiVersion\":\"v1\",\"items\":["
		"{\"metadata\":{\"name\":\"a\"},\"spec\":{}}, " JSON_SERVICE("b") "]}",
		"{\"items\":[{\"metadata\":{\"name\":\"a\"},\"spec\":{}},\n" JSON_SERVICE(
			"b") "],"
			     "\"kind\":\"ServiceList\",\"apiVersion\":\"v1\"}",
		"kind: ServiceList\napiVersion: v1\nitems:\n- metadata: {name: a}\n  spec: {}\n"
		"- {apiVersion: v1, kind: Service, metadata: {name: b}, spec: {}}\n",
		"items:\n- metadata: {name: a}\n  spec: {}\n- apiVersion: v1\n  kind: Service\n"
		"  metadata: {name: b}\n  spec: {}\nkind: ServiceList\napiVersion: v1\n",
	};
	struct manifest manifest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse_text(texts[i], &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_int_equal(manifest.service_count, 2);
		find_service(&manifest, "a");
		find_service(&manifest, "b");
		manifest_done(&manifest);
	}
}

static size_t json_values, json_values_most;

static void *count_allocation(size_t size)
{
	if (++json_values > json_values_most)
		json_values_most = json_values;
	return malloc(size);
}

static void count_free(void *freed)
{
	json_values -= freed != NULL;
	free(freed);
}

#define POD "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"a\":[{},{},{},{},{},{},{},{}]}"

/* The values of a whole List would take many times what it is written in. */
static void test_of_a_list_one_item_at_a_time_is_in_memory(void **state)
{
	char *texts[] = {
		repeated("{\"apiVersion\":\"v1\",\"items\":[", POD ",", 10000,
			 POD "],\"kind\":\"List\"}"),
		repeated("apiVersion: v1\nitems:\n", "- " POD "\n", 10000, "kind: List\n"),
	};
	struct manifest manifest;
	size_t i;

	(void)state;
	json_set_alloc_funcs(count_allocation, count_free);
	for (i = 0; i < COUNT(texts); i++) {
		json_values_most = 0;
		assert_int_equal(parse_text(texts[i], &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_in_range(json_values_most, 10, 200);
		assert_int_equal(json_values, 0);
		manifest_done(&manifest);
		free(texts[i]);
	}
	json_set_alloc_funcs(malloc, free);
}

static void test_nothing_is_a_good_manifest(void **state)
{
	static const char *const texts[] =
		{"",       "\n", "# nothing\n", "---\n", "---\n---\n...\n",
		 "null\n", "~",  "\xef\xbb\xbf"};
	struct manifest manifest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse_text(texts[i], &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_int_equal(manifest.service_count + manifest.slice_count, 0);
		manifest_done(&manifest);
	}
	assert_int_equal(parse_text("{apiVersion: v1, kind: List, items: null}", &manifest), 0);
	assert_int_equal(refused.count, 0);
	manifest_done(&manifest);
	assert_int_equal(parse_text("{apiVersion: v1, kind: List}", &manifest), 0);
	manifest_done(&manifest);
}

static void test_a_bad_object_leaves_the_others(void **state)
{
	static const char text[] =
		"apiVersion: v1\nkind: List\nitems:\n"
		"- {apiVersion: v1, kind: Service, metadata: {namespace: fabric}, spec: {}}\n"
		"- {apiVersion: v1, kind: Service, metadata: {name: bad, namespace: fabric}}\n"
		"- {apiVersion: v1, kind: Service, metadata: {name: good}, spec: {}}\n"
		"- plain\n"
		"- {metadata: {name: nothing}}\n"
		"- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Service, "
		"metadata: {name: nested}, spec: {}}]}\n";
	struct manifest manifest;

	(void)state;
	assert_int_equal(parse_text(text, &manifest), 0);
	assert_int_equal(manifest.service_count, 2);
	assert_string_equal(manifest.services[0]->name, "good");
	assert_string_equal(manifest.services[1]->name, "nested");
	assert_int_equal(refused.count, 4);
	assert_true(refusals_have(&refused, "Service without a name", "set metadata.name"));
	assert_true(refusals_have(&refused, "Service 'fabric/bad'", "spec is missing"));
	assert_true(refusals_have(&refused, "an item of the List", "no kind"));
	/* Refused, but not gone. */
	assert_int_equal(manifest.refused_count, 1);
	assert_int_equal(manifest.refused[0].kind, OBJECT_SERVICE);
	assert_string_equal(manifest.refused[0].namespace, "fabric");
	assert_string_equal(manifest.refused[0].name, "bad");
	manifest_done(&manifest);
}

static void test_the_second_object_of_a_name_is_refused(void **state)
{
	static const char text[] = SERVICE SPEC
		"---\n" SERVICE "spec: {}\n---\n"
		"apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n"
		"metadata: {name: gw, namespace: fabric, labels: "
		"{kubernetes.io/service-name: gw}}\n"
		"addressType: IPv4\n"
		"---\n" SERVICE "spec: {}\n";
	struct manifest manifest;

	(void)state;
	assert_int_equal(parse_text(text, &manifest), 0);
	assert_int_equal(manifest.service_count, 1);
	assert_int_equal(manifest.slice_count, 1);
	assert_int_equal(manifest.services[0]->port_count, 1);
	assert_int_equal(refused.count, 2);
	assert_true(refusals_have(&refused, "Service 'fabric/gw'", "twice in this file"));
	manifest_done(&manifest);
}

static void test_what_says_something_of_ours_is_not_skipped_in_silence(void **state)
{
	static const struct {
		const char *text;
		const char *object;
		const char *what;
	} cases[] = {
		{"apiVersion: discovery.k8s.io/v1alpha1\nkind: EndpointSlice\n"
		 "metadata: {name: a, namespace: fabric}\n",
		 "EndpointSlice 'fabric/a'", "'discovery.k8s.io/v1alpha1'"},
		{"apiVersion: v1\nkind: service\nmetadata: {name: a}\n", "service 'default/a'",
		 "kind 'service'"},
		{"apiVersion: v1\nkind: List\nitems: [{kind: Service, metadata: {name: e}}]\n",
		 "Service 'default/e'", "apiVersion ''"},
		{"apiVersion: v1\nkind: Status\nmetadata: {}\nmessage: not allowed\n", "",
		 "'not allowed'"},
		{"apiVersion: meta.k8s.io/v1\nkind: Table\nmetadata: {}\n", "", "-o yaml"},
		{"apiVersion: v1\nkind: List\nitems: [{apiVersion: v2, kind: Endpoints, "
		 "metadata: {name: e}}]\n",
		 "Endpoints 'default/e'", "'v2'"},
	};
	struct manifest manifest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse_text(cases[i].text, &manifest), 0);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, cases[i].object, cases[i].what));
		assert_int_equal(manifest.skipped_count, 0);
		manifest_done(&manifest);
	}
}

#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define SERVICE_AT(name, ip)                                                                       \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name               \
	"\"},\"spec\":{\"clusterIP\":\"" ip "\"}}"
#define ENDPOINTS_AT(name, subsets)                                                                \
	"{\"apiVersion\":\"v1\",\"kind\":\"Endpoints\",\"metadata\":{\"name\":\"" name             \
	"\"},\"subsets\":[" subsets "]}"
#define SUBSET(ip) "{\"addresses\":[{\"ip\":\"" ip "\"}]}"

static void test_the_events_of_a_watch_come_to_what_they_lead_to(void **state)
{
	static const char events[] = EVENT("ADDED",
					   SERVICE_AT("a", "10.0.0.1")) EVENT("ADDED",
									      SERVICE_AT("b", ""))
		EVENT("BOOKMARK", "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{}}")
			EVENT("MODIFIED", SERVICE_AT("a", "10.0.0.2")) EVENT("DELETED",
									     SERVICE_AT("b", ""))
				EVENT("DELETED", SERVICE_AT("never", "")) EVENT("ADDED",
										SERVICE_AT("c", ""))
					EVENT("ADDED",
					      ENDPOINTS_AT("e", SUBSET("10.1.0.1") "," SUBSET(
									"10.1.0.2")))
						EVENT("MODIFIED",
						      ENDPOINTS_AT("e", SUBSET("10.1.0.3")))
							EVENT("ADDED",
							      ENDPOINTS_AT("f", SUBSET("10.1.0.1")))
								EVENT("DELETED",
								      ENDPOINTS_AT("f", ""));
	static const char yaml[] =
		"type: ADDED\nobject:\n  apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n"
		"  spec: {}\n---\ntype: DELETED\nobject:\n  apiVersion: v1\n  kind: Service\n"
		"  metadata: {name: a}\n";
	struct manifest manifest;
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_int_equal(parse_text(events, &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.service_count, 2);
	assert_string_equal(addr_format(&find_service(&manifest, "a")->vips[0], text), "10.0.0.2");
	find_service(&manifest, "c");
	assert_int_equal(manifest.slice_count, 1);
	assert_string_equal(addr_format(&manifest.slices[0]->endpoints[0].address, text),
			    "10.1.0.3");
	manifest_done(&manifest);
	assert_int_equal(parse_text(yaml, &manifest), 0);
	assert_int_equal(manifest.service_count, 0);
	manifest_done(&manifest);
	assert_int_equal(
		parse_text(EVENT("ADDED", SERVICE_AT("a", "")) EVENT(
				   "ERROR",
				   "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
				   "\"message\":\"too old\"}"),
			   &manifest),
		0);
	assert_int_equal(manifest.service_count, 1);
	assert_true(refusals_have(&refused, "", "'too old'"));
	manifest_done(&manifest);
}

static void test_a_broken_stream_of_events_is_named_as_one(void **state)
{
	static const char *const texts[] = {
		EVENT("ADDED", SERVICE_AT("a", "")) "{\"type\":\"ADDED\",\"obj",
		EVENT("RENAMED", SERVICE_AT("a", "")),
		EVENT("ADDED", "{\"metadata\":{\"name\":\"a\"}}"),
	};
	struct manifest manifest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse_text(texts[i], &manifest), -EINVAL);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, "", "a watch's event"));
	}
}

/* The same text in another encoding of YAML 1.2; order: the bytes of a unit. */
static size_t encode(const char *text, char *to, size_t unit, bool little, bool mark)
{
	const unsigned char *at = (const unsigned char *)text;
	char *begin = to;
	uint32_t code;

	for (code = mark ? 0xfeff : *at++; code; code = *at++) {
		for (size_t i = 0; i < unit; i++) {
			size_t shift = 8 * (little ? i : unit - 1 - i);

			*to++ = (char)(code >> shift);
		}
	}
	return (size_t)(to - begin);
}

static void test_every_encoding_of_yaml_is_read(void **state)
{
	static const char *const texts[] = {SERVICE SPEC, SERVICE_AT("gw", "10.96.0.7"),
					    "# comment\r\n" SERVICE SPEC};
	struct manifest manifest;
	char bytes[4096];

	(void)state;
	for (unsigned int i = 0; i < 8 * COUNT(texts); i++) {
		size_t size = encode(texts[i / 8], bytes, i & 1 ? 4 : 2, i & 2, i & 4);

		assert_int_equal(parse(bytes, size, &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_int_equal(manifest.service_count, 1);
		assert_string_equal(manifest.services[0]->name, "gw");
		manifest_done(&manifest);
		assert_int_equal(parse(bytes, size - 1, &manifest), -EINVAL);
		assert_true(refusals_have(&refused, "UTF-", "UTF-8 (iconv"));
	}
	assert_int_equal(parse("\xfe\xff\0#\xd8\x3d\xde\x00\0 \x4e\x2d\0\xe9", 14, &manifest), 0);
	manifest_done(&manifest);
	assert_int_equal(parse("\xfe\xff\0#\xde\x00\0#", 8, &manifest), -EINVAL);
	assert_true(refusals_have(&refused, "no character of that at byte 4", "UTF-16"));
}

static void test_byte_order_marks_between_documents_are_no_text(void **state)
{
	static const char *const texts[] = {
		"\xef\xbb\xbf" SERVICE SPEC "---\n\xef\xbb\xbf"
		"apiVersion: v1\nkind: Pod\n",
		SERVICE SPEC "\xef\xbb\xbf---\napiVersion: v1\nkind: Pod\n",
		SERVICE_AT("gw", "") "\xef\xbb\xbf{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}",
	};
	struct manifest manifest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse_text(texts[i], &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_int_equal(manifest.service_count, 1);
		assert_int_equal(manifest.skipped_count, 1);
		manifest_done(&manifest);
	}
}

/* Any tenant can annotate his Service with them, and kubectl prints them. */
static void test_an_escape_that_is_no_character_costs_no_object(void **state)
{
#define ANNOTATED(name, note)                                                                      \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name               \
	"\",\"annotations\":{\"note\":\"" note "\"}},\"spec\":{}}"
	static const char *const texts[] = {
		ANNOTATED("a", "\\u0000"),
		ANNOTATED("a", "x\\u0000y\\\\\\u0000"),
		ANNOTATED("a", "\\ud800 \\udc00"),
		ANNOTATED("a", "\\uD83D\\uDE00 \\udead\\n\\\\"),
		"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"note\":\"\\u0000\",\"items\":[" ANNOTATED(
			"a", "\\u0000") "]}",
		"apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: "
		"{note: \"x\\0\\0y\"}}\nspec: {}\n",
	};
	struct manifest manifest;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		print_message("# %s\n", texts[i]);
		assert_int_equal(parse_text(texts[i], &manifest), 0);
		assert_int_equal(refused.count, 0);
		assert_int_equal(manifest.service_count, 1);
		manifest_done(&manifest);
	}
	/* It ends no text: what follows it counts. */
	assert_int_equal(parse_text(ANNOTATED("a", "\", \"gwbpf.io/policy\": \"rr\\u0000"),
				    &manifest),
			 0);
	assert_true(refusals_have(&refused, "gwbpf.io/policy", "rr"));
	manifest_done(&manifest);
	assert_int_equal(parse_text(ANNOTATED("a\\u0000", ""), &manifest), 0);
	assert_true(refusals_have(&refused, "Service", "is not a valid name"));
	manifest_done(&manifest);
	/* An escaped backslash is no escape. */
	assert_int_equal(parse_text(ANNOTATED("a", "\\\\ud800"), &manifest), 0);
	manifest_done(&manifest);
	assert_int_equal(parse_text(ANNOTATED("a", "\\u00"), &manifest), -EINVAL);
}

/* Whose own numbers they are, they do not cost the objects beside. */
static void test_a_number_of_more_than_64_bits_costs_no_other_object(void **state)
{
	static const char text[] =
		"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
		"{\"apiVersion\":\"x.io/v1\",\"kind\":\"Meter\",\"metadata\":{\"name\":\"m\"},"
		"\"spec\":{\"max\":18446744073709552000,\"n\":7}}," SERVICE_AT("gw",
									       "10.96.0.7") "]}";
	struct manifest manifest;

	(void)state;
	assert_int_equal(parse_text(text, &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.skipped_count, 1);
	assert_int_equal(manifest.service_count, 1);
	assert_int_equal(manifest.services[0]->vip_count, 1);
	manifest_done(&manifest);
	assert_int_equal(parse_text("{\"a\": 1e999}", &manifest), -EINVAL);
}

static void test_what_yaml_has_to_save_writing_is_read(void **state)
{
	static const char text[] =
		"apiVersion: v1\nkind: Service\nmetadata:\n  name: &name gw\n  labels: &labels\n"
		"    gwbpf.io/enabled: !!str true\nspec:\n  clusterIP: &vip 10.96.0.7\n"
		"  clusterIPs: [*vip]\n"
		"  ports: &ports\n  - &port {name: grpc, port: !!int 7051, protocol: !!binary VENQ}\n"
		"  - <<: *port\n    name: ops\n    port: 9443\n"
		"  - <<: [{port: 80}, *port]\n    name: web\n"
		"---\napiVersion: v1\nkind: Service\nmetadata: !!map\n"
		"  &key labels: {gwbpf.io/enabled: \"true\"}\n  name: other\n"
		"  annotations: {&policy gwbpf.io/policy: rr}\n"
		"spec: {clusterIP: None, ports: !!seq [&a {port: 1}]}\n";
	struct manifest manifest;
	const struct service *service;

	(void)state;
	assert_int_equal(parse_text(text, &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.service_count, 2);
	service = find_service(&manifest, "gw");
	assert_true(service->enabled);
	assert_int_equal(service->vip_count, 1);
	assert_int_equal(service->port_count, 3);
	assert_int_equal(service->ports[0].port, 7051);
	assert_string_equal(service->ports[1].name, "ops");
	assert_int_equal(service->ports[1].port, 9443);
	assert_string_equal(service->ports[2].name, "web");
	assert_int_equal(service->ports[2].port, 80);
	manifest_done(&manifest);
}

static void test_what_is_packed_is_called_by_its_name(void **state)
{
	static const struct {
		const char *begin;
		const char *command;
	} cases[] = {
		{"\x1f\x8b\x08", "gzip, and no text: unpack it (gunzip)"},
		{"\xfd\x37zXZ", "xz, and no text: unpack it (unxz)"},
		{"\x28\xb5\x2f\xfd$", "zstd"},
		{"BZh9", "bzip2"},
		{"PK\x03\x04", "zip"},
	};
	struct manifest manifest;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse_text(cases[i].begin, &manifest), -EINVAL);
		assert_true(refusals_have(&refused, "it is packed by", cases[i].command));
	}
}

static char directory[] = "/tmp/gwbpf-manifests-XXXXXX";

static const char *in_directory(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_directory(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_what_is_no_regular_file_is_refused_without_waiting(void **state)
{
	struct manifest manifest;

	(void)state;
	assert_int_equal(mkfifo(in_directory("fifo.yaml"), 0600), 0);
	assert_int_equal(read_file(in_directory("fifo.yaml"), &manifest), -ENODEV);
	assert_true(refusals_have(&refused, ": cannot read the file", "no regular file"));
	unlink(in_directory("fifo.yaml"));
	assert_int_equal(read_file("/dev/zero", &manifest), -ENODEV);
	assert_true(refusals_have(&refused, ": cannot read the file", "no regular file"));
	assert_int_equal(read_file(directory, &manifest), -EISDIR);
	assert_true(refusals_have(&refused, ": cannot read the file", "directory"));
	assert_int_equal(read_file(in_directory("absent.yaml"), &manifest), -ENOENT);
	assert_true(refusals_have(&refused, ": cannot read the file", "No such file"));
}

/* Opening a device may rewind a tape, or reset who listens to a line. */
static void test_what_is_no_regular_file_is_not_opened(void **state)
{
	char event[sizeof(struct inotify_event) + 256];
	struct manifest manifest;
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	(void)state;
	assert_int_equal(mkfifo(in_directory("fifo"), 0600), 0);
	assert_int_equal(symlink("fifo", in_directory("link.yaml")), 0);
	assert_true(inotify_add_watch(watch, in_directory("fifo"), IN_OPEN) >= 0);
	assert_int_equal(read_file(in_directory("link.yaml"), &manifest), -ENODEV);
	assert_int_equal(read(watch, event, sizeof(event)), -1);
	close(open(in_directory("fifo"), O_RDONLY | O_NONBLOCK));
	assert_true(read(watch, event, sizeof(event)) > 0);
	close(watch);
	unlink(in_directory("link.yaml"));
	unlink(in_directory("fifo"));
}

static void test_a_file_of_200_mb_is_refused_before_it_is_read(void **state)
{
	struct manifest manifest;
	double start = cpu_seconds();

	(void)state;
	write_file("large.yaml", "a: b\n");
	assert_int_equal(truncate(in_directory("large.yaml"), 200 << 20), 0);
	assert_int_equal(read_file(in_directory("large.yaml"), &manifest), -EFBIG);
	assert_true(refusals_have(&refused, "larger than 64 MiB", "split it"));
	assert_true(cpu_seconds() - start < 0.05);
	unlink(in_directory("large.yaml"));
}

static void test_a_directory_stands_for_its_manifests_by_name(void **state)
{
	static const char *const names[] = {"b.yaml", "a.yml", "C.json",      ".hidden.yaml",
					    "x.txt",  "yaml",  "..data.yaml", "b.yaml~"};
	static const char *const expected[] = {"C.json", "a.yml", "b.yaml"};
	char **paths;
	size_t i, count;

	(void)state;
	for (i = 0; i < COUNT(names); i++)
		write_file(names[i], "");
	mkdir(in_directory("d.yaml"), 0700);
	assert_int_equal(manifest_paths(directory, &paths, &count), 0);
	assert_int_equal(count, COUNT(expected));
	for (i = 0; i < count; i++)
		assert_string_equal(paths[i], in_directory(expected[i]));
	manifest_paths_free(paths, count);
	assert_int_equal(manifest_paths(in_directory(""), &paths, &count), 0);
	assert_string_equal(paths[0], in_directory(expected[0]));
	manifest_paths_free(paths, count);
	assert_int_equal(manifest_paths(in_directory("x.txt"), &paths, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(paths[0], in_directory("x.txt"));
	manifest_paths_free(paths, count);
	assert_int_equal(manifest_paths(in_directory("absent"), &paths, &count), -ENOENT);
	for (i = 0; i < COUNT(names); i++)
		unlink(in_directory(names[i]));
	rmdir(in_directory("d.yaml"));
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_real_cluster_is_read_as_kubectl_prints_it),
		cmocka_unit_test(test_lists_of_the_api_server_are_read),
		cmocka_unit_test(test_documents_of_any_kind_follow_each_other),
		cmocka_unit_test(test_json_texts_follow_each_other),
		cmocka_unit_test(test_json_and_yaml_follow_each_other),
		cmocka_unit_test(test_a_list_is_the_same_in_any_order),
		cmocka_unit_test(test_of_a_list_one_item_at_a_time_is_in_memory),
		cmocka_unit_test(test_nothing_is_a_good_manifest),
		cmocka_unit_test(test_a_bad_object_leaves_the_others),
		cmocka_unit_test(test_the_second_object_of_a_name_is_refused),
		cmocka_unit_test(test_what_says_something_of_ours_is_not_skipped_in_silence),
		cmocka_unit_test(test_the_events_of_a_watch_come_to_what_they_lead_to),
		cmocka_unit_test(test_a_broken_stream_of_events_is_named_as_one),
		cmocka_unit_test(test_every_encoding_of_yaml_is_read),
		cmocka_unit_test(test_byte_order_marks_between_documents_are_no_text),
		cmocka_unit_test(test_an_escape_that_is_no_character_costs_no_object),
		cmocka_unit_test(test_a_number_of_more_than_64_bits_costs_no_other_object),
		cmocka_unit_test(test_what_yaml_has_to_save_writing_is_read),
		cmocka_unit_test(test_what_is_packed_is_called_by_its_name),
		cmocka_unit_test(test_what_is_no_regular_file_is_refused_without_waiting),
		cmocka_unit_test(test_what_is_no_regular_file_is_not_opened),
		cmocka_unit_test(test_a_file_of_200_mb_is_refused_before_it_is_read),
		cmocka_unit_test(test_a_directory_stands_for_its_manifests_by_name),
	};

	return cmocka_run_group_tests_name("manifests", tests, make_directory, remove_directory);
}
