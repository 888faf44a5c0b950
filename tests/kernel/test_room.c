// SPDX-License-Identifier: Apache-2.0
/* Room for sets: free ranges that are too short become one, and where there is none, it is said. */
#include "kernel/lab.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/compact.h"
#include "kernel/registry.h"

#define MEMBERS 1000
#define SERVICES 64
#define BACKENDS 1400 /* a namespace may have 1,050 of them */
#define OURS 60       /* of a namespace that has little, twice while they are replaced */
#define BIG "10.96.0.1:80"
#define SMALL "10.96.0.2:80"
#define ALIVE "10.1.0.1:7051"

static int listener;

static int start(void **state)
{
	lab.max_services = SERVICES;
	lab.max_backends = BACKENDS;
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
	const struct range others = {2300, half - 2300};

	(void)state;
	serve_many(GW_POLICY_MH, 776);
	lab_service("small", SMALL, GW_POLICY_LC, one);
	assert_int_equal(set_base("small"), 1289);
	serve_many(GW_POLICY_LC, 1);
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	/* As if others stood there. */
	assert_int_equal(ranges_reserve(&lab.tables->ranges, &others), 0);
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

static void
test_an_agent_that_is_killed_while_it_packs_is_followed_by_one_that_goes_on(void **state)
{
	const char *const one[] = {ALIVE, NULL};
	uint32_t half = tables_present_half(lab.tables).length;

	(void)state;
	serve_many(GW_POLICY_MH, MEMBERS);
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

static enum gw_policy policy_of(const char *name, char message[GW_MESSAGE_MAX])
{
	struct view *view = lab_view();
	const struct view_service *service = lab_find_service(view, name);
	enum gw_policy policy = service->policy;

	assert_int_equal(service->state, VIEW_SERVICE_READY);
	snprintf(message, GW_MESSAGE_MAX, "%s", service->message);
	view_close(view);
	return policy;
}

/* Of 960 slots for tables a namespace may have 720. */
static void test_a_policy_without_room_for_its_table_goes_without(void **state)
{
	static const struct {
		enum gw_policy policy;
		enum gw_policy without;
	} policies[] = {
		{GW_POLICY_MH, GW_POLICY_MH},
		{GW_POLICY_WRR, GW_POLICY_SED},
		{GW_POLICY_RANDOM, GW_POLICY_P2C},
		{GW_POLICY_P2C, GW_POLICY_P2C},
	};
	/* A cycle of 4,001 turns. */
	const char *const two[] = {ALIVE "*4000", "10.2.0.1:7051*1", NULL};
	char message[GW_MESSAGE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		serve_many(GW_POLICY_MH, 10);
		assert_string_equal(lab.refusal, "");
		lab_service("small", SMALL, policies[i].policy, two);
		assert_non_null(strstr(lab.refusal, SMALL));
		assert_non_null(strstr(lab.refusal, "tables"));
		assert_non_null(strstr(lab.refusal, "--max-services"));
		assert_int_equal(policy_of("small", message), policies[i].without);
		assert_non_null(strstr(message, "--max-services"));
		/* Room that is made is used: the same is asked for again. */
		serve_many(GW_POLICY_LC, 1);
		lab_service("small", SMALL, policies[i].policy, two);
		assert_string_equal(lab.refusal, "");
		assert_int_equal(policy_of("small", message), policies[i].policy);
		assert_string_equal(message, "");
		lab_remove_service("small");
		assert_int_equal(tables_collect(lab.tables, 0), 0);
	}
}

/* One more Service of the namespace, with so many backends; whether there was room. */
static bool squat(int number, enum gw_policy policy, int count)
{
	static char texts[MEMBERS][LAB_TEXT];
	const char *backends[MEMBERS + 1] = {NULL};
	char name[32], vip[LAB_TEXT];

	for (int i = 0; i < count; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.3.%d.%d:%d", i / 250, i % 250 + 1,
			 7051 + number);
		backends[i] = texts[i];
	}
	snprintf(name, sizeof(name), "squatter-%d", number);
	snprintf(vip, sizeof(vip), "10.96.1.%d:80", number + 1);
	lab_service(name, vip, policy, backends);
	return !lab.refusal[0];
}

static void squat_all(enum gw_policy policy, int backends)
{
	lab.namespace = "squatter";
	for (int i = 0; i < SERVICES; i++)
		squat(i, policy, backends);
	lab.namespace = "lab";
}

/* What the namespace has is replaced, and replaced again, by what it needs now. */
static void expect_changeable(void)
{
	static char texts[OURS][LAB_TEXT];
	const char *backends[OURS + 1] = {NULL};

	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < OURS; i++) {
			snprintf(texts[i], sizeof(texts[i]), "10.4.%d.%d:7051*0", round, i);
			backends[i] = texts[i];
		}
		backends[0] = ALIVE;
		lab_service("big", BIG, GW_POLICY_LC, backends);
		assert_string_equal(lab.refusal, "");
		expect_served(BIG);
		lab_service("small", SMALL, GW_POLICY_RR, round % 2 ? backends + 1 : backends);
		assert_string_equal(lab.refusal, "");
		assert_int_equal(tables_collect(lab.tables, 0), 0);
	}
}

/* A tenant asks for all that there is: tables first, then sets, small and large. */
static void test_no_tenant_takes_what_another_needs(void **state)
{
	const char *const one[] = {ALIVE, NULL};

	(void)state;
	lab_service("big", BIG, GW_POLICY_LC, one);
	for (size_t i = 0; i < 2; i++) {
		squat_all(GW_POLICY_MH, 2);
		assert_string_not_equal(lab.refusal, "");
		expect_changeable();
		squat_all(GW_POLICY_MH, i ? 30 : 1);
		expect_changeable();
		squat_all(GW_POLICY_LC, 700);
		assert_non_null(strstr(lab.refusal, "squatter"));
		assert_non_null(strstr(lab.refusal, "--max-"));
		expect_changeable();
	}
	/* A namespace that comes later finds room as well. */
	lab.namespace = "late";
	lab_service("late", "10.96.2.1:80", GW_POLICY_LC, one);
	assert_string_equal(lab.refusal, "");
	expect_served("10.96.2.1:80");
	lab.namespace = "lab";
}

/* And goes on so with an agent that comes and counts what each has. */
static void test_shares_are_known_to_the_next_agent(void **state)
{
	const char *const one[] = {ALIVE, NULL};
	uint32_t used[SHARE_KINDS_MAX_];

	(void)state;
	squat_all(GW_POLICY_MH, 20);
	lab_service("big", BIG, GW_POLICY_LC, one);
	memcpy(used, lab.tables->shares.used, sizeof(used));
	assert_in_range(used[SHARE_TABLES], 512, 720);
	lab_close();
	lab_open();
	assert_memory_equal(lab.tables->shares.used, used, sizeof(used));
	expect_changeable();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		LAB_TEST(test_sets_are_packed_where_free_ranges_are_too_short),
		LAB_TEST(
			test_an_agent_that_is_killed_while_it_packs_is_followed_by_one_that_goes_on),
		LAB_TEST(test_a_policy_without_room_for_its_table_goes_without),
		LAB_TEST(test_no_tenant_takes_what_another_needs),
		LAB_TEST(test_shares_are_known_to_the_next_agent),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
