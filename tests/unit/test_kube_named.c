// SPDX-License-Identifier: Apache-2.0
/* Services that are followed by their names, beside those that have the label. */
#include "unit/sourced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const named[] = {"fabric/a"};

static void test_a_named_service_is_watched_by_its_name(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1", .services = named, .service_count = 1});
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a") "," SERVICE("b")));
	answer(told, NAMED "a", SERVICE_LIST(SERVICE("a")));
	answer(told, SLICES_OF("!zz"), SLICE_LIST(SLICE("a-1", "a") "," SLICE("b-1", "b")));
	open_watch(told, "v1/services?watch");
	open_watch(told, "fabric/services?watch");
	await(told, "commit\n");
	assert_int_equal(times(told, "put service fabric/a\n"), 1);
	assert_int_equal(times(told, "put slice fabric/a-1"), 1);
	assert_int_equal(times(told, "put slice fabric/b-1"), 1);
	await_request(told, "v1/services?watch");
	send_event(told, "v1/services?watch",
		   EVENT("DELETED", SERVICE("a")) EVENT("DELETED", SERVICE("b")));
	await(told, "remove service fabric/b\n");
	assert_int_equal(times(told, "remove service fabric/a\n"), 0); /* it lost its label only */
	await_request(told, "fabric/services?watch");
	send_event(told, "fabric/services?watch", EVENT("DELETED", SERVICE("a")));
	await(told, "remove service fabric/a\n");
}

static void test_a_named_service_elsewhere_is_read_in_its_own_namespace(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1",
					   .services = named,
					   .service_count = 1,
					   .namespace = "other"});
	answer(told, "other/services?limit", SERVICE_LIST(""));
	answer(told, NAMED "a", SERVICE_LIST(SERVICE("a")));
	answer(told, "fabric/" SLICES_OF("a"), SLICE_LIST(SLICE("a-1", "a")));
	await(told, "put slice fabric/a-1 of a");
	await(told, "commit\n");
	assert_int_equal(fake_api_count(told->api, "v1/endpointslices"), 0);
}

static void test_a_name_is_one_of_its_namespace(void **state)
{
	static const char *const elsewhere[] = {"elsewhere/a"};
	struct told *told = *state;

	start(told,
	      &(struct kube_options){.zone = "z1", .services = elsewhere, .service_count = 1});
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a")));
	await(told, "put service fabric/a\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_named_service_is_watched_by_its_name),
		TEST(test_a_named_service_elsewhere_is_read_in_its_own_namespace),
		TEST(test_a_name_is_one_of_its_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
