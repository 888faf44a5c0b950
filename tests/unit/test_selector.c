// SPDX-License-Identifier: Apache-2.0
/* Label selectors: what the API server takes is taken and means the same, what it refuses is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/selector.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* app=x tier=a version=7 example.com/team=y empty= */
static const struct label items[] = {
	{"app", "x"}, {"tier", "a"}, {"version", "7"}, {"example.com/team", "y"}, {"empty", ""},
};

static bool is_met(const char *text)
{
	struct labels *labels = labels_copy(items, COUNT(items));
	char reason[SELECTOR_REASON_MAX] = "";
	struct selector *selector;
	bool met;

	if (selector_parse(text, &selector, reason))
		fail_msg("'%s' is refused: %s", text, reason);
	met = selector_is_met(selector, labels);
	assert_string_equal(selector_text(selector), selector ? text : "");
	free(selector);
	free(labels);
	return met;
}

static void test_requirements_are_met_as_the_api_server_says(void **state)
{
	static const char *const met[] = {
		"app",
		"app=x",
		"app==x",
		"app = x",
		"app in (x)",
		"app in (a,x)",
		"app in(y, x )",
		"app!=y",
		"app notin (y,z)",
		"other!=x",
		"other notin (x)",
		"!other",
		"! other",
		"version>6",
		"version<8",
		"example.com/team=y",
		"empty",
		"empty=",
		"empty in ()",
		"empty in (,a)",
		"empty in (a,)",
		"app=x,tier in (a,b),!c",
		" app , tier ",
		"app\t=\nx",
		"version > 06",
		"other!=",
	};
	static const char *const not_met[] = {
		"other",
		"app=y",
		"app==y",
		"app in (y)",
		"app!=x",
		"app notin (x)",
		"!app",
		"other=",
		"other in (x)",
		"version>7",
		"version<7",
		"app>1",
		"other>1",
		"other<1",
		"App=x",
		"app=X",
		"app=x,tier=b",
		"tier=b,app=x",
		"empty!=",
		"empty notin ()",
		"app=",
		"",
		" ",
		"team=y",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(met); i++)
		if (!is_met(met[i]))
			fail_msg("'%s' must be met", met[i]);
	for (size_t i = 0; i < COUNT(not_met); i++)
		if (is_met(not_met[i]))
			fail_msg("'%s' must not be met", not_met[i]);
}

/* These words are operators at their place alone. */
static void test_in_and_notin_can_be_keys_and_values(void **state)
{
	const struct label label = {"in", "notin"};
	struct labels *labels = labels_copy(&label, 1);
	char reason[SELECTOR_REASON_MAX];
	struct selector *selector;

	(void)state;
	assert_int_equal(selector_parse("in in (in,notin),notin notin (in),in=notin", &selector,
					reason),
			 0);
	assert_true(selector_is_met(selector, labels));
	free(selector);
	free(labels);
}

static void test_without_labels_only_what_is_absent_is_met(void **state)
{
	char reason[SELECTOR_REASON_MAX];
	struct selector *selector;

	(void)state;
	assert_int_equal(selector_parse("!a,b!=c,d notin (e)", &selector, reason), 0);
	assert_true(selector_is_met(selector, NULL));
	free(selector);
	assert_false(selector_is_met(NULL, NULL));
}

static void test_what_the_api_server_refuses_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text;
		const char *reason;
	} cases[] = {
		{",app", "at ',app' there is no label's key, such as 'app' or 'example.com/app'"},
		{"app,", "at its end there is no label's key, such as 'app' or 'example.com/app'"},
		{"app,,b", "at ',b' there is no label's key, such as 'app' or 'example.com/app'"},
		{"=x", "at '=x' there is no label's key"},
		{"-app", "at '-app' there is no label's key"},
		{"a/b/c", "at 'a/b/c' there is no label's key"},
		{"A/b", "at 'A/b' there is no label's key"},
		{"a..b/c", "at 'a..b/c' there is no label's key"},
		{"/b", "at '/b' there is no label's key"},
		{"app x", "at 'x' one of =, ==, !=, in, notin, >, < or a ',' is missing"},
		{"app into (x)",
		 "at 'into (x)' one of =, ==, !=, in, notin, >, < or a ',' is missing"},
		{"app in x", "at 'x' a list such as (a,b) is missing"},
		{"app in", "at its end a list such as (a,b) is missing"},
		{"app in (x", "at its end a ',' or ')' is missing"},
		{"app in (x y)", "at 'y)' a ',' or ')' is missing"},
		{"app=x y", "at 'y' a ',' is missing"},
		{"app in (x)y", "at 'y' a ',' is missing"},
		{"!app=x", "at '=x' nothing but a ',' can follow '!' and a key"},
		{"!!app", "at '!app' there is no label's key"},
		{"app=-x", "at '-x' there is no label's value"},
		{"app=a/b", "at 'a/b' there is no label's value"},
		{"app==x=y", "at '=y' a ',' is missing"},
		{"app>x", "at 'x' there is no whole number, which '>' and '<' need"},
		{"app>", "at its end there is no whole number, which '>' and '<' need"},
		{"app<9223372036854775808", "at '9223372036854775808' there is no whole number"},
	};
	char reason[SELECTOR_REASON_MAX];
	struct selector *selector;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		strcpy(reason, "nothing");
		if (selector_parse(cases[i].text, &selector, reason) != -EINVAL)
			fail_msg("'%s' must be refused", cases[i].text);
		if (strncmp(reason, cases[i].reason, strlen(cases[i].reason)) != 0)
			fail_msg("'%s': %s", cases[i].text, reason);
	}
}

static void test_lengths_are_those_of_labels(void **state)
{
	char text[SELECTOR_BYTES_MAX + 2], reason[SELECTOR_REASON_MAX];
	struct selector *selector;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[63] = '\0';
	assert_int_equal(selector_parse(text, &selector, reason), 0);
	free(selector);
	text[63] = 'a';
	text[64] = '\0';
	assert_int_equal(selector_parse(text, &selector, reason), -EINVAL);
	text[64] = 'a';
	text[253] = '/';
	text[254] = 'a';
	text[255] = '\0';
	assert_int_equal(selector_parse(text, &selector, reason), 0);
	free(selector);
	/* "a,a,a,…" */
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 2 ? ',' : 'a';
	text[SELECTOR_BYTES_MAX - 1] = '\0';
	assert_int_equal(selector_parse(text, &selector, reason), 0);
	free(selector);
	text[SELECTOR_BYTES_MAX - 1] = 'a';
	text[SELECTOR_BYTES_MAX] = 'a';
	text[SELECTOR_BYTES_MAX + 1] = '\0';
	assert_int_equal(selector_parse(text, &selector, reason), -EINVAL);
	assert_string_equal(reason, "it has 1025 bytes, and 1024 at most are read");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requirements_are_met_as_the_api_server_says),
		cmocka_unit_test(test_in_and_notin_can_be_keys_and_values),
		cmocka_unit_test(test_without_labels_only_what_is_absent_is_met),
		cmocka_unit_test(test_what_the_api_server_refuses_is_refused_with_its_place),
		cmocka_unit_test(test_lengths_are_those_of_labels),
	};

	return cmocka_run_group_tests_name("selector", tests, NULL, NULL);
}
