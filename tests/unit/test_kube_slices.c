// SPDX-License-Identifier: Apache-2.0
/* Which slices are followed, and when what they say of a Service is known. */
#include "unit/sourced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "source/kube/watch.h"

#define WATCH_OF(names) "endpointslices?watch!%2C" names
#define GONE "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n"
#define UNOWNED_SLICE(name, labels)                                                                \
	"{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{"        \
	"\"namespace\":\"fabric\",\"name\":\"" name                                                \
	"\",\"resourceVersion\":\"108\",\"labels\":{" labels                                       \
	"}},\"addressType\":\"IPv4\",\"endpoints\":[],\"ports\":[]}"

static void forget(struct told *told)
{
	told->length = 0;
	told->text[0] = '\0';
}

/* Service a and its slice are known and watched. */
static void start_with_a(struct told *told)
{
	start(told, &(struct kube_options){.zone = "z1"});
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a")));
	answer(told, SLICES, SLICE_LIST(SLICE("a-1", "a")));
	open_watch(told, "services?watch");
	open_watch(told, "endpointslices?watch");
	await(told, "know slices of fabric/a\n");
	await(told, "commit\n");
	await_request(told, "services?watch");
	await_request(told, "endpointslices?watch");
	forget(told);
}

static void add_b(struct told *told)
{
	send_event(told, "services?watch", EVENT("ADDED", SERVICE("b")));
	await(told, "put service fabric/b\nawait slices of fabric/b\ncommit\n");
	await_request(told, SLICES_OF("a%2Cb"));
}

static void test_without_services_no_slice_is_read(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1"});
	answer(told, SERVICES, SERVICE_LIST(""));
	await(told, "commit\n");
	await_request(told, "services?watch");
	assert_int_equal(fake_api_count(told->api, "endpointslices"), 0);
}

static void test_slices_of_a_new_service_are_awaited_until_they_are_listed(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	add_b(told);
	/* The watch of before goes on. */
	send_event(told, WATCH_OF("b"), EVENT("ADDED", SLICE("a-2", "a")));
	await(told, "put slice fabric/a-2 of a");
	assert_int_equal(times(told, "know"), 0);
	forget(told);
	answer(told, SLICES_OF("a%2Cb"), SLICE_LIST(SLICE("a-2", "a") "," SLICE("b-1", "b")));
	open_watch(told, "endpointslices?watch");
	await(told, "commit\n");
	/* a-1 went between the two. */
	assert_string_equal(told->text, "put slice fabric/b-1 of b, endpoints 1\n"
					"remove slice fabric/a-1\n"
					"know slices of fabric/b\n"
					"commit\n");
	await_requests(told, "endpointslices?watch", 2);
	send_event(told, "endpointslices?watch", EVENT("DELETED", SLICE("a-2", "a")));
	await(told, "remove slice fabric/a-2\n");
}

static void test_slices_that_cannot_be_listed_stay_awaited(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	refuse_request(told, SLICES_OF("a%2Cb"), "403 Forbidden");
	add_b(told);
	await(told, "failed endpointslices: forbidden: ");
	send_event(told, WATCH_OF("b"), EVENT("DELETED", SLICE("a-1", "a")));
	await(told, "remove slice fabric/a-1\n");
	assert_int_equal(times(told, "know"), 0);
	answer(told, SLICES_OF("a%2Cb"), SLICE_LIST(""));
	await(told, "know slices of fabric/b\n");
}

static void test_a_watch_that_lists_again_knows_nothing_of_those_that_its_heir_is_for(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	add_b(told);
	answer(told, SLICES, SLICE_LIST(SLICE("a-1", "a")));
	open_watch(told, WATCH_OF("b"));
	send_event(told, WATCH_OF("b"), GONE);
	await(told, "recovered endpointslices\n");
	assert_int_equal(times(told, "know"), 0);
	answer(told, SLICES_OF("a%2Cb"), SLICE_LIST(""));
	await(told, "know slices of fabric/b\n");
}

static void test_who_comes_while_a_list_is_under_way_waits_for_the_next(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	add_b(told);
	send_event(told, "services?watch", EVENT("ADDED", SERVICE("c")));
	await(told, "await slices of fabric/c\n");
	answer(told, SLICES_OF("a%2Cb"), SLICE_LIST(""));
	await(told, "know slices of fabric/b\n");
	await_request(told, SLICES_OF("a%2Cb%2Cc"));
	assert_int_equal(times(told, "know slices of fabric/c\n"), 0);
	answer(told, SLICES_OF("a%2Cb%2Cc"), SLICE_LIST(""));
	await(told, "know slices of fabric/c\n");
}

static void test_the_last_service_takes_the_watch_with_it(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	send_event(told, "services?watch", EVENT("DELETED", SERVICE("a")));
	await(told, "remove service fabric/a\n");
	await(told, "remove slice fabric/a-1\n");
	/* What comes back is awaited like what is new. */
	send_event(told, "services?watch", EVENT("ADDED", SERVICE("a")));
	await(told, "await slices of fabric/a\n");
	answer(told, SLICES, SLICE_LIST(SLICE("a-1", "a")));
	await(told, "know slices of fabric/a\n");
}

static void test_a_service_that_is_made_anew_at_once_is_awaited(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	send_event(told, "services?watch",
		   EVENT("DELETED", SERVICE("a")) EVENT("ADDED", SERVICE("a")));
	await(told, "remove service fabric/a\nput service fabric/a\nawait slices of fabric/a\n");
	await_requests(told, SLICES, 2);
	assert_int_equal(times(told, "know"), 0);
	answer(told, SLICES, SLICE_LIST(SLICE("a-1", "a")));
	await(told, "know slices of fabric/a\n");
}

static void test_services_that_are_listed_again_are_not_awaited_again(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a")));
	open_watch(told, "services?watch");
	send_event(told, "services?watch", GONE);
	await(told, "recovered services\n");
	assert_int_equal(times(told, "await"), 0);
	assert_int_equal(fake_api_count(told->api, SLICES), 1);
}

static void test_a_slice_that_leaves_for_a_service_that_is_not_balanced_is_gone(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	send_event(told, "endpointslices?watch", EVENT("MODIFIED", SLICE("a-1", "z")));
	await(told, "remove slice fabric/a-1\ncommit\n");
}

static void test_slices_that_are_no_services_are_left_out(void **state)
{
	struct told *told = *state;

	start_with_a(told);
	send_event(told, "endpointslices?watch",
		   EVENT("ADDED", UNOWNED_SLICE("n", "\"kubernetes.io/service-name\":\"a\","
						     "\"service.kubernetes.io/headless\":\"\""))
			   EVENT("ADDED", UNOWNED_SLICE("m", "\"x\":\"y\""))
				   EVENT("MODIFIED",
					 UNOWNED_SLICE("a-1",
						       "\"kubernetes.io/service-name\":\"a\","
						       "\"service.kubernetes.io/headless\":\"\"")));
	await(told, "commit\n");
	assert_string_equal(told->text, "remove slice fabric/a-1\ncommit\n");
}

static size_t add_long_name(char *list, size_t used, unsigned int number)
{
	return used + (size_t)sprintf(list + used, "%s" SERVICE("a%062u"), used ? "," : "", number);
}

/* A proxy before the API server takes request lines of 8 KiB. */
static void test_more_names_than_a_request_line_holds_are_several_watches(void **state)
{
	struct told *told = *state;
	static char items[200 * 400], list[sizeof(items) + 200];
	size_t used = 0, longest = 0;

	for (unsigned int i = 0; i < 200; i++)
		used = add_long_name(items, used, i);
	sprintf(list, SERVICE_LIST("%s"), items);
	start(told, &(struct kube_options){.zone = "z1"});
	answer(told, SERVICES, list);
	await_requests(told, "endpointslices?limit", 3);
	for (size_t i = 0; fake_api_request(told->api, i); i++)
		if (strlen(fake_api_request(told->api, i)) > longest)
			longest = strlen(fake_api_request(told->api, i));
	assert_true(longest > 4096 && longest < 6400);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(times(told, "commit"), 0);
		answer(told, "endpointslices?limit", SLICE_LIST(""));
	}
	await(told, "commit\n");
	assert_int_equal(times(told, "know slices"), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_without_services_no_slice_is_read),
		TEST(test_slices_of_a_new_service_are_awaited_until_they_are_listed),
		TEST(test_slices_that_cannot_be_listed_stay_awaited),
		TEST(test_a_watch_that_lists_again_knows_nothing_of_those_that_its_heir_is_for),
		TEST(test_who_comes_while_a_list_is_under_way_waits_for_the_next),
		TEST(test_the_last_service_takes_the_watch_with_it),
		TEST(test_a_service_that_is_made_anew_at_once_is_awaited),
		TEST(test_services_that_are_listed_again_are_not_awaited_again),
		TEST(test_a_slice_that_leaves_for_a_service_that_is_not_balanced_is_gone),
		TEST(test_slices_that_are_no_services_are_left_out),
		TEST(test_more_names_than_a_request_line_holds_are_several_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
