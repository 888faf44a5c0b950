// SPDX-License-Identifier: Apache-2.0
/* Lists of weights: what they mean for a pod, and which are refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/weights.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIST_MAX 4096

static char reason[WEIGHTS_REASON_MAX];
static struct weights untouched;

static struct weights *parsed(const char *text)
{
	struct weights *weights = &untouched;

	assert_int_equal(weights_parse(text, &weights, reason), 0);
	return weights;
}

/* -1: nothing matches. */
static int weight_of(const struct weights *weights, const char *pod)
{
	const struct weight *weight = weights_find(weights, pod);

	return weight ? weight->value : -1;
}

static void test_a_key_matches_the_name_or_what_comes_before_a_dash(void **state)
{
	struct weights *weights = parsed("org1-peer1=3");

	(void)state;
	assert_int_equal(weight_of(weights, "org1-peer1"), 3);
	assert_int_equal(weight_of(weights, "org1-peer1-0"), 3);
	assert_int_equal(weight_of(weights, "org1-peer1-5d8f-x2x"), 3);
	assert_int_equal(weight_of(weights, "org1-peer1-"), 3);
	assert_int_equal(weight_of(weights, "org1-peer10"), -1);
	assert_int_equal(weight_of(weights, "org1-peer1.x"), -1);
	assert_int_equal(weight_of(weights, "org1-peer"), -1);
	assert_int_equal(weight_of(weights, "org1"), -1);
	assert_int_equal(weight_of(weights, "xorg1-peer1"), -1);
	assert_int_equal(weight_of(weights, "ORG1-PEER1"), -1);
	assert_int_equal(weight_of(weights, "-"), -1);
	assert_int_equal(weight_of(weights, ""), -1);
	free(weights);
}

static void test_the_longest_match_wins_whatever_the_order(void **state)
{
	static const char *const texts[] = {"org1=1,org1-peer1=2,org1-peer1-0=3",
					    "org1-peer1-0=3,org1=1,org1-peer1=2"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct weights *weights = parsed(texts[i]);

		assert_int_equal(weights->count, 3);
		assert_int_equal(weight_of(weights, "org1-peer1-0"), 3);
		assert_int_equal(weight_of(weights, "org1-peer1-0-x"), 3);
		assert_int_equal(weight_of(weights, "org1-peer1-1"), 2);
		assert_int_equal(weight_of(weights, "org1-peer1"), 2);
		assert_int_equal(weight_of(weights, "org1-peer2"), 1);
		assert_int_equal(weight_of(weights, "org1"), 1);
		assert_int_equal(weight_of(weights, "org2"), -1);
		free(weights);
	}
}

static void test_weights_go_from_zero_to_sixteen_bits(void **state)
{
	struct weights *weights = parsed("a=0,b=65535,c=007");

	(void)state;
	assert_int_equal(weight_of(weights, "a"), 0);
	assert_int_equal(weight_of(weights, "b"), 65535);
	assert_int_equal(weight_of(weights, "c"), 7);
	free(weights);
}

static void test_a_list_of_names_gives_them_zero(void **state)
{
	struct weights *weights = NULL;

	(void)state;
	assert_int_equal(weights_parse_names("org1-peer2,org1-peer1", &weights, reason), 0);
	assert_int_equal(weights->count, 2);
	assert_int_equal(weight_of(weights, "org1-peer1-0"), 0);
	assert_int_equal(weight_of(weights, "org1-peer2"), 0);
	assert_int_equal(weight_of(weights, "org1-peer3"), -1);
	free(weights);
}

static void test_an_empty_text_is_an_empty_list(void **state)
{
	struct weights *weights = parsed("");

	(void)state;
	assert_null(weights);
	weights = &untouched;
	assert_int_equal(weights_parse_names("", &weights, reason), 0);
	assert_null(weights);
	assert_null(weights_find(NULL, "org1-peer1"));
}

struct bad {
	const char *text;
	const char *reason;
};

#define NO_PAIR(text) "'" text "' is not POD=WEIGHT, the weight 0 to 65535"
#define NO_KEY(text) "'" text "' is neither a pod's name nor what comes before a '-' in one"

static void test_bad_weights_are_refused_with_the_item(void **state)
{
	static const struct bad cases[] = {
		{"a", NO_PAIR("a")},
		{"a=", NO_PAIR("a=")},
		{"a=1=2", NO_PAIR("a=1=2")},
		{"a=-1", NO_PAIR("a=-1")},
		{"a=+1", NO_PAIR("a=+1")},
		{"a=65536", NO_PAIR("a=65536")},
		{"a=4294967297", NO_PAIR("a=4294967297")},
		{"a=1.5", NO_PAIR("a=1.5")},
		{"a= 1", NO_PAIR("a= 1")},
		{",", NO_PAIR("")},
		{"a=1,", NO_PAIR("")},
		{"a=1,,b=1", NO_PAIR("")},
		{"a=1;b=1", NO_PAIR("a=1;b=1")},
		{"=1", NO_KEY("")},
		{"a=1, b=1", NO_KEY(" b")},
		{"A=1", NO_KEY("A")},
		{"a-=1", NO_KEY("a-")},
		{"-a=1", NO_KEY("-a")},
		{"a_b=1", NO_KEY("a_b")},
		{"a*=1", NO_KEY("a*")},
		{"\xc3\xa4=1", NO_KEY("\xc3\xa4")},
		{"a=1,b=2,a=1", "'a' is named twice"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct weights *weights = &untouched;

		assert_int_equal(weights_parse(cases[i].text, &weights, reason), -EINVAL);
		assert_ptr_equal(weights, &untouched);
		assert_string_equal(reason, cases[i].reason);
	}
}

static void test_bad_names_are_refused_with_the_item(void **state)
{
	static const struct bad cases[] = {
		{"a=0", NO_KEY("a=0")}, {"a,", NO_KEY("")},   {",a", NO_KEY("")},
		{"a, b", NO_KEY(" b")}, {"a-", NO_KEY("a-")}, {"b,a,b", "'b' is named twice"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct weights *weights;

		assert_int_equal(weights_parse_names(cases[i].text, &weights, reason), -EINVAL);
		assert_string_equal(reason, cases[i].reason);
	}
}

static void test_a_key_may_be_as_long_as_a_name(void **state)
{
	char text[260] = "";
	struct weights *weights;

	(void)state;
	memset(text, 'a', 253);
	strcpy(text + 253, "=2");
	weights = parsed(text);
	text[253] = '\0';
	assert_int_equal(weight_of(weights, text), 2);
	free(weights);
	strcpy(text + 253, "a=2");
	assert_int_equal(weights_parse(text, &weights, reason), -EINVAL);
	assert_non_null(strstr(reason, "aaa...' is neither a pod's name"));
}

/* What the list means, in the plainest way: try each key. */
static int expected(char keys[][16], const int *values, int count, const char *pod)
{
	size_t longest = 0;
	int weight = -1;

	for (int i = 0; i < count; i++) {
		size_t length = strlen(keys[i]);
		bool matches = strncmp(pod, keys[i], length) == 0 &&
			       (pod[length] == '\0' || pod[length] == '-');

		if (matches && length > longest) {
			longest = length;
			weight = values[i];
		}
	}
	return weight;
}

/* "a", "ab-a-b": so few letters that prefixes are frequent. */
static void random_name(char name[16])
{
	int length = rand() % 7;

	for (int i = 0; i < length; i++)
		name[i] = "ab-."[rand() % (i > 0 && name[i - 1] != '-' ? 4 : 2)];
	name[length] = "ab"[rand() % 2];
	name[length + 1] = '\0';
}

static bool is_known(char keys[][16], int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(keys[i], keys[count]) == 0)
			return true;
	return false;
}

static void test_random_lists_mean_what_trying_each_key_says(void **state)
{
	(void)state;
	srand(11);
	for (int round = 0; round < 2000; round++) {
		char keys[16][16], text[LIST_MAX] = "", pod[16];
		int values[16], count = 0;
		struct weights *weights;

		for (int i = rand() % 16; i >= 0; i--) {
			random_name(keys[count]);
			if (is_known(keys, count))
				continue;
			values[count] = rand() % 65536;
			sprintf(text + strlen(text), "%s%s=%d", count ? "," : "", keys[count],
				values[count]);
			count++;
		}
		weights = parsed(text);
		assert_int_equal(weights->count, count);
		for (int i = 0; i < 50; i++) {
			random_name(pod);
			assert_int_equal(weight_of(weights, pod),
					 expected(keys, values, count, pod));
		}
		free(weights);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_matches_the_name_or_what_comes_before_a_dash),
		cmocka_unit_test(test_the_longest_match_wins_whatever_the_order),
		cmocka_unit_test(test_weights_go_from_zero_to_sixteen_bits),
		cmocka_unit_test(test_a_list_of_names_gives_them_zero),
		cmocka_unit_test(test_an_empty_text_is_an_empty_list),
		cmocka_unit_test(test_bad_weights_are_refused_with_the_item),
		cmocka_unit_test(test_bad_names_are_refused_with_the_item),
		cmocka_unit_test(test_a_key_may_be_as_long_as_a_name),
		cmocka_unit_test(test_random_lists_mean_what_trying_each_key_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
