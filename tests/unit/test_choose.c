// SPDX-License-Identifier: Apache-2.0
/* kube-proxy's rules: which Services, which EndpointSlices, which of two alike. One test each. */
#include "unit/chosen.h"

/* Which Services */

static void test_a_service_that_is_not_enabled_is_left_alone(void **state)
{
	struct service *service = gateway();

	service->enabled = false;
	put_service(*state, service);
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(chosen(*state), "grpc@10.96.0.1:7051 leave-alone not-enabled");
}

static void test_a_service_without_a_cluster_ip_is_left_alone(void **state)
{
	struct service *service = make_service("gateway", "", "grpc=7051,ops=9443");

	put_service(*state, service);
	assert_string_equal(chosen(*state), "@[::]:0 leave-alone headless");
	service = gateway();
	service->headless = true; /* by its label */
	put_service(*state, service);
	assert_string_equal(outcome(*state), "leave-alone headless");
}

static void test_a_service_of_type_external_name_is_left_alone(void **state)
{
	struct service *service = make_service("gateway", "", "");

	service->external_name = true;
	service->headless = true;
	put_service(*state, service);
	assert_string_equal(outcome(*state), "leave-alone external-name");
}

static void test_a_service_of_another_proxy_is_left_alone(void **state)
{
	struct service *service = gateway();

	service->other_proxy = true;
	put_service(*state, service);
	assert_string_equal(outcome(*state), "leave-alone other-proxy");
}

static void test_a_service_without_a_tcp_port_is_left_alone(void **state)
{
	put_service(*state, make_service("gateway", "10.96.0.1", ""));
	assert_string_equal(outcome(*state), "leave-alone no-tcp-port");
}

static void test_a_service_without_good_settings_is_left_alone(void **state)
{
	struct service *service = make_service("gateway", "10.96.0.1,fd00::1", "grpc=7051");

	service->settings_good = false;
	replace_text(&service->invalid, "a typo");
	put_service(*state, service);
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(chosen(*state), "grpc@10.96.0.1:7051 leave-alone invalid; "
					    "grpc@[fd00::1]:7051 leave-alone invalid");
}

static void test_a_service_with_kept_settings_is_balanced_although_invalid(void **state)
{
	struct service *service = gateway();

	put_service(*state, gateway());
	replace_text(&service->invalid, "a typo");
	put_service(*state, service);
	put_slice(*state, make_slice("one", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051");
}

/* Which EndpointSlices */

static void test_endpoints_are_the_union_of_the_slices(void **state)
{
	struct slice *other = make_slice("other", "grpc=7051", "10.0.0.9", NULL);

	replace_text(&other->service, "other-gateway");
	put_service(*state, gateway());
	put_slice(*state, make_slice("b", "grpc=7051", "10.0.0.10", "10.0.0.2", NULL));
	put_slice(*state, make_slice("a", "grpc=7051", "10.0.0.3", NULL));
	put_slice(*state, make_slice("empty", "grpc=7051", NULL));
	put_slice(*state, other);
	assert_string_equal(outcome(*state),
			    "balance ready 10.0.0.2:7051 10.0.0.3:7051 10.0.0.10:7051");
}

static void test_slices_of_the_same_service_name_elsewhere_do_not_count(void **state)
{
	struct slice *foreign = make_slice("one", "grpc=7051", "10.0.0.9", NULL);

	replace_text(&foreign->namespace, "foreign");
	put_service(*state, gateway());
	put_slice(*state, foreign);
	assert_string_equal(outcome(*state), "refuse no-endpoints");
}

static void test_a_dual_stack_service_has_a_choice_for_each_family(void **state)
{
	put_service(*state, make_service("gateway", "10.96.0.1,fd00::1", "grpc=7051"));
	put_slice(*state, make_slice("four", "grpc=7051", "10.0.0.1", "10.0.0.2", NULL));
	put_slice(*state, make_slice("six", "grpc=7051", "fd00:1::1", NULL));
	assert_string_equal(chosen(*state),
			    "grpc@10.96.0.1:7051 balance ready 10.0.0.1:7051 10.0.0.2:7051; "
			    "grpc@[fd00::1]:7051 balance ready [fd00:1::1]:7051");
}

static void test_a_family_without_endpoints_is_refused_alone(void **state)
{
	put_service(*state, make_service("gateway", "fd00::1,10.96.0.1", "grpc=7051"));
	put_slice(*state, make_slice("four", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(chosen(*state), "grpc@[fd00::1]:7051 refuse no-endpoints; "
					    "grpc@10.96.0.1:7051 balance ready 10.0.0.1:7051");
}

static void test_ports_are_matched_by_name_with_each_slices_own_number(void **state)
{
	put_service(*state, make_service("gateway", "10.96.0.1", "grpc=7051,ops=443"));
	put_slice(*state, make_slice("a", "grpc=7051,ops=9443", "10.0.0.1", NULL));
	put_slice(*state, make_slice("b", "ops=9444,grpc=17051", "10.0.0.2", NULL));
	put_slice(*state, make_slice("c", "grpcs=1,grp=2,=3,GRPC=4", "10.0.0.3", NULL));
	assert_string_equal(chosen(*state),
			    "grpc@10.96.0.1:7051 balance ready 10.0.0.1:7051 10.0.0.2:17051; "
			    "ops@10.96.0.1:443 balance ready 10.0.0.1:9443 10.0.0.2:9444");
}

static void test_a_single_unnamed_port_matches_the_unnamed_port(void **state)
{
	put_service(*state, make_service("gateway", "10.96.0.1", "=7051"));
	put_slice(*state, make_slice("one", "=8080", "10.0.0.1", NULL));
	put_slice(*state, make_slice("two", "grpc=7051", "10.0.0.2", NULL));
	assert_string_equal(chosen(*state), "@10.96.0.1:7051 balance ready 10.0.0.1:8080");
}

static void test_a_slice_without_the_port_has_no_endpoints_for_it(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("one", "", "10.0.0.1", NULL));
	put_slice(*state, make_slice("two", "grpc=0", "10.0.0.2", NULL));
	assert_string_equal(outcome(*state), "refuse no-endpoints");
}

static void test_ports_and_addresses_come_in_the_order_of_the_service(void **state)
{
	put_service(*state, make_service("gateway", "fd00::1,10.96.0.1", "z=2,a=1"));
	assert_string_equal(chosen(*state), "z@[fd00::1]:2 refuse no-endpoints; "
					    "z@10.96.0.1:2 refuse no-endpoints; "
					    "a@[fd00::1]:1 refuse no-endpoints; "
					    "a@10.96.0.1:1 refuse no-endpoints");
}

static void test_one_address_with_two_ports_is_two_members(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("a", "grpc=7052", "10.0.0.1", NULL));
	put_slice(*state, make_slice("b", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051 10.0.0.1:7052");
}

/* Duplicates */

static const struct member *only_member(struct fixture *f, struct choice **choices)
{
	const struct service *service = model_find_service(f->model, "fabric", "gateway");
	size_t count;

	assert_int_equal(choose(f->model, service, &f->place, choices, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal((*choices)[0].member_count, 1);
	return &(*choices)[0].members[0];
}

static void test_the_same_endpoint_twice_is_one_member(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("a", "grpc=7051", "10.0.0.1 pod=peer1", NULL));
	put_slice(*state, make_slice("b", "grpc=7051", "10.0.0.1 pod=peer1", "10.0.0.2", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051 10.0.0.2:7051");
}

static void test_of_duplicates_the_one_not_terminating_wins(void **state)
{
	static const char old[] = "10.0.0.1 pod=old not-ready terminating";
	static const char new[] = "10.0.0.1 pod=new";
	const char *const orders[][2] = {{old, new}, {new, old}};

	put_service(*state, gateway());
	for (size_t i = 0; i < 2; i++) {
		struct choice *choices;

		put_slice(*state, make_slice("a", "grpc=7051", orders[i][0], NULL));
		put_slice(*state, make_slice("b", "grpc=7051", orders[i][1], NULL));
		assert_string_equal(only_member(*state, &choices)->endpoint->pod, "new");
		choices_free(choices, 1);
	}
}

static void test_a_terminating_duplicate_is_no_fallback_for_an_unready_one(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("a", "grpc=7051", "10.0.0.1 not-ready terminating",
				     "10.0.0.1 not-ready not-serving", NULL));
	assert_string_equal(outcome(*state), "refuse no-endpoints");
}

static void test_of_duplicates_alike_the_ready_one_wins(void **state)
{
	put_service(*state, gateway());
	put_slice(*state, make_slice("a", "grpc=7051", "10.0.0.1 not-ready", NULL));
	put_slice(*state, make_slice("b", "grpc=7051", "10.0.0.1", NULL));
	put_slice(*state, make_slice("c", "grpc=7051", "10.0.0.1 not-ready", NULL));
	assert_string_equal(outcome(*state), "balance ready 10.0.0.1:7051");
}

/* A hand-made slice beside the controller's: whether the endpoint is local is said by one alone. */
static void test_of_duplicates_alike_the_one_that_says_whose_it_is_wins(void **state)
{
	struct service *service = gateway();

	service->local_only = true;
	put_service(*state, service);
	put_slice(*state, make_slice("a", "grpc=7051", "10.0.0.1", NULL));
	put_slice(*state, make_slice("b", "grpc=7051", "10.0.0.1 pod=peer1 node=node1", NULL));
	put_slice(*state, make_slice("c", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(outcome(*state), "balance local 10.0.0.1:7051");
}

static void test_until_its_slices_are_read_a_service_is_left_alone(void **state)
{
	struct fixture *f = *state;

	put_service(f, gateway());
	model_await_slices(f->model, "fabric", "gateway", true);
	put_slice(f, make_slice("a", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(outcome(f), "leave-alone slices-unknown");
	put_service(f, gateway());
	assert_string_equal(outcome(f), "leave-alone slices-unknown");
	model_await_slices(f->model, "fabric", "gateway", false);
	assert_string_equal(outcome(f), "balance ready 10.0.0.1:7051");
	/* What is known to be empty is another thing than what is not known. */
	model_remove_slice(f->model, "fabric", "a");
	assert_string_equal(outcome(f), "refuse no-endpoints");
}

static void test_an_endpoint_that_moves_between_slices_is_never_dropped(void **state)
{
	static const char wanted[] = "balance ready 10.0.0.1:7051 10.0.0.2:7051";

	put_service(*state, gateway());
	put_slice(*state, make_slice("a", "grpc=7051", "10.0.0.1", "10.0.0.2", NULL));
	assert_string_equal(outcome(*state), wanted);
	put_slice(*state, make_slice("b", "grpc=7051", "10.0.0.2", NULL));
	assert_string_equal(outcome(*state), wanted);
	put_slice(*state, make_slice("a", "grpc=7051", "10.0.0.1", NULL));
	assert_string_equal(outcome(*state), wanted);
	put_slice(*state, make_slice("b", "grpc=7051", "10.0.0.1", "10.0.0.2", NULL));
	model_remove_slice(((struct fixture *)*state)->model, "fabric", "a");
	assert_string_equal(outcome(*state), wanted);
}

/* What strangers may write */

static void test_addresses_that_are_no_peers_are_never_chosen(void **state)
{
	put_service(*state, make_service("gateway", "10.96.0.1,fd00::1", "grpc=7051"));
	put_slice(*state, make_slice("four", "grpc=7051", "127.0.0.1", "169.254.169.254",
				     "224.0.0.1", "0.0.0.0", "10.0.0.1", NULL));
	put_slice(*state, make_slice("six", "grpc=7051", "::1", "fe80::1", "ff02::1", "::", NULL));
	assert_string_equal(chosen(*state), "grpc@10.96.0.1:7051 balance ready 10.0.0.1:7051; "
					    "grpc@[fd00::1]:7051 refuse no-endpoints");
}

static void test_addresses_of_a_family_that_their_slice_denies_are_never_chosen(void **state)
{
	struct slice *slice = make_slice("four", "grpc=7051", "10.0.0.1", "fd00:1::1", NULL);

	put_service(*state, make_service("gateway", "10.96.0.1,fd00::1", "grpc=7051"));
	put_slice(*state, slice);
	assert_string_equal(chosen(*state), "grpc@10.96.0.1:7051 balance ready 10.0.0.1:7051; "
					    "grpc@[fd00::1]:7051 refuse no-endpoints");
	slice->family = FAMILY_IPV6;
	assert_string_equal(chosen(*state), "grpc@10.96.0.1:7051 refuse no-endpoints; "
					    "grpc@[fd00::1]:7051 balance ready [fd00:1::1]:7051");
}

/* count endpoints in slices of 50, from 10.0.0.1 on, written backwards. */
static void put_many(struct fixture *f, unsigned int count)
{
	while (count > 0) {
		struct slice *slice;
		char name[16];

		snprintf(name, sizeof(name), "s%u", count);
		slice = make_slice(name, "grpc=7051", NULL);
		for (int i = 0; i < 50 && count > 0; i++, count--) {
			char text[32];

			snprintf(text, sizeof(text), "10.0.%u.%u", count >> 8, count & 255);
			add_endpoint(slice, text);
		}
		put_slice(f, slice);
	}
}

static void check_many(struct fixture *f, unsigned int count, size_t members, size_t surplus)
{
	const struct service *service = model_find_service(f->model, "fabric", "gateway");
	struct choice *choices;
	size_t made;

	put_many(f, count);
	assert_int_equal(choose(f->model, service, &f->place, &choices, &made), 0);
	assert_int_equal(made, 1);
	assert_int_equal(choices[0].member_count, members);
	assert_int_equal(choices[0].surplus, surplus);
	for (size_t i = 0; i < members; i++) {
		assert_int_equal(choices[0].members[i].weight, 1);
		assert_true(i == 0 || addr_compare(&choices[0].members[i - 1].address,
						   &choices[0].members[i].address) < 0);
	}
	choices_free(choices, made);
}

/* Whoever writes a Service of many ports and endpoints must not keep the agent busy. */
static void test_ports_beyond_what_is_looked_at_for_one_service_are_left_alone(void **state)
{
	unsigned int endpoints = 3 * GW_SET_MAX, served = 1 + CHOOSE_LOOKS_MAX / endpoints;
	struct fixture *f = *state;
	const struct service *service;
	struct choice *choices;
	char ports[8192] = "";
	size_t made;

	for (unsigned int i = 0; i < served + 2; i++)
		snprintf(ports + strlen(ports), sizeof(ports) - strlen(ports), "%sgrpc=%u",
			 i ? "," : "", 7051 + i);
	put_service(f, make_service("gateway", "10.96.0.1", ports));
	put_many(f, endpoints);
	service = model_find_service(f->model, "fabric", "gateway");
	assert_int_equal(choose(f->model, service, &f->place, &choices, &made), 0);
	assert_int_equal(made, served + 2);
	for (size_t i = 0; i < made; i++) {
		assert_int_equal(choices[i].verdict,
				 i < served ? VERDICT_BALANCE : VERDICT_LEAVE_ALONE);
		assert_int_equal(choices[i].reason, i < served ? CHOICE_READY : CHOICE_TOO_LARGE);
		assert_int_equal(choices[i].member_count, i < served ? GW_SET_MAX : 0);
	}
	choices_free(choices, made);
}

static void test_what_is_beyond_the_limit_of_a_set_is_counted_as_surplus(void **state)
{
	put_service(*state, gateway());
	check_many(*state, GW_SET_MAX, GW_SET_MAX, 0);
	check_many(*state, GW_SET_MAX + 1, GW_SET_MAX, 1);
	check_many(*state, 3 * GW_SET_MAX, GW_SET_MAX, 2 * GW_SET_MAX);
}

static void test_every_verdict_and_reason_has_a_word(void **state)
{
	(void)state;
	assert_string_equal(verdict_name(VERDICT_BALANCE), "balance");
	assert_string_equal(verdict_name(VERDICT_REFUSE), "refuse");
	assert_string_equal(verdict_name(VERDICT_LEAVE_ALONE), "leave-alone");
	for (int i = 0; i < CHOICE_REASON_MAX_; i++)
		assert_non_null(choice_reason_name((enum choice_reason)i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHOOSE_TEST(test_a_service_that_is_not_enabled_is_left_alone),
		CHOOSE_TEST(test_a_service_without_a_cluster_ip_is_left_alone),
		CHOOSE_TEST(test_a_service_of_type_external_name_is_left_alone),
		CHOOSE_TEST(test_a_service_of_another_proxy_is_left_alone),
		CHOOSE_TEST(test_a_service_without_a_tcp_port_is_left_alone),
		CHOOSE_TEST(test_a_service_without_good_settings_is_left_alone),
		CHOOSE_TEST(test_a_service_with_kept_settings_is_balanced_although_invalid),
		CHOOSE_TEST(test_endpoints_are_the_union_of_the_slices),
		CHOOSE_TEST(test_slices_of_the_same_service_name_elsewhere_do_not_count),
		CHOOSE_TEST(test_a_dual_stack_service_has_a_choice_for_each_family),
		CHOOSE_TEST(test_a_family_without_endpoints_is_refused_alone),
		CHOOSE_TEST(test_ports_are_matched_by_name_with_each_slices_own_number),
		CHOOSE_TEST(test_a_single_unnamed_port_matches_the_unnamed_port),
		CHOOSE_TEST(test_a_slice_without_the_port_has_no_endpoints_for_it),
		CHOOSE_TEST(test_ports_and_addresses_come_in_the_order_of_the_service),
		CHOOSE_TEST(test_one_address_with_two_ports_is_two_members),
		CHOOSE_TEST(test_the_same_endpoint_twice_is_one_member),
		CHOOSE_TEST(test_of_duplicates_the_one_not_terminating_wins),
		CHOOSE_TEST(test_a_terminating_duplicate_is_no_fallback_for_an_unready_one),
		CHOOSE_TEST(test_of_duplicates_alike_the_ready_one_wins),
		CHOOSE_TEST(test_of_duplicates_alike_the_one_that_says_whose_it_is_wins),
		CHOOSE_TEST(test_until_its_slices_are_read_a_service_is_left_alone),
		CHOOSE_TEST(test_an_endpoint_that_moves_between_slices_is_never_dropped),
		CHOOSE_TEST(test_addresses_that_are_no_peers_are_never_chosen),
		CHOOSE_TEST(test_addresses_of_a_family_that_their_slice_denies_are_never_chosen),
		CHOOSE_TEST(test_ports_beyond_what_is_looked_at_for_one_service_are_left_alone),
		CHOOSE_TEST(test_what_is_beyond_the_limit_of_a_set_is_counted_as_surplus),
		CHOOSE_TEST(test_every_verdict_and_reason_has_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
