// SPDX-License-Identifier: Apache-2.0
/* From what there is to what is wanted: every kind of step, and when none is needed. */
#include "unit/planned.h"

static void test_nothing_wanted_and_nothing_there_is_no_step(void **state)
{
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(NULL, 0, NULL, 0, &plan), 0);
	assert_int_equal(plan.count, 0);
	plan_done(&plan);
}

static void test_what_is_as_wanted_needs_no_step(void **state)
{
	in_force(*state);
	assert_string_equal(planned(*state), "");
}

static void test_what_is_new_is_added_in_the_order_of_the_service(void **state)
{
	want(*state, "ops", "10.96.0.1", 9443, 2);
	want(*state, "ops", "fd00::1", 9443, 0);
	want(*state, "grpc", "10.96.0.1", 7051, 1);
	assert_string_equal(planned(*state), "add ops@10.96.0.1:9443; add ops@[fd00::1]:9443; "
					     "add grpc@10.96.0.1:7051");
}

static void test_what_is_not_wanted_any_more_is_withdrawn(void **state)
{
	struct fixture *f = *state;

	in_force(f);
	f->want_count = 0;
	assert_string_equal(planned(f), "withdraw 1");
}

static void test_other_exceptions_are_a_change(void **state)
{
	static const uint64_t two[] = {7, 9}, others[] = {7, 8};
	struct fixture *f = *state;
	struct present *entry = in_force(f);

	f->wants[0].excepted = two;
	f->wants[0].excepted_count = 2;
	assert_string_equal(planned(f), "change 1");
	entry->excepted = others;
	entry->excepted_count = 2;
	assert_string_equal(planned(f), "change 1");
	entry->excepted = two;
	assert_string_equal(planned(f), "");
	f->wants[0].excepted_count = 1;
	assert_string_equal(planned(f), "change 1");
}

static void test_what_is_withdrawn_already_needs_no_step(void **state)
{
	struct fixture *f = *state;
	struct present *entry = in_force(f);

	f->want_count = 0;
	entry->published = false;
	entry->withdrawn = true;
	assert_string_equal(planned(f), "");
}

static void test_what_was_withdrawn_is_published_again(void **state)
{
	struct present *entry = in_force(*state);

	entry->published = false;
	entry->withdrawn = true;
	assert_string_equal(planned(*state), "change 1");
	entry->withdrawn = false; /* it could not be published the last time */
	assert_string_equal(planned(*state), "change 1");
}

static void test_withdrawals_come_first_and_additions_last(void **state)
{
	struct fixture *f = *state;
	struct choice *gone;

	/* The port is called otherwise now: its address is to be set free before it is taken. */
	gone = want(f, "zzz", "10.96.0.1", 7051, 1);
	have(f, gone);
	f->want_count--;
	want(f, "aaa", "10.96.0.1", 7051, 1);
	have(f, want(f, "bbb", "10.96.0.1", 7053, 1))->settings.policy = GW_POLICY_RR;
	want(f, "ccc", "10.96.0.1", 7054, 1);
	assert_string_equal(planned(f), "withdraw 1; change 2; add aaa@10.96.0.1:7051; "
					"add ccc@10.96.0.1:7054");
}

static void test_another_name_address_or_port_is_another_entry(void **state)
{
	struct fixture *f = *state;
	struct present *entry = in_force(f);

	entry->port_name = "grpcs";
	assert_string_equal(planned(f), "withdraw 1; add grpc@10.96.0.1:7051");
	entry->port_name = "grpc";
	entry->vip = address("10.96.0.2");
	assert_string_equal(planned(f), "withdraw 1; add grpc@10.96.0.1:7051");
	entry->vip = address("10.96.0.1");
	entry->port = 7052;
	assert_string_equal(planned(f), "withdraw 1; add grpc@10.96.0.1:7051");
	entry->port = 7051;
	assert_string_equal(planned(f), "");
}

static void test_other_settings_are_a_change(void **state)
{
	in_force(*state)->settings.policy = GW_POLICY_RANDOM;
	assert_string_equal(planned(*state), "change 1");
}

static void test_more_fewer_or_other_members_are_a_change(void **state)
{
	struct fixture *f = *state;

	in_force(f);
	f->wants[0].member_count = 1;
	assert_string_equal(planned(f), "change 1");
	f->wants[0].member_count = 0;
	assert_string_equal(planned(f), "change 1");
	f->wants[0].member_count = 2;
	f->haves[0].member_count = 1;
	assert_string_equal(planned(f), "change 1");
	f->haves[0].member_count = 2;
	assert_string_equal(planned(f), "");
	f->members[0][1].address = address("10.0.0.9");
	assert_string_equal(planned(f), "change 1");
}

static void test_another_port_or_weight_of_a_member_is_a_change(void **state)
{
	struct fixture *f = *state;

	in_force(f);
	f->members[0][1].port = 7052;
	assert_string_equal(planned(f), "change 1");
	f->members[0][1].port = 7051;
	f->members[0][1].weight = 2;
	assert_string_equal(planned(f), "change 1");
}

static void test_another_pod_node_or_zone_at_the_same_address_is_a_change(void **state)
{
	struct fixture *f = *state;
	struct endpoint *endpoint = &f->slice->endpoints[1];

	in_force(f);
	replace_text(&endpoint->pod, "peer3");
	assert_string_equal(planned(f), "change 1");
	replace_text(&endpoint->pod, "peer2");
	replace_text(&endpoint->node, "node3");
	assert_string_equal(planned(f), "change 1");
	replace_text(&endpoint->node, "node2");
	replace_text(&endpoint->zone, "c");
	assert_string_equal(planned(f), "change 1");
	replace_text(&endpoint->zone, "b");
	assert_string_equal(planned(f), "");
}

/* It looks as it should, but for what it had no room for. */
static void test_what_lacks_room_is_tried_again(void **state)
{
	struct present *entry = in_force(*state);

	entry->is_lacking = true;
	assert_string_equal(planned(*state), "change 1");
	entry->is_lacking = false;
	assert_string_equal(planned(*state), "");
}

static void test_a_service_that_is_left_alone_is_withdrawn(void **state)
{
	struct fixture *f = *state;

	in_force(f);
	f->wants[0].verdict = VERDICT_LEAVE_ALONE;
	f->wants[0].reason = CHOICE_NOT_ENABLED;
	f->wants[0].member_count = 0;
	assert_string_equal(planned(f), "withdraw 1");
	f->have_count = 0;
	assert_string_equal(planned(f), "");
}

static void test_a_service_without_endpoints_is_published_to_be_refused(void **state)
{
	struct fixture *f = *state;

	want(f, "grpc", "10.96.0.1", 7051, 0);
	assert_string_equal(planned(f), "add grpc@10.96.0.1:7051");
	have(f, &f->wants[0]);
	assert_string_equal(planned(f), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(test_nothing_wanted_and_nothing_there_is_no_step),
		PLAN_TEST(test_what_is_as_wanted_needs_no_step),
		PLAN_TEST(test_what_is_new_is_added_in_the_order_of_the_service),
		PLAN_TEST(test_what_is_not_wanted_any_more_is_withdrawn),
		PLAN_TEST(test_other_exceptions_are_a_change),
		PLAN_TEST(test_other_exceptions_are_a_change),
		PLAN_TEST(test_what_is_withdrawn_already_needs_no_step),
		PLAN_TEST(test_what_was_withdrawn_is_published_again),
		PLAN_TEST(test_what_lacks_room_is_tried_again),
		PLAN_TEST(test_withdrawals_come_first_and_additions_last),
		PLAN_TEST(test_another_name_address_or_port_is_another_entry),
		PLAN_TEST(test_other_settings_are_a_change),
		PLAN_TEST(test_more_fewer_or_other_members_are_a_change),
		PLAN_TEST(test_another_port_or_weight_of_a_member_is_a_change),
		PLAN_TEST(test_another_pod_node_or_zone_at_the_same_address_is_a_change),
		PLAN_TEST(test_a_service_that_is_left_alone_is_withdrawn),
		PLAN_TEST(test_a_service_without_endpoints_is_published_to_be_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
