// SPDX-License-Identifier: Apache-2.0
/* Annotations: what they set, and what is said about those that are wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "model/settings.h"

static char message[GW_MESSAGE_MAX];

/* "'lc', 'rr', ..." */
static const char *all_policies(void)
{
	static char list[GW_MESSAGE_MAX];
	char *end = list;

	for (int policy = 0; policy < GW_POLICY_MAX_; policy++)
		end += sprintf(end, "%s'%s'", policy ? ", " : "",
			       policy_name((enum gw_policy)policy));
	return list;
}

static int set(struct settings *settings, const char *key, const char *value)
{
	strcpy(message, "untouched");
	return settings_set(settings, key, value, message, sizeof(message));
}

static void test_the_default_policy_is_least_connections(void **state)
{
	struct settings settings;

	(void)state;
	settings_init(&settings);
	assert_int_equal(settings.policy, GW_POLICY_LC);
}

static void test_every_policy_can_be_set_by_its_name(void **state)
{
	(void)state;
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		struct settings settings = { .policy = GW_POLICY_MAX_ };
		const char *name = policy_name((enum gw_policy)policy);

		assert_int_equal(set(&settings, "gwbpf.io/policy", name), 0);
		assert_int_equal(settings.policy, policy);
		assert_string_equal(message, "untouched");
	}
	assert_string_equal(policy_name(GW_POLICY_LC), "lc");
	assert_string_equal(policy_name(GW_POLICY_RR), "rr");
	assert_string_equal(policy_name(GW_POLICY_RANDOM), "random");
}

static void test_a_policy_that_is_none_changes_nothing_and_lists_all(void **state)
{
	static const char *const refused[] = { "", "LC", "lc ", " lc", "l", "lcc", "rr,lc" };
	struct settings settings = { .policy = GW_POLICY_RR };
	char wanted[GW_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(set(&settings, "gwbpf.io/policy", refused[i]), -EINVAL);
		assert_int_equal(settings.policy, GW_POLICY_RR);
		snprintf(wanted, sizeof(wanted),
			 "cannot use annotation 'gwbpf.io/policy': '%s' is none of %s", refused[i],
			 all_policies());
		assert_string_equal(message, wanted);
	}
}

static void test_schedulers_by_destination_are_refused_with_the_reason(void **state)
{
	static const char *const names[][2] = { { "dh", "sh" },
						{ "lblc", "wlc" },
						{ "lblcr", "wlc" } };
	struct settings settings = { .policy = GW_POLICY_RR };
	char wanted[GW_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(set(&settings, "gwbpf.io/policy", names[i][0]), -EINVAL);
		assert_int_equal(settings.policy, GW_POLICY_RR);
		snprintf(wanted, sizeof(wanted),
			 "cannot use annotation 'gwbpf.io/policy': '%s' goes by the destination, "
			 "which is one address here; use '%s'",
			 names[i][0], names[i][1]);
		assert_string_equal(message, wanted);
	}
}

static void test_an_unknown_key_is_told_with_those_that_are_known(void **state)
{
	static const char *const keys[] = { "gwbpf.io/", "gwbpf.io/Policy", "gwbpf.io/policy ",
					    "gwbpf.io/polic", "gwbpf.io/policyx" };
	struct settings settings = { .policy = GW_POLICY_RR };
	char wanted[GW_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		assert_int_equal(set(&settings, keys[i], "lc"), -ENOENT);
		assert_int_equal(settings.policy, GW_POLICY_RR);
		snprintf(wanted, sizeof(wanted),
			 "cannot use annotation '%s': it is none of 'gwbpf.io/policy'", keys[i]);
		assert_string_equal(message, wanted);
	}
}

static void test_enabled_as_an_annotation_must_be_a_label(void **state)
{
	struct settings settings = { .policy = GW_POLICY_RR };

	(void)state;
	assert_int_equal(set(&settings, "gwbpf.io/enabled", "true"), -ENOENT);
	assert_string_equal(message,
			    "cannot use annotation 'gwbpf.io/enabled': it must be a label");
}

/* Values may have 256 KiB; the remedy must still be in the message. */
static void test_the_remedy_survives_keys_and_values_of_any_length(void **state)
{
	static char text[300000];
	struct settings settings;

	(void)state;
	settings_init(&settings);
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(set(&settings, "gwbpf.io/policy", text), -EINVAL);
	assert_non_null(strstr(message, "xxx...' is none of "));
	assert_non_null(strstr(message, all_policies()));
	assert_int_equal(set(&settings, text, "lc"), -ENOENT);
	assert_non_null(strstr(message, "xxx...': it is none of 'gwbpf.io/policy'"));
}

static void test_a_long_value_is_cut_between_two_characters(void **state)
{
	struct settings settings;
	char text[256] = "";

	(void)state;
	settings_init(&settings);
	for (size_t shift = 0; shift < 4; shift++) {
		json_t *whole;

		memset(text, 'x', shift);
		text[shift] = '\0';
		for (size_t i = 0; i < 40; i++)
			strcat(text, "\xf0\x9f\x90\x9d");
		assert_int_equal(set(&settings, "gwbpf.io/policy", text), -EINVAL);
		whole = json_string(message); /* NULL unless it is UTF-8 */
		assert_non_null(whole);
		json_decref(whole);
		assert_non_null(strstr(message, "\x9d...' is none of"));
	}
}

static void test_a_small_message_buffer_is_not_overrun(void **state)
{
	char small[8] = "1234567";
	struct settings settings;

	(void)state;
	settings_init(&settings);
	assert_int_equal(settings_set(&settings, "gwbpf.io/policy", "x", small, 5), -EINVAL);
	assert_string_equal(small, "cann");
	assert_int_equal(small[5], '6');
}

static void test_settings_are_equal_if_they_mean_the_same(void **state)
{
	struct settings a, b;

	(void)state;
	settings_init(&a);
	settings_init(&b);
	assert_true(settings_equal(&a, &b));
	b.policy = GW_POLICY_RR;
	assert_false(settings_equal(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_default_policy_is_least_connections),
		cmocka_unit_test(test_every_policy_can_be_set_by_its_name),
		cmocka_unit_test(test_a_policy_that_is_none_changes_nothing_and_lists_all),
		cmocka_unit_test(test_schedulers_by_destination_are_refused_with_the_reason),
		cmocka_unit_test(test_an_unknown_key_is_told_with_those_that_are_known),
		cmocka_unit_test(test_enabled_as_an_annotation_must_be_a_label),
		cmocka_unit_test(test_the_remedy_survives_keys_and_values_of_any_length),
		cmocka_unit_test(test_a_long_value_is_cut_between_two_characters),
		cmocka_unit_test(test_a_small_message_buffer_is_not_overrun),
		cmocka_unit_test(test_settings_are_equal_if_they_mean_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
