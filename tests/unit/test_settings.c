// SPDX-License-Identifier: Apache-2.0
/* Settings: defaults, names of policies, and when two are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/settings.h"

static void test_the_defaults_are_those_of_the_documentation(void **state)
{
	struct settings settings;

	(void)state;
	settings_init(&settings);
	assert_int_equal(settings.policy, GW_POLICY_LC);
	assert_int_equal(settings.connect_timeout_ms, 3000);
	assert_int_equal(settings.dead_peer_timeout_ms, 30000);
	assert_int_equal(settings.eject_base_ms, 10000);
	assert_int_equal(settings.eject_max_ms, 300000);
	assert_int_equal(settings.keep_percent, 50);
	assert_int_equal(settings.rebalance_ms, 0);
	assert_int_equal(settings.drain_deadline_ms, 0);
}

static void test_every_policy_is_found_by_its_name(void **state)
{
	(void)state;
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		enum gw_policy found = GW_POLICY_MAX_;

		assert_true(policy_parse(policy_name((enum gw_policy)policy), &found));
		assert_int_equal(found, policy);
	}
	assert_string_equal(policy_name(GW_POLICY_LC), "lc");
	assert_string_equal(policy_name(GW_POLICY_RR), "rr");
	assert_string_equal(policy_name(GW_POLICY_P2C), "p2c");
}

static void test_no_policy_has_another_name(void **state)
{
	static const char *const names[] = {"", "LC", "lc ", " lc", "l", "lcc", "rr,lc"};
	enum gw_policy found = GW_POLICY_RR;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_false(policy_parse(names[i], &found));
		assert_int_equal(found, GW_POLICY_RR);
	}
}

static void test_settings_are_equal_if_every_member_is(void **state)
{
	struct settings a;

	(void)state;
	settings_init(&a);
	assert_true(settings_equal(&a, &a));
	for (size_t at = 0; at < sizeof(a); at += sizeof(uint32_t)) {
		struct settings b = a;

		*(uint32_t *)((char *)&b + at) += 1;
		assert_false(settings_equal(&a, &b));
		assert_false(settings_equal(&b, &a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_defaults_are_those_of_the_documentation),
		cmocka_unit_test(test_every_policy_is_found_by_its_name),
		cmocka_unit_test(test_no_policy_has_another_name),
		cmocka_unit_test(test_settings_are_equal_if_every_member_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
