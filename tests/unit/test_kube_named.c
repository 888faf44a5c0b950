// SPDX-License-Identifier: Apache-2.0
/* Services that are followed by their names, beside those that have the label. */
#include "unit/sourced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const named[] = {"fabric/a"};

static void start_named(struct told *told)
{
	start(told, &(struct kube_options){.zone = "z1", .services = named, .service_count = 1});
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a") "," SERVICE("b")));
	answer(told, SLICES, SLICE_LIST(SLICE("a-1", "a") "," SLICE("b-1", "b")));
	open_watch(told, "v1/endpointslices?watch");
	await(told, "put slice fabric/b-1");
	assert_int_equal(times(told, "fabric/a"), 0); /* that is for the watch with its name */
	answer(told, NAMED "a", SERVICE_LIST(SERVICE("a")));
	answer(told, NAMED_SLICES "a", SLICE_LIST(SLICE("a-1", "a")));
	open_watch(told, "fabric/endpointslices?watch");
	await(told, "commit\n");
	await_request(told, "v1/endpointslices?watch");
	await_request(told, "fabric/endpointslices?watch");
}

static void test_a_named_service_is_watched_by_its_name(void **state)
{
	struct told *told = *state;

	start_named(told);
	assert_int_equal(times(told, "put service fabric/a\n"), 1);
	assert_int_equal(times(told, "put slice fabric/a-1"), 1);
	send_event(told, "v1/endpointslices?watch", EVENT("DELETED", SLICE("a-1", "a"))
			 EVENT("DELETED", SLICE("b-1", "b")));
	await(told, "remove slice fabric/b-1\n");
	assert_int_equal(times(told, "remove slice fabric/a-1\n"), 0); /* it lost its label only */
	send_event(told, "fabric/endpointslices?watch", EVENT("DELETED", SLICE("a-1", "a")));
	await(told, "remove slice fabric/a-1\n");
}

static void test_a_slice_that_moves_from_a_named_service_is_not_lost(void **state)
{
	struct told *told = *state;

	start_named(told);
	/* The two watches may tell of it in either order. */
	send_event(told, "v1/endpointslices?watch", EVENT("MODIFIED", SLICE("a-1", "b")));
	await(told, "put slice fabric/a-1 of b");
	send_event(told, "fabric/endpointslices?watch",
		   EVENT("DELETED", SLICE("a-1", "a")) EVENT("ADDED", SLICE("a-2", "a")));
	await(told, "put slice fabric/a-2 of a");
	assert_int_equal(times(told, "remove"), 0);
}

static void test_a_name_is_one_of_its_namespace(void **state)
{
	static const char *const elsewhere[] = {"elsewhere/a"};
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1", .services = elsewhere,
					   .service_count = 1});
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a")));
	await(told, "put service fabric/a\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_named_service_is_watched_by_its_name),
		TEST(test_a_slice_that_moves_from_a_named_service_is_not_lost),
		TEST(test_a_name_is_one_of_its_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
