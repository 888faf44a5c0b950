// SPDX-License-Identifier: Apache-2.0
/* kube-proxy's rules: which endpoints are usable here. One test each. */
#include "unit/chosen.h"

/* Ready, serving, terminating */

static void test_only_ready_endpoints_are_used_while_there_is_one(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 not-ready",
				     "10.0.0.2 not-ready terminating",
				     "10.0.0.3 not-ready not-serving", "10.0.0.4", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.4:7051");
}

static void test_a_terminating_endpoint_is_used_only_if_none_is_ready(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 not-ready terminating",
				     "10.0.0.2 not-ready terminating not-serving",
				     "10.0.0.3 not-ready", "10.0.0.4 not-ready terminating", NULL));
	assert_string_equal(outcome(*state),
			    "balance terminating-fallback 10.0.0.1:7051 10.0.0.4:7051");
}

static void test_ready_counts_also_while_terminating(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 terminating",
				     "10.0.0.2 not-ready terminating", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051");
}

static void test_without_a_usable_endpoint_clients_are_refused(void **state)
{
	put_service(*state, gateway());
	assert_string_equal(outcome(*state), "refuse no-endpoints");
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 not-ready",
				     "10.0.0.2 not-ready not-serving terminating", NULL));
	assert_string_equal(outcome(*state), "refuse no-endpoints");
}

/* Topology */

static void test_node_hints_come_before_zone_hints(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 for-nodes=node1 for-zones=b",
				     "10.0.0.2 for-nodes=node2 for-zones=a",
				     "10.0.0.3 for-nodes=node2,node1 for-zones=a", NULL));
	assert_string_equal(outcome(*state), "balance same-node 10.0.0.1:7051 10.0.0.3:7051");
}

static void test_zone_hints_hold_if_no_node_hint_names_this_node(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 for-nodes=node2 for-zones=b",
				     "10.0.0.2 for-nodes=node2 for-zones=b,a", NULL));
	assert_string_equal(outcome(*state), "balance same-zone 10.0.0.2:7051");
}

static void test_zone_hints_hold_if_a_ready_endpoint_lacks_node_hints(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 for-nodes=node1 for-zones=b",
				     "10.0.0.2 for-zones=a", NULL));
	assert_string_equal(outcome(*state), "balance same-zone 10.0.0.2:7051");
}

static void test_zone_hints_are_ignored_if_a_ready_endpoint_lacks_them(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 for-zones=a",
				     "10.0.0.2 for-zones=b", "10.0.0.3", NULL));
	assert_string_equal(outcome(*state),
			    "balance ready 10.0.0.1:7051 10.0.0.2:7051 10.0.0.3:7051");
}

static void test_hints_that_name_another_place_only_are_ignored(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 for-zones=b for-nodes=node2",
				     "10.0.0.2 for-zones=aa for-nodes=node11", NULL));
	put_slice(*state,
		  make_slice("two", "grpc=7051", "10.0.0.3 for-zones=ba for-nodes=node", NULL));
	assert_string_equal(outcome(*state),
			    "balance ready 10.0.0.1:7051 10.0.0.2:7051 10.0.0.3:7051");
}

static void test_endpoints_that_are_not_ready_have_no_say_in_topology(void **state)
{
	put_service(*state, gateway());
	/* Neither does the want of a hint count nor a hint for this node. */
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 not-ready",
				     "10.0.0.2 not-ready terminating for-nodes=node1 for-zones=a",
				     "10.0.0.3 for-nodes=node2 for-zones=a",
				     "10.0.0.4 for-nodes=node2 for-zones=b", NULL));
	assert_string_equal(outcome(*state), "balance same-zone 10.0.0.3:7051");
}

static void test_a_node_without_a_zone_matches_no_zone_hint(void **state)
{
	struct fixture *f = *state;

	f->place.zone = "";
	put_service(f, gateway());
	put_slice(f, make_slice("one", "grpc=7051", "10.0.0.1 for-zones=a",
				"10.0.0.2 for-zones=", NULL));
	assert_string_equal(outcome(f), "balance ready 10.0.0.1:7051 10.0.0.2:7051");
}

static void test_the_terminating_fallback_knows_no_topology(void **state)
{
	put_service(*state, gateway());
	put_slice(*state,
		  make_slice("one", "grpc=7051",
			     "10.0.0.1 not-ready terminating for-nodes=node1 for-zones=a",
			     "10.0.0.2 not-ready terminating for-nodes=node2 for-zones=b", NULL));
	assert_string_equal(outcome(*state),
			    "balance terminating-fallback 10.0.0.1:7051 10.0.0.2:7051");
}

static void test_only_hints_are_read_and_not_the_endpoints_own_place(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1 node=node1 zone=a",
				     "10.0.0.2 node=node2 zone=b", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051 10.0.0.2:7051");
}

static void test_topology_is_each_familys_own(void **state)
{
	put_service(*state, make_service("gateway", "10.96.0.1,fd00::1", "grpc=7051"));
	put_slice(*state, make_slice("four", "grpc=7051", "10.0.0.1 for-zones=a",
				     "10.0.0.2 for-zones=b", NULL));
	put_slice(*state, make_slice("six", "grpc=7051", "fd00:1::1", NULL));
	assert_string_equal(chosen(*state), "grpc@10.96.0.1:7051 balance same-zone 10.0.0.1:7051; "
					    "grpc@[fd00::1]:7051 balance ready [fd00:1::1]:7051");
}

/* internalTrafficPolicy: Local */

static struct service *local_gateway(void)
{
	struct service *service = gateway();

	service->local_only = true;
	return service;
}

static void test_a_local_service_uses_the_ready_endpoints_of_this_node(void **state)
{
	put_service(*state, local_gateway());
	put_slice(*state,
		  make_slice("one", "grpc=7051", "10.0.0.1 node=node1", "10.0.0.2 node=node2",
			     "10.0.0.3", "10.0.0.4 node=node1 not-ready terminating",
			     "10.0.0.5 node=node1", "10.0.0.6 node=node11", NULL));
	assert_string_equal(outcome(*state), "balance local 10.0.0.1:7051 10.0.0.5:7051");
}

static void test_a_local_service_falls_back_to_terminating_ones_of_this_node(void **state)
{
	put_service(*state, local_gateway());
	put_slice(*state,
		  make_slice("one", "grpc=7051", "10.0.0.1 node=node1 not-ready terminating",
			     "10.0.0.2 node=node2", "10.0.0.3 node=node1 not-ready",
			     "10.0.0.4 node=node2 not-ready terminating", NULL));
	assert_string_equal(outcome(*state), "balance terminating-fallback 10.0.0.1:7051");
}

static void test_a_local_service_applies_no_hints(void **state)
{
	put_service(*state, local_gateway());
	put_slice(*state,
		  make_slice("one", "grpc=7051", "10.0.0.1 node=node1 for-nodes=node2 for-zones=b",
			     "10.0.0.2 node=node2 for-nodes=node1 for-zones=a", NULL));
	assert_string_equal(outcome(*state), "balance local 10.0.0.1:7051");
}

static void test_a_local_service_with_endpoints_elsewhere_only_is_refused_as_such(void **state)
{
	put_service(*state, local_gateway());
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.2 node=node2", NULL));
	assert_string_equal(outcome(*state), "refuse no-local-endpoints");
	put_slice(*state, make_slice("one", "grpc=7051",
				     "10.0.0.2 node=node2 not-ready terminating", NULL));
	assert_string_equal(outcome(*state), "refuse no-local-endpoints");
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.2 node=node2 not-ready", NULL));
	assert_string_equal(outcome(*state), "refuse no-endpoints");
}

static void test_an_endpoint_without_a_node_is_local_to_none(void **state)
{
	struct fixture *f = *state;

	f->place.node = "";
	put_service(f, local_gateway());
	put_slice(f, make_slice("one", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(outcome(f), "refuse no-local-endpoints");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHOOSE_TEST(test_only_ready_endpoints_are_used_while_there_is_one),
		CHOOSE_TEST(test_a_terminating_endpoint_is_used_only_if_none_is_ready),
		CHOOSE_TEST(test_ready_counts_also_while_terminating),
		CHOOSE_TEST(test_without_a_usable_endpoint_clients_are_refused),
		CHOOSE_TEST(test_node_hints_come_before_zone_hints),
		CHOOSE_TEST(test_zone_hints_hold_if_no_node_hint_names_this_node),
		CHOOSE_TEST(test_zone_hints_hold_if_a_ready_endpoint_lacks_node_hints),
		CHOOSE_TEST(test_zone_hints_are_ignored_if_a_ready_endpoint_lacks_them),
		CHOOSE_TEST(test_hints_that_name_another_place_only_are_ignored),
		CHOOSE_TEST(test_endpoints_that_are_not_ready_have_no_say_in_topology),
		CHOOSE_TEST(test_a_node_without_a_zone_matches_no_zone_hint),
		CHOOSE_TEST(test_the_terminating_fallback_knows_no_topology),
		CHOOSE_TEST(test_only_hints_are_read_and_not_the_endpoints_own_place),
		CHOOSE_TEST(test_topology_is_each_familys_own),
		CHOOSE_TEST(test_a_local_service_uses_the_ready_endpoints_of_this_node),
		CHOOSE_TEST(test_a_local_service_falls_back_to_terminating_ones_of_this_node),
		CHOOSE_TEST(test_a_local_service_applies_no_hints),
		CHOOSE_TEST(test_a_local_service_with_endpoints_elsewhere_only_is_refused_as_such),
		CHOOSE_TEST(test_an_endpoint_without_a_node_is_local_to_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
