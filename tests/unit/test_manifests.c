// SPDX-License-Identifier: Apache-2.0
/* Manifests: everything that kubectl prints is read as it is, everything else gets a message. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "refusals.h"
#include "source/manifests.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct refusals refused;

static int parse(const char *text, size_t size, struct manifest *ret)
{
	/* A copy without a final zero, so that the sanitizer sees every read beyond the end. */
	char *copy = malloc(size ? size : 1);
	int err;

	memcpy(copy, text, size);
	refused.count = 0;
	err = manifest_parse(copy, size, refusals_take, &refused, ret);
	free(copy);
	return err;
}

static int parse_text(const char *text, struct manifest *ret)
{
	return parse(text, strlen(text), ret);
}

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

/* The whole text with every SERVICE replaced, so that documents can be written in one line. */
#define SERVICE "apiVersion: v1\nkind: Service\nmetadata: {name: gw, namespace: fabric}\n"
#define SPEC "spec: {clusterIP: 10.96.0.7, ports: [{name: grpc, port: 7051}]}\n"

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
				   "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"
				   "---\n---\n{apiVersion: v1, kind: List, items: [{apiVersion: v1, "
				   "kind: Service, metadata: {name: other}, spec: {}}, "
				   "{apiVersion: v1, kind: Pod, metadata: {name: p}}]}\n...\n";
	struct manifest manifest;

	(void)state;
	assert_int_equal(parse_text(text, &manifest), 0);
	assert_int_equal(refused.count, 0);
	assert_int_equal(manifest.service_count, 2);
	assert_string_equal(find_service(&manifest, "gw")->namespace, "fabric");
	assert_string_equal(find_service(&manifest, "other")->namespace, "default");
	manifest_done(&manifest);
}

#define JSON_SERVICE(name)                                                                         \
	"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" name               \
	"\"},\"spec\":{}}"

static void test_json_texts_follow_each_other(void **state)
{
	static const char *const texts[] = {
		JSON_SERVICE("a") "\n" JSON_SERVICE("b"),
		"\n\t " JSON_SERVICE("a") JSON_SERVICE("b") "\n\n",
		JSON_SERVICE("a") "\n---\n" JSON_SERVICE("b"),
		"---\n" JSON_SERVICE("a") "\n---\n" JSON_SERVICE("b"),
		"\xef\xbb\xbf" JSON_SERVICE("a") JSON_SERVICE("b"),
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

static void test_nothing_is_a_good_manifest(void **state)
{
	static const char *const texts[] = { "", "\n", "# nothing\n", "---\n", "---\n---\n...\n",
					     "null\n", "~", "\xef\xbb\xbf" };
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

static void test_a_file_that_is_no_manifest_is_refused_whole(void **state)
{
	static const struct {
		const char *text;
		const char *what;
	} cases[] = {
		{ "hello", "no kind" },
		{ "- a\n- b\n", "no kind" },
		{ "42", "no kind" },
		{ "a: b\n", "no kind" },
		{ "kind: Service\n", "no kind" },
		{ "kind: [Service]\napiVersion: v1\n", "no kind" },
		{ "[1, 2]", "no kind" },
		{ "{}", "no kind" },
		{ "apiVersion: v1\nkind: List\nitems: x\n", "items are no array" },
		{ "a: b\n c: d\n", "line " },
		{ "a: [b\n", "line " },
		{ "\tx: y\n", "line " },
		{ SERVICE "spec: {ports: [{port: 1}", "line " },
		{ SERVICE SPEC "spec: {}\n", "line 5: this key is there twice" },
		{ SERVICE SPEC "---\nfoo: bar\n", "document 2 has no kind" },
		{ "{\"apiVersion\":\"v1\",", "JSON: line 1" },
		{ "{\"kind\":\"a\",\"kind\":\"b\"}", "JSON: line 1" },
		{ "{\"a\": \"\xff\"}", "JSON: line 1" },
		{ "a: \xff\n", "line 1: not UTF-8" },
		{ SERVICE SPEC "# \xc3\n---\nkind: Service\n", "line 5: not UTF-8" },
		{ "a: \xed\xa0\x80\n", "not UTF-8" },
		{ "a: \xc0\x80\n", "not UTF-8" },
		{ "a: \xf4\x90\x80\x80\n", "not UTF-8" },
		{ "a: \xe2\x82", "not UTF-8" },
		{ "a: \"\\0\"\n", "UTF-8" },
		{ "a: \"\\ud800\"\n", "line 1" },
		{ "a: !!str 7\n", "line 1: tags" },
		{ "a: !!map {}\n", "line 1: tags" },
		{ "a: !!seq []\n", "line 1: tags" },
		{ "a: &x 1\nb: *x\n", "line 2: aliases" },
		{ "a: *x\n", "line 1: aliases" },
		{ "a: &x {b: 1}\nc: {<<: *x}\n", "line 2: aliases" },
		{ "? [a]\n: b\n", "a key must be text" },
		{ "? {a: b}\n: c\n", "a key must be text" },
		{ "%YAML 3.0\n---\na: b\n", "" },
		{ "`x`", "line 1" },
	};
	struct manifest manifest;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s\n", cases[i].what);
		assert_int_equal(parse_text(cases[i].text, &manifest), -EINVAL);
		assert_int_equal(refused.count, 1);
		assert_true(refusals_have(&refused, ": cannot parse the file: ", cases[i].what));
	}
	assert_int_equal(parse("a: b\0c\n", 7, &manifest), -EINVAL);
	assert_true(refusals_have(&refused, "line 1", "UTF-8"));
	/* UTF-16 */
	assert_int_equal(parse("\xff\xfe" "a\0:\0 \0b\0", 10, &manifest), -EINVAL);
	assert_true(refusals_have(&refused, "line 1", "UTF-8"));
}

/* Every cut of a real file: either an error, or whole documents; never a crash. */
static void test_half_a_file_keeps_nothing_of_its_list(void **state)
{
	struct manifest manifest;
	char *text = malloc(1 << 20);
	size_t size, cut, good = 0;
	int fd = open("tests/data/fabric-cluster.yaml", O_RDONLY | O_CLOEXEC);

	(void)state;
	size = (size_t)read(fd, text, 1 << 20);
	close(fd);
	for (cut = 1; cut < size - 60; cut += 37) {
		if (parse(text, cut, &manifest))
			continue;
		good += manifest.service_count + manifest.slice_count;
		manifest_done(&manifest);
	}
	assert_int_equal(good, 0);
	free(text);
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
		"- {apiVersion: v1, kind: List, items: []}\n";
	struct manifest manifest;

	(void)state;
	assert_int_equal(parse_text(text, &manifest), 0);
	assert_int_equal(manifest.service_count, 1);
	assert_string_equal(manifest.services[0]->name, "good");
	assert_int_equal(refused.count, 5);
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
	static const char text[] = SERVICE SPEC "---\n" SERVICE "spec: {}\n---\n"
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

/* By way of the label, which is text or is refused for its type. */
static void test_plain_scalars_are_typed_and_quoted_ones_are_text(void **state)
{
	static const struct {
		const char *scalar;
		const char *type; /* what the refusal calls it; NULL: text */
	} cases[] = {
		{ "true", "true or false" }, { "True", "true or false" },
		{ "FALSE", "true or false" }, { "7051", "a number" },
		{ "-7", "a number" },	      { "+7", "a number" },
		{ "0x1F", "a number" },      { "0o17", "a number" },
		{ "1e3", "a number" },	      { "1.5", "a number" },
		{ ".5", "a number" },	      { "5.", "a number" },
		{ "-1.5E-3", "a number" },   { "99999999999999999999", "a number" },
		{ "0x99999999999999999999", "a number" },
		{ "\"true\"", NULL },	      { "'7051'", NULL },
		{ "\"null\"", NULL },	      { "yes", NULL },
		{ "on", NULL },		      { "tRUE", NULL },
		{ "10.96.0.1", NULL },	      { "1e", NULL },
		{ "1e+", NULL },	      { "0x", NULL },
		{ "0b1", NULL },	      { "0o8", NULL },
		{ "1_000", NULL },	      { "12:30", NULL },
		{ "2026-11-23", NULL },      { "1e999", NULL },
		{ ".inf", NULL },	      { ".nan", NULL },
		{ "+", NULL },		      { "-.", NULL },
		{ ".", NULL },		      { "1.2.3", NULL },
		{ "fd00::1", NULL },	      { "::1", NULL },
		{ "0o777777777777777777777777", NULL },
	};
	struct manifest manifest;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		print_message("# %s\n", cases[i].scalar);
		snprintf(text, sizeof(text),
			 "apiVersion: v1\nkind: Service\nspec: {}\n"
			 "metadata:\n  name: gw\n  labels:\n    gwbpf.io/enabled: %s\n",
			 cases[i].scalar);
		assert_int_equal(parse_text(text, &manifest), 0);
		assert_int_equal(manifest.service_count, cases[i].type ? 0 : 1);
		if (cases[i].type)
			assert_true(refusals_have(&refused, "put it in quotes", cases[i].type));
		manifest_done(&manifest);
	}
}

static char *repeated(const char *begin, const char *part, size_t count, const char *end)
{
	size_t length = strlen(part);
	char *text = malloc(strlen(begin) + length * count + strlen(end) + 1), *at = text;

	at = stpcpy(at, begin);
	while (count--)
		at = (char *)memcpy(at, part, length) + length;
	strcpy(at, end);
	return text;
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_deep_nesting_is_refused_fast(void **state)
{
	static const struct {
		const char *begin;
		const char *part;
	} cases[] = {
		{ "", "[" }, { "", "{\"a\":" }, { "a: ", "[" }, { "", "{a: " }, { "", "- " },
		{ "", "? " }, { "", "[?" }, { "a: ", "{[" },
	};
	struct manifest manifest;
	double start = cpu_seconds();
	char *text;
	size_t i, depth;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		for (depth = 10000; depth <= 1000000; depth *= 100) {
			text = repeated(cases[i].begin, cases[i].part, depth, "");
			assert_int_equal(parse_text(text, &manifest), -EINVAL);
			assert_int_equal(refused.count, 1);
			free(text);
		}
	}
	/* Closed properly, it is still too deep. */
	text = repeated("", "[", 10000, "");
	memset(text + 5000, ']', 5000);
	assert_int_equal(parse_text(text, &manifest), -EINVAL);
	free(text);
	assert_true(cpu_seconds() - start < 5); /* with sanitizers */
}

static void test_a_depth_of_64_is_read(void **state)
{
	struct manifest manifest;
	char *text = repeated("apiVersion: v1\nkind: Other\na: ", "[", 63, "");
	char *closed = repeated(text, "]", 63, "\n");

	(void)state;
	assert_int_equal(parse_text(closed, &manifest), 0);
	manifest_done(&manifest);
	free(text);
	free(closed);
}

static void test_an_alias_bomb_is_refused(void **state)
{
	static const char bomb[] = "a: &a [x,x,x,x,x,x,x,x,x]\n"
				   "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
				   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
				   "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
				   "kind: *e\napiVersion: v1\n";
	struct manifest manifest;

	(void)state;
	assert_int_equal(parse_text(bomb, &manifest), -EINVAL);
	assert_int_equal(refused.count, 1);
	assert_true(refusals_have(&refused, "line 2: aliases", "write the value out"));
	/* An anchor that nothing refers to harms nobody. */
	assert_int_equal(parse_text("apiVersion: &v v1\nkind: Other\n", &manifest), 0);
	manifest_done(&manifest);
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
	static const char *const names[] = { "b.yaml", "a.yml", "C.json", ".hidden.yaml", "x.txt",
					     "yaml", "..data.yaml", "b.yaml~" };
	static const char *const expected[] = { "C.json", "a.yml", "b.yaml" };
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
		cmocka_unit_test(test_nothing_is_a_good_manifest),
		cmocka_unit_test(test_a_file_that_is_no_manifest_is_refused_whole),
		cmocka_unit_test(test_half_a_file_keeps_nothing_of_its_list),
		cmocka_unit_test(test_a_bad_object_leaves_the_others),
		cmocka_unit_test(test_the_second_object_of_a_name_is_refused),
		cmocka_unit_test(test_plain_scalars_are_typed_and_quoted_ones_are_text),
		cmocka_unit_test(test_deep_nesting_is_refused_fast),
		cmocka_unit_test(test_a_depth_of_64_is_read),
		cmocka_unit_test(test_an_alias_bomb_is_refused),
		cmocka_unit_test(test_what_is_no_regular_file_is_refused_without_waiting),
		cmocka_unit_test(test_a_file_of_200_mb_is_refused_before_it_is_read),
		cmocka_unit_test(test_a_directory_stands_for_its_manifests_by_name),
	};

	return cmocka_run_group_tests_name("manifests", tests, make_directory, remove_directory);
}
