// SPDX-License-Identifier: Apache-2.0
/* Weights of members, and what is used where some of them take no new connections. */
#include "unit/chosen.h"

static struct weights *list(const char *text)
{
	char reason[WEIGHTS_REASON_MAX];
	struct weights *weights;

	assert_int_equal(weights_parse(text, &weights, reason), 0);
	return weights;
}

/* The usual Service with these weights. */
static struct service *weighted(const char *text)
{
	struct service *service = gateway();

	service->weights = list(text);
	return service;
}

static void test_members_have_the_weights_of_their_pods(void **state)
{
	put_service(*state, weighted("peer1=3,peer2=0"));
	put_slice(*state,
		  make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1-0", "10.0.0.2 pod=peer2-0",
			     "10.0.0.3 pod=peer3-0", "10.0.0.4", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051*3 10.0.0.2:7051*0 "
					     "10.0.0.3:7051 10.0.0.4:7051");
}

static void test_weights_hold_for_every_port_and_address(void **state)
{
	struct service *service = make_service("gateway", "10.96.0.1,fd00::1", "grpc=7051,ops=80");

	service->weights = list("peer1=3");
	put_service(*state, service);
	put_slice(*state, make_slice("four", "grpc=7051,ops=81", "10.0.0.1 pod=peer1-0", NULL));
	put_slice(*state, make_slice("six", "grpc=7051,ops=81", "fd00:1::1 pod=peer1-0", NULL));
	assert_string_equal(chosen(*state), "grpc@10.96.0.1:7051 balance ready 10.0.0.1:7051*3; "
					    "grpc@[fd00::1]:7051 balance ready [fd00:1::1]:7051*3; "
					    "ops@10.96.0.1:80 balance ready 10.0.0.1:81*3; "
					    "ops@[fd00::1]:80 balance ready [fd00:1::1]:81*3");
}

static void test_drain_makes_a_member_take_none(void **state)
{
	struct service *service = weighted("peer1=3");

	service->drain = list("peer1=0");
	put_service(*state, service);
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1-0",
				     "10.0.0.2 pod=peer2-0", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051*0 10.0.0.2:7051");
}

static void test_a_service_all_of_whose_members_are_drained_refuses(void **state)
{
	put_service(*state, weighted("peer1=0,peer2=0"));
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1", "10.0.0.2 pod=peer2",
				     "10.0.0.3 not-ready", NULL));
	assert_string_equal(outcome(*state), "refuse drained 10.0.0.1:7051*0 10.0.0.2:7051*0");
}

static void test_a_drained_zone_gives_way_to_the_other_zones(void **state)
{
	put_service(*state, weighted("peer1=0"));
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1 for-zones=a",
				     "10.0.0.2 pod=peer2 for-zones=b", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051*0 10.0.0.2:7051");
}

static void test_a_drained_node_gives_way_to_its_zone(void **state)
{
	put_service(*state, weighted("peer1=0"));
	put_slice(*state,
		  make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1 for-nodes=node1 for-zones=a",
			     "10.0.0.2 pod=peer2 for-nodes=node2 for-zones=a",
			     "10.0.0.3 pod=peer3 for-nodes=node3 for-zones=b", NULL));
	assert_string_equal(outcome(*state), "balance same-zone 10.0.0.1:7051*0 10.0.0.2:7051");
}

static void test_a_partly_drained_zone_stays_by_itself(void **state)
{
	put_service(*state, weighted("peer1=0"));
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1 for-zones=a",
				     "10.0.0.2 pod=peer2 for-zones=a",
				     "10.0.0.3 pod=peer3 for-zones=b", NULL));
	assert_string_equal(outcome(*state), "balance same-zone 10.0.0.1:7051*0 10.0.0.2:7051");
}

static void test_terminating_ones_serve_while_all_ready_ones_are_drained(void **state)
{
	put_service(*state, weighted("peer1=0"));
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1",
				     "10.0.0.2 pod=peer2 not-ready terminating",
				     "10.0.0.3 not-ready", NULL));
	assert_string_equal(outcome(*state), "balance terminating-fallback 10.0.0.2:7051");
}

/* As if nothing were drained. */
static void test_drained_everywhere_leaves_those_of_the_first_rule(void **state)
{
	put_service(*state, weighted("peer1=0,peer2=0"));
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1 for-zones=a",
				     "10.0.0.2 pod=peer2 for-zones=b", NULL));
	assert_string_equal(outcome(*state), "refuse drained 10.0.0.1:7051*0");
}

static void test_a_drained_local_service_stays_on_its_node(void **state)
{
	struct service *service = weighted("peer1=0");

	service->local_only = true;
	put_service(*state, service);
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1 node=node1",
				     "10.0.0.2 pod=peer2 node=node2", NULL));
	assert_string_equal(outcome(*state), "refuse drained 10.0.0.1:7051*0");
}

static void test_without_endpoints_nothing_is_called_drained(void **state)
{
	put_service(*state, weighted("peer1=0"));
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1 not-ready", NULL));
	assert_string_equal(outcome(*state), "refuse no-endpoints");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHOOSE_TEST(test_members_have_the_weights_of_their_pods),
		CHOOSE_TEST(test_weights_hold_for_every_port_and_address),
		CHOOSE_TEST(test_drain_makes_a_member_take_none),
		CHOOSE_TEST(test_a_service_all_of_whose_members_are_drained_refuses),
		CHOOSE_TEST(test_a_drained_zone_gives_way_to_the_other_zones),
		CHOOSE_TEST(test_a_drained_node_gives_way_to_its_zone),
		CHOOSE_TEST(test_a_partly_drained_zone_stays_by_itself),
		CHOOSE_TEST(test_terminating_ones_serve_while_all_ready_ones_are_drained),
		CHOOSE_TEST(test_drained_everywhere_leaves_those_of_the_first_rule),
		CHOOSE_TEST(test_a_drained_local_service_stays_on_its_node),
		CHOOSE_TEST(test_without_endpoints_nothing_is_called_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
