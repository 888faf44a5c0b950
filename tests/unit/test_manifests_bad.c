// SPDX-License-Identifier: Apache-2.0
/* What is no manifest gets a message, fast and whole; and what a scalar of YAML is. */
#include "manifest_fixture.h"

#define JSON_OTHER "{\"apiVersion\":\"v1\",\"kind\":\"Other\"}"

static void test_a_file_that_is_no_manifest_is_refused_whole(void **state)
{
	static const struct {
		const char *text;
		const char *what;
	} cases[] = {
		{"hello", "no kind"},
		{"- a\n- b\n", "document 1 is an array"},
		{"42", "no kind"},
		{"a: b\n", "no kind"},
		{"kind: Service\n", "no kind"},
		{"kind: [Service]\napiVersion: v1\n", "no kind"},
		{"[1, 2]", "into the items of a List"},
		{"{}", "no kind"},
		{"apiVersion: v1\nkind: List\nitems: x\n", "items are no array"},
		{"a: b\n c: d\n", "line "},
		{"a: [b\n", "line "},
		{"\tx: y\n", "line "},
		{SERVICE "spec: {ports: [{port: 1}", "line "},
		{SERVICE SPEC "spec: {}\n", "line 5: this key is there twice"},
		{SERVICE SPEC "---\nfoo: bar\n", "document 2 has no kind"},
		{"{\"apiVersion\":\"v1\",", "JSON: line 1"},
		{"{\"kind\":\"a\",\"kind\":\"b\"}", "JSON: line 1"},
		{"{\"a\": \"\xff\"}", "JSON: line 1"},
		{"{\"items\":[\n{},\n{\"a\" 2}\n]}", "JSON: line 3: ':' expected"},
		{"{\"items\":[\n{},\n{}\n],\n\"a\" x}", "JSON: line 5: ':' expected"},
		{"{\"items\":[\n{},\n{}\n],\n\"a\": x}", "JSON: line 5: invalid token"},
		{"{\"a\": x,\n\"items\":[\n{},\n{}\n]}", "JSON: line 1: invalid token"},
		{"{\"items\":[1],\n\"items\":[2]}", "JSON: line 2: duplicate"},
		{"{\"items\":[1,]}", "JSON: line 1: an item expected"},
		{"{\"items\":[1 2]}", "JSON: line 1: ',' or ']' expected"},
		{"{\"items\":[\n\"x", "JSON: line 2: the text ends within a string"},
		{"{\"items\":[\n[", "JSON: line 2: the text ends within an object"},
		{"{}\n{\n\"a\": x}", "document 1 has no kind"},
		{JSON_OTHER "\n\n---\nfoo: bar\n", "document 2 has no kind"},
		{JSON_OTHER "\n---\na: 1\na: 2\n", "YAML: line 4: this key is there twice"},
		{JSON_OTHER "\n---\na: b\n c: d\n", "YAML: line 3: "},
		{JSON_OTHER "\n---\n# \xc3\n", "YAML: line 3: not UTF-8"},
		{JSON_OTHER ",\n" JSON_OTHER, "line 1"},
		{"apiVersion: v1\nkind: Other\n"
		 "items: [{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {}}]\n",
		 "document 1 has Services among its items"},
		{"a: \xff\n", "line 1: not UTF-8"},
		{SERVICE SPEC "# \xc3\n---\nkind: Service\n", "line 5: not UTF-8"},
		{"a: \xed\xa0\x80\n", "not UTF-8"},
		{"a: \xc0\x80\n", "not UTF-8"},
		{"a: \xf4\x90\x80\x80\n", "not UTF-8"},
		{"a: \xe2\x82", "not UTF-8"},
		{"a: \"\\ud800\"\n", "line 1"},
		{"a: !peer 7\n", "line 1: this tag"},
		{"a: b\nc: !peer {}\n", "line 2: this tag"},
		{"a: !!map []\n", "line 1: this tag"},
		{"a: !!seq {}\n", "line 1: this tag"},
		{"a: !!int x\n", "line 1: this tag"},
		{"a: !!bool 1\n", "line 1: this tag"},
		{"a: !!binary '$'\n", "line 1: this tag"},
		{"a: !!binary AAAA\n", "line 1: this tag"},
		{"a: *x\n", "line 1: no anchor"},
		{"apiVersion: v1\nkind: X\na: &x 1\n---\nb: *x\n", "line 5: no anchor"},
		{"a: b\nc: &x [*x]\n", "line 2: an alias (such as '*name') within"},
		{"a: &x [1]\n*x : b\n", "line 2: a key must be text"},
		{"a: {<<: 7}\n", "line 1: '<<' must have an object"},
		{"a: {<<: [{}, 7]}\n", "line 1: '<<' must have an object"},
		{"? [a]\n: b\n", "a key must be text"},
		{"? {a: b}\n: c\n", "a key must be text"},
		{"%YAML 3.0\n---\na: b\n", ""},
		{"`x`", "line 1"},
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
	assert_true(refusals_have(&refused, "line 1", "a zero byte"));
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

/* By way of the label, which is text or is refused for its type. */
static void test_plain_scalars_are_typed_and_quoted_ones_are_text(void **state)
{
	static const struct {
		const char *scalar;
		const char *type; /* what the refusal calls it; NULL: text */
	} cases[] = {
		{"true", "true or false"},
		{"True", "true or false"},
		{"FALSE", "true or false"},
		{"7051", "a number"},
		{"-7", "a number"},
		{"+7", "a number"},
		{"0x1F", "a number"},
		{"0o17", "a number"},
		{"1e3", "a number"},
		{"1.5", "a number"},
		{".5", "a number"},
		{"5.", "a number"},
		{"-1.5E-3", "a number"},
		{"0", "a number"},
		{"00.5", "a number"},
		{"99999999999999999999", "a number"},
		{"0x99999999999999999999", "a number"},
		{"\"true\"", NULL},
		{"'7051'", NULL},
		{"\"null\"", NULL},
		{"yes", NULL},
		{"on", NULL},
		{"tRUE", NULL},
		{"10.96.0.1", NULL},
		{"010", NULL},
		{"-010", NULL},
		{"08080", NULL},
		{"1e", NULL},
		{"1e+", NULL},
		{"0x", NULL},
		{"0b1", NULL},
		{"0o8", NULL},
		{"1_000", NULL},
		{"12:30", NULL},
		{"2026-11-23", NULL},
		{"1e999", NULL},
		{".inf", NULL},
		{".nan", NULL},
		{"+", NULL},
		{"-.", NULL},
		{".", NULL},
		{"1.2.3", NULL},
		{"fd00::1", NULL},
		{"::1", NULL},
		{"0o777777777777777777777777", NULL},
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

static void test_deep_nesting_is_refused_fast(void **state)
{
	static const struct {
		const char *begin;
		const char *part;
	} cases[] = {
		{"", "["},  {"", "{\"a\":"}, {"a: ", "["}, {"", "{a: "},
		{"", "- "}, {"", "? "},      {"", "[?"},   {"a: ", "{["},
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
	assert_true(refusals_have(&refused, "line 6: the aliases", "write it out"));
}

/* What each alias asks for is little; that they are many, in documents or below each other, counts. */
static void test_many_aliases_are_refused_in_time(void **state)
{
	enum { COUNT_MAX = 20000, LINE = 128, NESTED = 100 };
	struct manifest manifest;
	char *text = malloc(COUNT_MAX * LINE), *to = text;

	(void)state;
	for (int i = 0; i < COUNT_MAX; i++)
		to += sprintf(
			to,
			"---\na: &x {b: [1, 2, 3, 4, 5, 6, 7, 8, 9]}\nkind: X\napiVersion: v1\nc: *x\n");
	assert_int_equal(parse_text(text, &manifest), -EINVAL);
	assert_true(refusals_have(&refused, "the aliases", "too much"));
	to = text + sprintf(text, "a0: &a0 [x]\n");
	for (int i = 1; i < NESTED; i++)
		to += sprintf(to, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	assert_int_equal(parse_text(text, &manifest), -EINVAL);
	assert_true(refusals_have(&refused, "the aliases", "too much"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_that_is_no_manifest_is_refused_whole),
		cmocka_unit_test(test_half_a_file_keeps_nothing_of_its_list),
		cmocka_unit_test(test_plain_scalars_are_typed_and_quoted_ones_are_text),
		cmocka_unit_test(test_deep_nesting_is_refused_fast),
		cmocka_unit_test(test_a_depth_of_64_is_read),
		cmocka_unit_test(test_an_alias_bomb_is_refused),
		cmocka_unit_test(test_many_aliases_are_refused_in_time),
	};

	return cmocka_run_group_tests_name("manifests_bad", tests, NULL, NULL);
}
