// SPDX-License-Identifier: Apache-2.0
/* The pods of the node: read while a Service asks for them, and not otherwise. */
#include "unit/sourced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PODS "/api/v1/pods?limit=500&fieldSelector=spec.nodeName%3Dnode1"
#define EXCEPTING(name)                                                                            \
	"{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":\"fabric\","      \
	"\"name\":\"" name "\",\"resourceVersion\":\"107\",\"annotations\":{"                      \
	"\"gwbpf.io/clients-except\":\"app=x\"}},\"spec\":{\"clusterIP\":\"10.96.0.9\","           \
	"\"ports\":[{\"port\":7051,\"protocol\":\"TCP\"}]}}"
#define POD(name, rest)                                                                            \
	"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":\"clients\","         \
	"\"name\":\"" name "\",\"resourceVersion\":\"110\",\"uid\":\"u-" name "\",\"labels\":{"    \
	"\"app\":\"x\"}},\"spec\":{\"nodeName\":\"node1\"}" rest "}"
#define ENDED ",\"status\":{\"phase\":\"Succeeded\"}"
#define POD_LIST(items) LIST("PodList", "v1", items)

static void forget(struct told *told)
{
	told->length = 0;
	told->text[0] = '\0';
}

/* Service a, which asks for pods, or does not. */
static void start_with(struct told *told, const char *services)
{
	start(told, &(struct kube_options){.zone = "z1"});
	answer(told, SERVICES, services);
	answer(told, SLICES, SLICE_LIST(SLICE("a-1", "a")));
	open_watch(told, "services?watch");
	open_watch(told, "endpointslices?watch");
}

static void test_without_the_annotation_no_pod_is_read(void **state)
{
	struct told *told = *state;

	start_with(told, SERVICE_LIST(SERVICE("a")));
	await(told, "commit\n");
	await_request(told, "services?watch");
	await_request(told, "endpointslices?watch");
	assert_int_equal(fake_api_count(told->api, "/pods"), 0);
	assert_int_equal(times(told, "await pods\n"), 0);
}

static void test_the_pods_of_this_node_are_read_before_all_is_complete(void **state)
{
	struct told *told = *state;

	start_with(told, SERVICE_LIST(EXCEPTING("a")));
	await_request(told, PODS);
	await_request(told, "endpointslices?watch");
	assert_int_equal(times(told, "await pods\n"), 1);
	assert_int_equal(times(told, "commit\n"), 0);
	answer(told, PODS, POD_LIST(POD("p", "") "," POD("q", ENDED)));
	open_watch(told, "pods?watch");
	await(told, "commit\n");
	assert_non_null(
		strstr(told->text, "put pod clients/p u-p node1 app=x\nknow pods\ncommit\n"));
	assert_int_equal(times(told, "clients/q"), 0);
	await_request(told, "pods?watch=true");
	assert_int_equal(fake_api_count(told->api, "pods?watch=true"), 1);
	forget(told);
	send_event(told, "pods?watch", EVENT("ADDED", POD("r", "")));
	await(told, "put pod clients/r u-r node1 app=x\ncommit\n");
	send_event(told, "pods?watch", EVENT("MODIFIED", POD("r", ENDED)));
	await(told, "remove pod clients/r\ncommit\n");
	send_event(told, "pods?watch", EVENT("DELETED", POD("p", "")));
	await(told, "remove pod clients/p\ncommit\n");
}

static void test_an_annotation_that_comes_later_asks_and_one_that_goes_ends_it(void **state)
{
	struct told *told = *state;

	start_with(told, SERVICE_LIST(SERVICE("a")));
	await(told, "commit\n");
	await_request(told, "services?watch");
	forget(told);
	send_event(told, "services?watch", EVENT("MODIFIED", EXCEPTING("a")));
	await(told, "await pods\nput service fabric/a\ncommit\n");
	await_request(told, PODS);
	answer(told, PODS, POD_LIST(POD("p", "")));
	open_watch(told, "pods?watch");
	await(told, "know pods\ncommit\n");
	await_request(told, "pods?watch");
	/* Another one asks, too; then neither does. */
	send_event(told, "services?watch", EVENT("ADDED", EXCEPTING("b")));
	await(told, "put service fabric/b\n");
	send_event(told, "services?watch", EVENT("MODIFIED", SERVICE("a")));
	await(told, "put service fabric/a\ncommit\n");
	assert_int_equal(times(told, "remove pod"), 0);
	forget(told);
	send_event(told, "services?watch", EVENT("DELETED", EXCEPTING("b")));
	await(told, "remove pod clients/p\n");
	await(told, "know pods\ncommit\n");
	assert_int_equal(fake_api_count(told->api, PODS), 1);
	/* And begins anew. */
	send_event(told, "services?watch", EVENT("MODIFIED", EXCEPTING("a")));
	await_requests(told, PODS, 2);
}

static void test_without_the_right_all_else_goes_on_and_the_overlay_is_named(void **state)
{
	struct told *told = *state;

	refuse_request(told, PODS, "403 Forbidden");
	start_with(told, SERVICE_LIST(EXCEPTING("a")));
	await(told, "know pods\n");
	await(told, "commit\n");
	assert_int_equal(times(told, "failed pods of node 'node1': forbidden: "), 1);
	assert_int_equal(times(told, "allow the verb 'list' on the resource 'pods'"), 1);
	assert_int_equal(times(told,
			       "as the overlay deploy/overlays/clients-except does; until then "
			       "gwbpf.io/clients-except leaves no pod out"),
			 1);
	/* It is granted: by itself. */
	open_watch(told, "pods?watch");
	answer(told, PODS, POD_LIST(POD("p", "")));
	await(told, "put pod clients/p u-p node1 app=x\n");
	await(told, "recovered pods of node 'node1'\n");
}

static void test_pods_are_read_where_the_namespace_may_be(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1", .namespace = "fabric"});
	answer(told, "/api/v1/namespaces/fabric/services?limit=500", SERVICE_LIST(EXCEPTING("a")));
	await_request(told,
		      "/api/v1/namespaces/fabric/pods?limit=500&fieldSelector=spec.nodeName%3D"
		      "node1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_without_the_annotation_no_pod_is_read, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_the_pods_of_this_node_are_read_before_all_is_complete, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_an_annotation_that_comes_later_asks_and_one_that_goes_ends_it, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_without_the_right_all_else_goes_on_and_the_overlay_is_named, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_pods_are_read_where_the_namespace_may_be,
						set_up, tear_down),
	};

	return cmocka_run_group_tests_name("kube_pods", tests, NULL, NULL);
}
