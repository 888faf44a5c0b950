// SPDX-License-Identifier: Apache-2.0
/* What a line of the log says of a change. */
#include "agent/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"

static struct gw_addr address(unsigned int last)
{
	struct gw_addr ret = {{0}};
	char text[16];

	snprintf(text, sizeof(text), "10.1.0.%u", last);
	assert_int_equal(addr_parse(text, &ret), 0);
	return ret;
}

static char p1[] = "p1", p2[] = "p2", p3[] = "p3", none[] = "";
static struct endpoint endpoints[] = {{.pod = p1}, {.pod = p2}, {.pod = p3}, {.pod = none}};

static struct member new_member(unsigned int i, uint16_t weight)
{
	return (struct member){.address = address(i),
			       .port = 7051,
			       .weight = weight,
			       .endpoint = &endpoints[i - 1]};
}

static struct present_member old_member(unsigned int i, uint16_t weight)
{
	return (struct present_member){.address = address(i), .port = 7051, .weight = weight};
}

static void test_members_by_name(void **state)
{
	struct member want[] = {new_member(1, 0), new_member(2, 3), new_member(3, 1),
				new_member(4, 1)};
	struct present_member have[] = {old_member(1, 1), old_member(2, 1), old_member(9, 1)};
	struct service service = {0};
	struct choice choice = {.service = &service, .members = want, .member_count = 4};
	struct present present = {.members = have, .member_count = 3};
	struct plan_step step = {.kind = PLAN_CHANGE, .want = &choice, .have = &present};
	char text[CHANGES_MAX];

	(void)state;
	changes_describe(&step, text);
	assert_string_equal(text, "new p3 10.1.0.4:7051, drained p1, other weight p2, "
				  "gone 10.1.0.9:7051");
	/* The other way round. */
	want[0].weight = 1;
	have[0].weight = 0;
	choice.member_count = 2;
	present.member_count = 2;
	have[1].weight = 3;
	changes_describe(&step, text);
	assert_string_equal(text, "no longer drained p1");
}

static void test_settings(void **state)
{
	struct service service = {.settings = {.policy = GW_POLICY_RR}};
	struct choice choice = {.service = &service};
	struct present present = {.settings = {.policy = GW_POLICY_LC}};
	struct plan_step step = {.kind = PLAN_CHANGE, .want = &choice, .have = &present};
	char text[CHANGES_MAX];

	(void)state;
	changes_describe(&step, text);
	assert_string_equal(text, "policy rr, before lc");
	present.settings.policy = GW_POLICY_RR;
	changes_describe(&step, text);
	assert_string_equal(text, "");
	present.settings.connect_timeout_ms = 1;
	changes_describe(&step, text);
	assert_string_equal(text, "other settings");
}

static void test_many_are_counted(void **state)
{
	struct member want[100];
	struct service service = {0};
	struct choice choice = {.service = &service, .members = want, .member_count = 100};
	struct plan_step step = {.kind = PLAN_ADD, .want = &choice};
	char text[CHANGES_MAX];

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		want[i] = new_member(1, 1);
		want[i].address = address(i + 1);
	}
	changes_describe(&step, text);
	assert_string_equal(text, "new p1 p1 p1 p1 p1 and 95 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members_by_name),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_many_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
