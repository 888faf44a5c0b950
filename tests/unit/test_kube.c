// SPDX-License-Identifier: Apache-2.0
/* The Kubernetes source as the agent has it: which watches there are, and what reaches the sink. */
#include "source/kube/watch.h"
#include "unit/sourced.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GONE "{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n"

static void test_nothing_is_committed_before_all_kinds_were_listed(void **state)
{
	struct told *told = *state;
	size_t size;
	char *services = fake_api_data("api/services.json", &size);
	char *page1 = fake_api_data("api/endpointslices-page1.json", &size);
	char *page2 = fake_api_data("api/endpointslices-page2.json", &size);
	char *node = fake_api_data("api/node1.json", &size);

	start(told, &(struct kube_options){0});
	answer(told, SERVICES, services);
	await_request(told, "/api/v1/services?watch=true");
	answer(told, "continue=", page2);
	answer(told, SLICES_OF("org1-peer-gateway-svc%2Corg2-peer-gateway-svc"), page1);
	await_request(told, "/apis/discovery.k8s.io/v1/endpointslices?watch=true");
	assert_int_equal(times(told, "commit"), 0);
	assert_false(kube_source_is_synced(told->source));
	answer(told, NODE, node);
	await(told, "commit\n");
	assert_true(kube_source_is_synced(told->source));
	assert_string_equal(
		told->text,
		"put service fabric/org1-peer-gateway-svc\n"
		"await slices of fabric/org1-peer-gateway-svc\n"
		"put service fabric/org2-peer-gateway-svc\n"
		"await slices of fabric/org2-peer-gateway-svc\n"
		"put slice fabric/org1-peer-gateway-svc-krpwt of org1-peer-gateway-svc, endpoints 3\n"
		"put slice fabric/org1-peer-gateway-svc-nbmgh of org1-peer-gateway-svc, endpoints 3\n"
		"put slice fabric/org2-peer-gateway-svc-f68wp of org2-peer-gateway-svc, endpoints 2\n"
		"know slices of fabric/org1-peer-gateway-svc\n"
		"know slices of fabric/org2-peer-gateway-svc\n"
		"node exists, zone 'z1'\n"
		"commit\n");
	free(services);
	free(page1);
	free(page2);
	free(node);
}

static void start_synced(struct told *told, const char *services, const char *slices)
{
	start(told, &(struct kube_options){.zone = "z1"});
	answer(told, SERVICES, services);
	answer(told, SLICES, slices);
	open_watch(told, "services?watch");
	open_watch(told, "endpointslices?watch");
	await(told, "commit\n");
	await_request(told, "services?watch");
	await_request(told, "endpointslices?watch");
	told->length = 0;
	told->text[0] = '\0';
}

static void test_a_label_that_is_taken_away_removes_the_service(void **state)
{
	struct told *told = *state;

	start_synced(told, SERVICE_LIST(SERVICE("a")), SLICE_LIST(SLICE("a-1", "a")));
	send_event(told, "services?watch", EVENT("DELETED", SERVICE("a")));
	await(told, "commit\n");
	assert_string_equal(told->text, "remove service fabric/a\ncommit\n");
}

static void test_a_slice_that_is_named_like_its_service_goes_without_it(void **state)
{
	struct told *told = *state;

	start_synced(told, SERVICE_LIST(SERVICE("a")), SLICE_LIST(SLICE("a", "a")));
	send_event(told, "endpointslices?watch", EVENT("DELETED", SLICE("a", "a")));
	await(told, "commit\n");
	assert_string_equal(told->text, "remove slice fabric/a\ncommit\n");
}

static void test_a_token_without_tls_is_warned_of(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1"});
	assert_int_equal(told->warnings, 1);
}

static void test_a_token_that_is_replaced_on_disk_is_in_the_next_request(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1"});
	await_request(told, SERVICES " Bearer first");
	set_token(told, "second");
	refuse_request(told, SERVICES, "401 Unauthorized");
	await_request(told, SERVICES " Bearer second");
}

static void test_a_given_zone_makes_the_node_nobodys_business(void **state)
{
	struct told *told = *state;

	start_synced(told, SERVICE_LIST(SERVICE("a")), SLICE_LIST(""));
	assert_int_equal(fake_api_count(told->api, "nodes"), 0);
}

static void test_a_bookmark_commits_nothing(void **state)
{
	struct told *told = *state;

	start_synced(told, SERVICE_LIST(SERVICE("a")), SLICE_LIST(""));
	send_event(told, "services?watch", EVENT("BOOKMARK", SERVICE("")));
	await_heard(told, 1);
	assert_string_equal(told->text, "");
	send_event(told, "services?watch", EVENT("ADDED", SERVICE("b")));
	await(told, "put service fabric/b\nawait slices of fabric/b\ncommit\n");
}

static void test_an_object_without_a_name_is_mended_by_a_list_that_has_none(void **state)
{
	struct told *told = *state;

	start_synced(told, SERVICE_LIST(SERVICE("a")), SLICE_LIST(""));
	answer(told, SERVICES, SERVICE_LIST("{}"));
	open_watch(told, "services?watch");
	send_event(told, "services?watch", GONE);
	await(told, "refuse services: : it is of another kind, or has no usable name\n");
	await(told, "recovered services\n");
	assert_int_equal(times(told, "accept services\n"), 0);
	answer(told, SERVICES, SERVICE_LIST(""));
	send_event(told, "services?watch", GONE);
	await(told, "accept services\n");
}

static void test_another_node_is_not_this_one(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){0});
	answer(told, NODE,
	       "{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":"
	       "\"node2\",\"resourceVersion\":\"109\",\"labels\":{"
	       "\"topology.kubernetes.io/zone\":\"z9\"}}}");
	await(told, "node absent, zone ''\n");
	assert_int_equal(times(told, "node exists"), 0);
}

static bool count(const char *namespace, const char *name, void *arg)
{
	size_t *counted = arg;

	(void)namespace;
	(void)name;
	++*counted;
	return true;
}

static void test_a_list_that_brings_nothing_new_makes_no_plan(void **state)
{
	const char *services = SERVICE_LIST(SERVICE("a") "," SERVICE("b"));
	const char *slices = SLICE_LIST(SLICE("a-1", "a") "," SLICE("b-1", "b"));
	const char *one_less = SLICE_LIST(SLICE("b-1", "b"));
	struct told *told = *state;
	size_t changed = 0;

	start(told, &(struct kube_options){.zone = "z1"});
	answer(told, SERVICES, services);
	answer(told, SLICES_OF("a%2Cb"), slices);
	open_watch(told, "services?watch");
	open_watch(told, "endpointslices?watch");
	await(told, "commit\n");
	model_visit_changed(store_model(told->sink.store), count, &changed);
	assert_int_equal(changed, 2);
	await_request(told, "services?watch");
	await_request(told, "endpointslices?watch");
	/* Both are listed anew. */
	answer(told, SERVICES, services);
	answer(told, SLICES_OF("a%2Cb"), slices);
	send_event(told, "services?watch", GONE);
	send_event(told, "endpointslices?watch", GONE);
	open_watch(told, "services?watch");
	open_watch(told, "endpointslices?watch");
	await_requests(told, "services?watch", 2);
	await_requests(told, "endpointslices?watch", 2);
	changed = 0;
	model_visit_changed(store_model(told->sink.store), count, &changed);
	assert_int_equal(changed, 0);
	assert_int_equal(times(told, "put "), 4);
	assert_int_equal(times(told, "commit\n"), 1);
	/* And once more, with one slice less. */
	answer(told, SLICES_OF("a%2Cb"), one_less);
	send_event(told, "endpointslices?watch", GONE);
	await(told, "remove slice fabric/a-1\ncommit\n");
	model_visit_changed(store_model(told->sink.store), count, &changed);
	assert_int_equal(changed, 1);
}

static void test_an_object_that_is_refused_leaves_the_one_before_in_force(void **state)
{
	struct told *told = *state;

	start_synced(told, SERVICE_LIST(SERVICE("a")), SLICE_LIST(SLICE("a-1", "a")));
	send_event(
		told, "endpointslices?watch",
		"{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"EndpointSlice\",\"apiVersion\":"
		"\"discovery.k8s.io/v1\",\"metadata\":{\"namespace\":\"fabric\",\"name\":\"a-1\","
		"\"resourceVersion\":\"108\",\"labels\":{\"kubernetes.io/service-name\":\"a\"}},"
		"\"endpoints\":[]}}\n");
	await(told, "refuse endpointslices/fabric/a-1: EndpointSlice 'fabric/a-1': ");
	assert_int_equal(times(told, "accept"), 0);
	send_event(told, "endpointslices?watch", EVENT("MODIFIED", SLICE("a-1", "a")));
	await(told, "accept endpointslices/fabric/a-1\n");
	assert_int_equal(times(told, "put slice"), 0); /* it says what is in force */
	send_event(told, "endpointslices?watch", EVENT("DELETED", SLICE("a-1", "a")));
	await(told, "remove slice fabric/a-1\n");
	assert_int_equal(times(told, "remove"), 1);
}

static void test_the_zone_of_the_node_is_followed(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){0});
	answer(told, SERVICES, SERVICE_LIST(""));
	answer(told, SLICES, SLICE_LIST(""));
	answer(told, NODE, NODE_OBJECT("z1"));
	open_watch(told, "nodes?watch");
	await(told, "node exists, zone 'z1'\ncommit\n");
	await_request(told, "nodes?watch");
	send_event(told, "nodes?watch",
		   EVENT("MODIFIED", NODE_OBJECT("z1")) EVENT("MODIFIED", NODE_OBJECT("z2")));
	await(told, "node exists, zone 'z2'\ncommit\n");
	send_event(told, "nodes?watch", EVENT("DELETED", NODE_OBJECT("z2")));
	await(told, "node absent, zone ''\ncommit\n");
	assert_int_equal(times(told, "zone 'z1'"), 1);
}

static void test_a_node_that_does_not_exist_is_said_to_be_absent(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){0});
	answer(told, SERVICES, SERVICE_LIST(""));
	answer(told, SLICES, SLICE_LIST(""));
	refuse_request(told, NODE, "404 Not Found");
	await(told, "node absent, zone ''\n");
	await(told, "commit\n");
	await(told, "failed node 'node1': not-found: cannot get node 'node1': there is none (404)");
}

static void count_problem(const char *origin, const char *message, void *arg)
{
	size_t *count = arg;

	assert_string_equal(origin, "node 'node1'");
	assert_non_null(strstr(message, "allow the verb 'get' on the resource 'nodes' of API group "
					"'', or give --zone"));
	(*count)++;
}

static void test_a_node_that_may_not_be_read_costs_its_zone_only(void **state)
{
	struct told *told = *state;
	size_t problems = 0;

	start(told, &(struct kube_options){0});
	answer(told, SERVICES, SERVICE_LIST(""));
	answer(told, SLICES, SLICE_LIST(""));
	refuse_request(told, NODE, "403 Forbidden");
	await(told, "commit\n");
	assert_int_equal(times(told, "node exists"), 0);
	kube_source_visit_problems(told->source, count_problem, &problems);
	assert_int_equal(problems, 1);
	answer(told, NODE, NODE_OBJECT("z1"));
	open_watch(told, "nodes?watch");
	await(told, "recovered node 'node1'\n");
	kube_source_visit_problems(told->source, count_problem, &problems);
	assert_int_equal(problems, 1);
}

static void test_one_namespace_needs_no_right_beyond_it(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.namespace = "fabric", .zone = "z1"});
	refuse_request(told, "/api/v1/namespaces/fabric/services?limit=500", "403 Forbidden");
	await(told, "failed services in namespace 'fabric': forbidden: cannot list services in "
		    "namespace 'fabric': ");
	answer(told, "/api/v1/namespaces/fabric/services?limit=500", SERVICE_LIST(""));
	answer(told, "/apis/discovery.k8s.io/v1/namespaces/fabric/endpointslices?limit=500",
	       SLICE_LIST(""));
	await(told, "commit\n");
	for (size_t i = 0; fake_api_request(told->api, i); i++)
		assert_non_null(strstr(fake_api_request(told->api, i), "/namespaces/fabric/"));
}

/* The rights that people have are often those of a Role. */
static void test_a_right_for_the_cluster_can_be_done_without(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "zone-a"});
	refuse_request(told, SERVICES, "403 Forbidden");
	await(told, "failed services: forbidden: ");
	await(told, "allow the verb 'list' on the resource 'services' of API group '', or give "
		    "--namespace; next attempt");
}

static void assert_start_fails(struct told *told, struct kube_options *options, int err,
			       const char *message)
{
	told->length = 0;
	assert_int_equal(kube_source_start(told->base, options, &told->sink, &told->source), err);
	if (!strstr(told->text, message))
		fail_msg("'%s' is not in '%s'", message, told->text);
}

static void test_options_that_make_no_sense_are_refused_at_once(void **state)
{
	static const char *const nameless[] = {"fabric"}, *const climbing[] = {"fabric/../x"};
	static const char *many[65];
	struct told *told = *state;
	struct kube_options options = {.kubeconfig = told->kubeconfig};

	assert_start_fails(
		told, &options, -EINVAL,
		"failed configuration: config: cannot use --node-name '': it is no name");
	options.node = "node1";
	options.namespace = "a/b";
	assert_start_fails(told, &options, -EINVAL, "cannot use --namespace 'a/b'");
	options.namespace = NULL;
	options.services = nameless;
	options.service_count = 1;
	assert_start_fails(told, &options, -EINVAL,
			   "cannot use --service (NAMESPACE/NAME) 'fabric': it is no name");
	options.services = climbing;
	assert_start_fails(told, &options, -EINVAL, "'fabric/../x'");
	for (size_t i = 0; i < 65; i++)
		many[i] = "fabric/a";
	options.services = many;
	options.service_count = 65;
	assert_start_fails(told, &options, -EINVAL, "at most 64 times --service");
	options.service_count = 0;
	options.context = "absent";
	assert_start_fails(told, &options, -EINVAL, "it has no context 'absent'");
	options.kubeconfig = "/absent";
	assert_start_fails(told, &options, -ENOENT, "cannot read '/absent': No such file");
}

static void test_certificates_that_make_no_sense_are_refused_at_once(void **state)
{
	struct told *told = *state;
	struct kube_options options = {.kubeconfig = told->kubeconfig, .node = "node1"};
	FILE *file = fopen(told->kubeconfig, "w");

	assert_non_null(file);
	fputs("current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n"
	      "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1', "
	      "certificate-authority-data: aGVsbG8=}}]\n",
	      file);
	fclose(file);
	assert_start_fails(told, &options, -EINVAL,
			   "its certificate authority has no certificate in PEM");
}

static const char *const named[] = {"fabric/a"};

static void test_a_source_can_be_stopped_at_any_time(void **state)
{
	struct told *told = *state;

	start(told, &(struct kube_options){.services = named, .service_count = 1});
	kube_source_stop(told->source);
	start(told, &(struct kube_options){.services = named, .service_count = 1});
	answer(told, SERVICES, SERVICE_LIST(""));
	await_request(told, "services?watch=true");
	kube_source_stop(told->source);
	told->source = NULL;
	kube_source_stop(NULL);
}

static void test_a_server_that_is_silent_and_answers_when_asked_is_left_alone(void **state)
{
	const struct kube_timing timing = {
		.backoff_ms = 20,
		.backoff_max_ms = 160,
		.answer_ms = 20000,
		.watch_s = 3600,
		.grace_ms = 1000,
		.silence_ms = 20,
		.question_ms = 3000, /* for the answer of this very process */
	};
	struct told *told = *state;

	start(told, &(struct kube_options){.zone = "z1", .timing = &timing});
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a")));
	answer(told, SLICES, SLICE_LIST(""));
	open_watch(told, "services?watch");
	open_watch(told, "endpointslices?watch");
	/* A refusal is an answer, too. */
	answer(told, "/version", "{\"major\":\"1\"}");
	refuse_request(told, "/version", "403 Forbidden");
	answer(told, "/version", "");
	await_requests(told, "/version", 4);
	assert_int_equal(times(told, "failed"), 0);
	/* The fourth question is not answered: both watches are opened anew. */
	open_watch(told, "services?watch");
	open_watch(told, "endpointslices?watch");
	await(told, "failed services: timeout: cannot watch services: no answer in 3 s");
	await(told,
	      "failed endpointslices: timeout: cannot watch endpointslices: no answer in 3 s");
	await(told, "recovered services\n");
	await(told, "recovered endpointslices\n");
	assert_int_equal(fake_api_count(told->api, SERVICES), 1);
	assert_int_equal(times(told, "remove"), 0);
}

/* Both wait for longer than any test: the watch of services, which starts again at once, is what
 * brings the other back. */
static void start_for_an_outage(struct told *told)
{
	const struct kube_timing timing = {
		.backoff_ms = 300000,
		.backoff_max_ms = 300000,
		.unreachable_max_ms = 300000,
		.answer_ms = 20000,
		.watch_s = 3600,
		.grace_ms = 1000,
	};

	start(told, &(struct kube_options){.zone = "z1", .timing = &timing});
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a")));
	open_watch(told, "services?watch");
	await_requests(told, SLICES, 1);
	await_requests(told, "services?watch", 1);
}

static void start_services_again(struct told *told)
{
	send_event(told, "services?watch", GONE);
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a")));
	open_watch(told, "services?watch");
	await(told, "recovered services\n");
}

static void test_a_server_that_is_back_is_asked_at_once_for_all_that_it_kept_waiting(void **state)
{
	struct told *told = *state;

	start_for_an_outage(told);
	hang_up(told, SLICES);
	await(told, "failed endpointslices: connect: ");
	start_services_again(told);
	answer(told, SLICES, SLICE_LIST(""));
	await(told, "commit\n");
}

static void test_a_right_that_is_repaired_is_used_at_once(void **state)
{
	struct told *told = *state;

	start_for_an_outage(told);
	refuse_request(told, SLICES, "403 Forbidden");
	await(told, "failed endpointslices: forbidden: ");
	start_services_again(told);
	answer(told, SLICES, SLICE_LIST(""));
	await(told, "commit\n");
}

static void test_a_list_that_is_granted_is_enough_to_wake_the_others(void **state)
{
	struct told *told = *state;

	start_for_an_outage(told);
	hang_up(told, SLICES);
	await(told, "failed endpointslices: connect: ");
	send_event(told, "services?watch", GONE);
	answer(told, SERVICES, SERVICE_LIST(SERVICE("a"))); /* and nobody opens the watch */
	answer(told, SLICES, SLICE_LIST(""));
	await(told, "commit\n");
	assert_int_equal(times(told, "recovered services\n"), 0);
}

static void test_a_server_that_refuses_is_not_asked_sooner_for_being_there(void **state)
{
	struct told *told = *state;

	start_for_an_outage(told);
	refuse_request(told, SLICES, "503 Service Unavailable");
	await(told, "failed endpointslices: server: ");
	start_services_again(told);
	send_event(told, "services?watch", EVENT("ADDED", SERVICE("b")));
	await(told, "put service fabric/b\n");
	assert_int_equal(fake_api_count(told->api, SLICES), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_committed_before_all_kinds_were_listed),
		TEST(test_a_label_that_is_taken_away_removes_the_service),
		TEST(test_a_slice_that_is_named_like_its_service_goes_without_it),
		TEST(test_a_token_without_tls_is_warned_of),
		TEST(test_a_token_that_is_replaced_on_disk_is_in_the_next_request),
		TEST(test_a_given_zone_makes_the_node_nobodys_business),
		TEST(test_a_bookmark_commits_nothing),
		TEST(test_an_object_without_a_name_is_mended_by_a_list_that_has_none),
		TEST(test_another_node_is_not_this_one),
		TEST(test_a_list_that_brings_nothing_new_makes_no_plan),
		TEST(test_an_object_that_is_refused_leaves_the_one_before_in_force),
		TEST(test_the_zone_of_the_node_is_followed),
		TEST(test_a_node_that_does_not_exist_is_said_to_be_absent),
		TEST(test_a_node_that_may_not_be_read_costs_its_zone_only),
		TEST(test_one_namespace_needs_no_right_beyond_it),
		TEST(test_a_right_for_the_cluster_can_be_done_without),
		TEST(test_options_that_make_no_sense_are_refused_at_once),
		TEST(test_certificates_that_make_no_sense_are_refused_at_once),
		TEST(test_a_source_can_be_stopped_at_any_time),
		TEST(test_a_server_that_is_silent_and_answers_when_asked_is_left_alone),
		TEST(test_a_server_that_is_back_is_asked_at_once_for_all_that_it_kept_waiting),
		TEST(test_a_right_that_is_repaired_is_used_at_once),
		TEST(test_a_list_that_is_granted_is_enough_to_wake_the_others),
		TEST(test_a_server_that_refuses_is_not_asked_sooner_for_being_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
