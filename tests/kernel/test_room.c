// SPDX-License-Identifier: Apache-2.0
/* Room for sets: free ranges that are too short become one, and where there is none, it is said. */
#include "kernel/lab.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/tables_state.h"

#define MEMBERS 1000
#define SERVICES 4
#define BIG "10.96.0.1:80"
#define SMALL "10.96.0.2:80"
#define ALIVE "10.1.0.1:7051"

static int listener;

static int start(void **state)
{
	lab.max_services = SERVICES;
	lab.max_backends = MEMBERS + 1;
	listener = lab_listen(ALIVE);
	return lab_start(state);
}

static int stop(void **state)
{
	close(listener);
	return lab_stop(state);
}

static void serve_many(enum gw_policy policy, int count)
{
	static char texts[MEMBERS][LAB_TEXT];
	const char *backends[MEMBERS + 1] = {ALIVE};

	for (int i = 1; i < count; i++) {
		/* Of weight 0, so that the one that is alive is reached. */
		snprintf(texts[i], sizeof(texts[i]), "10.2.%d.%d:7051*0", i / 250, i % 250 + 1);
		backends[i] = texts[i];
	}
	lab_service("big", BIG, policy, backends);
}

static void expect_served(const char *vip)
{
	int fd = lab_connect(vip);

	assert_true(fd >= 0);
	lab_abort(fd);
}

static uint32_t set_base(const char *name)
{
	struct view *view = lab_view();
	uint32_t index = lab_find_service(view, name)->index;

	view_close(view);
	return GW_SET_BASE(lab.tables->maps.sets[index]);
}

/*
 * The small set comes to stand in the middle of what is free: there is room enough on both sides of
 * it together, but on none for the set that is wanted.
 */
static void test_sets_are_packed_where_free_ranges_are_too_short(void **state)
{
	const char *const one[] = {ALIVE, NULL};
	uint32_t half = tables_present_half(lab.tables).length;

	(void)state;
	serve_many(GW_POLICY_MH, 776);
	lab_service("small", SMALL, GW_POLICY_LC, one);
	assert_in_range(set_base("small"), half - 1513, 1513);
	serve_many(GW_POLICY_LC, 1);
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	serve_many(GW_POLICY_MH, MEMBERS);
	assert_string_equal(lab.refusal, "");
	assert_in_range(set_base("small"), half, 2 * half);
	expect_served(BIG);
	expect_served(SMALL);
	/* And back again. */
	assert_int_equal(tables_compact(lab.tables), 0);
	assert_in_range(set_base("big"), 0, half);
	expect_served(BIG);
	expect_served(SMALL);
}

static void test_an_agent_that_is_killed_while_it_packs_is_followed_by_one_that_goes_on(void **state)
{
	const char *const one[] = {ALIVE, NULL};
	uint32_t half = tables_present_half(lab.tables).length;

	(void)state;
	serve_many(GW_POLICY_MH, MEMBERS - 1);
	lab_service("small", SMALL, GW_POLICY_LC, one);
	assert_in_range(set_base("big"), 0, half);
	/* It had just begun. */
	tables_meta(lab.tables)->slots_half = 1;
	lab_close();
	lab_open();
	assert_in_range(set_base("big"), half, 2 * half);
	assert_in_range(set_base("small"), half, 2 * half);
	expect_served(BIG);
	expect_served(SMALL);
	/* What is taken is known again. */
	lab_service("other", "10.96.0.3:80", GW_POLICY_MH, one);
	expect_served(BIG);
	expect_served(SMALL);
	tables_meta(lab.tables)->slots_half = 0;
	lab_close();
	lab_open();
	assert_in_range(set_base("other"), 0, half);
	expect_served(BIG);
	expect_served("10.96.0.3:80");
}

/* Each table of mh takes 512 slots: there is room for some, not for as many as there are Services. */
static void test_a_set_too_many_is_refused_and_the_old_one_stays(void **state)
{
	const char *const one[] = {ALIVE, NULL};
	char name[16], vip[LAB_TEXT];
	struct view *view;

	(void)state;
	serve_many(GW_POLICY_MH, MEMBERS - SERVICES);
	for (int i = 1; i < SERVICES; i++) {
		snprintf(name, sizeof(name), "service-%d", i);
		snprintf(vip, sizeof(vip), "10.96.1.%d:80", i);
		lab_service(name, vip, GW_POLICY_LC, one);
		lab_service(name, vip, GW_POLICY_MH, one);
		assert_int_equal(!lab.refusal[0], i < 3);
		expect_served(vip);
	}
	assert_non_null(strstr(lab.refusal, "10.96.1.3:80"));
	assert_non_null(strstr(lab.refusal, "--max-services"));
	/* Room that is made is used: the same is asked for again. */
	serve_many(GW_POLICY_LC, 1);
	lab_service(name, vip, GW_POLICY_MH, one);
	assert_string_equal(lab.refusal, "");
	view = lab_view();
	assert_int_equal(lab_find_service(view, name)->policy, GW_POLICY_MH);
	view_close(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		LAB_TEST(test_sets_are_packed_where_free_ranges_are_too_short),
		LAB_TEST(test_an_agent_that_is_killed_while_it_packs_is_followed_by_one_that_goes_on),
		LAB_TEST(test_a_set_too_many_is_refused_and_the_old_one_stays),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
