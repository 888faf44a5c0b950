// SPDX-License-Identifier: Apache-2.0
/* Lists, events, and what an API server says in place of them. */
#include "unit/watched.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static void test_a_recorded_watch_is_delivered_and_its_bookmark_is_where_it_goes_on(void **state)
{
	struct told *told = *state;
	size_t size;
	char *events = fake_api_data("api/endpointslices-watch.jsonl", &size);

	start_watching(told);
	answer(told, "resourceVersion=688", NULL, NULL, FAKE_OPEN);
	/* In pieces, so that lines end anywhere. */
	for (size_t at = 0; at < size; at += 1000)
		fake_api_send(told->api, WATCH, events + at, size - at < 1000 ? size - at : 1000,
			      FAKE_OPEN);
	await_times(told, "heard\n", 1 + 13);
	assert_int_equal(times(told, "put fabric/org"), 10);
	assert_int_equal(times(told, "remove "), 0); /* what it never listed is not removed */
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_ENDED);
	await_requests(told, "resourceVersion=688", 1);
	assert_int_equal(fake_api_count(told->api, LIST), 1);
	free(events);
}

static void test_deleted_is_gone_at_once_and_is_no_news_in_the_next_list(void **state)
{
	struct told *told = *state;

	start_watching(told);
	send_text(told, EVENT("DELETED", "a", "101") EVENT("DELETED", "never-seen", "102"));
	await(told, "remove fabric/a\n");
	answer(told, LIST, NULL, PAGE("", SLICE("b", "91")), FAKE_WHOLE);
	send_text(told, ERROR_EVENT("410", "too old resource version: 5 (9)"));
	await_times(told, "listed\n", 2);
	assert_int_equal(times(told, "remove"), 1);
}

static void test_410_as_an_event_lists_again_and_what_vanished_meanwhile_is_removed(void **state)
{
	struct told *told = *state;

	start_watching(told);
	answer(told, LIST, NULL, PAGE("", SLICE("c", "95") "," SLICE("a", "96")), FAKE_WHOLE);
	answer(told, "resourceVersion=100", NULL, NULL, FAKE_OPEN);
	send_text(told, ERROR_EVENT("410", "too old resource version: 5 (9)"));
	await(told, "recovered\n");
	assert_non_null(strstr(told->text, "failed gone: cannot watch endpointslices: the position "
					   "is too old, all is listed again (410): too old "
					   "resource version: 5 (9); next attempt in 0.0 s\n"
					   "granted\nheard\nput fabric/c 95\nput fabric/a 96\n"
					   "remove fabric/b\nlisted\nrecovered\n"));
}

/* An etcd that was restored. */
static void test_a_position_that_goes_back_lists_again(void **state)
{
	static const char *const kinds[] = {"BOOKMARK", "MODIFIED", "DELETED"};
	struct told *told = *state;

	start_watching(told);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		char event[512];

		send_text(told, EVENT("MODIFIED", "a", "1000"));
		await_times(told, "put fabric/a 1000\n", i + 1);
		snprintf(event, sizeof(event), EVENT("%s", "a", "999"), kinds[i]);
		send_text(told, event);
		await_times(told,
			    "failed gone: cannot watch endpointslices: the resource version "
			    "goes back, from 1000 to 999",
			    i + 1);
		answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
		answer(told, WATCH, NULL, NULL, FAKE_OPEN);
		await_times(told, "recovered\n", i + 1);
	}
	assert_int_equal(times(told, "remove fabric/b\n"), 1);
	assert_int_equal(times(told, "remove"), 1);
	assert_int_equal(times(told, "put fabric/a 999\n"), 0);
}

static void test_410_as_a_status_lists_again(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, WATCH, "410 Gone", STATUS("410", "too old"), FAKE_WHOLE);
	answer(told, LIST, NULL, PAGE("", SLICE("b", "90")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(times(told, "remove fabric/a\nlisted\n"), 1);
}

static void test_410_without_end_backs_off(void **state)
{
	struct told *told = *state;
	uint64_t before_ms = clock_now_ms();

	start(told, &slices);
	for (int i = 0; i < 4; i++) {
		answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
		answer(told, WATCH, "410 Gone", STATUS("410", "too old"), FAKE_WHOLE);
	}
	/* The first costs no time, the second 20 ms, the third 40 ms. */
	await_times(told, "failed gone", 4);
	assert_true(clock_now_ms() - before_ms >= 55);
}

static void test_410_after_an_outage_lists_at_once(void **state)
{
	struct kube_timing slow = fast;
	struct told *told = *state;

	slow.backoff_ms = 250;
	slow.backoff_max_ms = 500;
	start_timed(told, &slices, &slow);
	answer(told, LIST, "500 Internal Server Error", "", FAKE_WHOLE);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, WATCH, NULL, ERROR_EVENT("410", "too old resource version"), FAKE_OPEN);
	await(told, "failed gone");
	assert_non_null(strstr(strstr(told->text, "failed gone"), "next attempt in 0.0 s"));
	answer(told, LIST, NULL, PAGE("", SLICE("b", "90")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "remove fabric/a\nlisted\n");
}

static void test_401_goes_on_with_the_rotated_token_from_where_it_was(void **state)
{
	struct told *told = *state;

	start_watching(told);
	answer(told, "Bearer", "401 Unauthorized", recorded_body("api/401.http"), FAKE_WHOLE);
	answer(told, WATCH, "401 Unauthorized", recorded_body("api/401.http"), FAKE_WHOLE);
	send_text(told, EVENT("MODIFIED", "a", "150"));
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_ENDED);
	await(told, "failed unauthorized: cannot watch endpointslices: the credentials are refused "
		    "(401): Unauthorized; next attempt in");
	strcpy(told->token, "second");
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await_requests(told, "resourceVersion=150 Bearer second", 1);
	await(told, "recovered\n");
	assert_int_equal(fake_api_count(told->api, LIST), 1);
	assert_int_equal(times(told, "remove"), 0);
}

static void test_403_names_the_missing_verb_and_resource(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST, "403 Forbidden", recorded_body("api/403.http"), FAKE_WHOLE);
	answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
	answer(told, WATCH, "403 Forbidden", STATUS("403", "no"), FAKE_WHOLE);
	await(told, "failed forbidden: cannot list endpointslices: it is forbidden (403): services "
		    "is forbidden: User \"system:serviceaccount:default:default\" cannot list "
		    "resource \"services\" in API group \"\" at the cluster scope; allow the verb "
		    "'list' on the resource 'endpointslices' of API group 'discovery.k8s.io', or "
		    "do without; next attempt in ");
	await(told, "failed forbidden: cannot watch endpointslices: it is forbidden (403): no; "
		    "allow the verb 'watch' on the resource 'endpointslices'");
}

static void test_429_waits_as_long_as_the_server_asks(void **state)
{
	struct told *told = *state;
	struct fake_answer busy = {.path = LIST,
				   .status = "429 Too Many Requests",
				   .header = "Retry-After: 1\r\n",
				   .body = STATUS("429", "too many requests")};
	uint64_t before_ms = clock_now_ms();

	start(told, &slices);
	fake_api_answer(told->api, &busy);
	await_requests(told, LIST, 2);
	assert_true(clock_now_ms() - before_ms >= 950);
	assert_non_null(strstr(told->text, "failed throttled: "));
	assert_non_null(strstr(told->text, "next attempt in 1.0 s"));
}

/* Seven weeks: 0.7 s more than milliseconds in 32 bits can tell. */
static void test_an_absurd_retry_after_is_cut_short(void **state)
{
	struct told *told = *state;
	struct fake_answer busy = {.path = LIST,
				   .status = "503 Service Unavailable",
				   .header = "Retry-After: 4294968\r\n"};

	start(told, &slices);
	fake_api_answer(told->api, &busy);
	await(told, "failed server: cannot list endpointslices: the API server fails (503); "
		    "next attempt in 3.0 s\n");
}

static void test_5xx_backs_off_and_resumes_then_lists_again(void **state)
{
	struct told *told = *state;

	start_watching(told);
	for (int i = 0; i < 2; i++)
		answer(told, WATCH, "500 Internal Server Error", STATUS("500", "etcd is away"),
		       FAKE_WHOLE);
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await_times(told,
		    "failed server: cannot watch endpointslices: the API server fails (500): "
		    "etcd is away",
		    2);
	assert_int_equal(fake_api_count(told->api, LIST), 1);
	assert_int_equal(fake_api_count(told->api, "resourceVersion=100"), 3);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(fake_api_count(told->api, LIST), 2);
	assert_int_equal(times(told, "remove"), 0);
}

static void test_what_is_anothers_is_not_held(void **state)
{
	struct told *told = *state;

	told->put_result = 0;
	start_watching(told);
	assert_false(kube_watch_holds(told->watch, "fabric", "a"));
	told->put_result = 1;
	send_text(told, EVENT("MODIFIED", "a", "130"));
	await(told, "put fabric/a 130\n");
	assert_true(kube_watch_holds(told->watch, "fabric", "a"));
	send_text(told, EVENT("DELETED", "b", "131") EVENT("DELETED", "a", "132"));
	await(told, "remove fabric/a\n");
	assert_int_equal(times(told, "remove"), 1);
}

#define NODE(version)                                                                              \
	"{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"node1\","               \
	"\"resourceVersion\":\"" version "\"}}"

#define NODE_EVENT(version) "{\"type\":\"MODIFIED\",\"object\":" NODE(version) "}\n"

static const struct kube_selection node = {.resource = &kube_nodes, .name = "node1", .get = true};

static void test_one_object_is_read_by_the_verb_get_and_then_watched(void **state)
{
	struct told *told = *state;
	size_t size;
	char *text = fake_api_data("api/node1.json", &size);

	start(told, &node);
	answer(told, "/api/v1/nodes/node1", NULL, text, FAKE_WHOLE);
	await_requests(told, "/api/v1/nodes?watch=true", 1);
	assert_string_equal(told->text, "heard\nput /node1 591\nlisted\n");
	/* Its own version may long be forgotten: a watch from there would get 410 for ever. */
	assert_int_equal(fake_api_count(told->api, "&fieldSelector=metadata.name%3Dnode1"
						   "&resourceVersion=0"),
			 1);
	answer(told, "/api/v1/nodes/node1", NULL, text, FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await_requests(told, WATCH, 1);
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await_times(told, "put /node1 591\nlisted\n", 2);
	/* Nor is there a position to go on from when a watch ends in time. */
	await_requests(told, WATCH, 2);
	answer(told, "/api/v1/nodes/node1", NULL, text, FAKE_WHOLE);
	answer(told, WATCH, NULL, NODE_EVENT("592"), FAKE_ENDED);
	await_times(told, "put /node1 591\nlisted\n", 3);
	free(text);
}

static void test_one_object_that_is_not_there_is_a_list_of_none(void **state)
{
	struct told *told = *state;

	start(told, &node);
	answer(told, "nodes/node1", "404 Not Found", STATUS("404", "nodes \\\"node1\\\" not found"),
	       FAKE_WHOLE);
	await(told, "failed not-found: cannot get nodes: there is none (404): nodes \"node1\" not "
		    "found; next attempt in");
	assert_int_equal(times(told, "listed\n"), 1);
	answer(told, "nodes/node1", NULL, NODE("5"), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	fake_api_send(told->api, WATCH, "", 0, FAKE_CUT);
	answer(told, WATCH, "410 Gone", "", FAKE_WHOLE);
	answer(told, "nodes/node1", "404 Not Found", STATUS("404", "gone"), FAKE_WHOLE);
	await(told, "remove /node1\nlisted\n");
}

static void test_one_object_that_cannot_be_read_is_still_there(void **state)
{
	static const char *const refusals[] = {"401 Unauthorized", "403 Forbidden",
					       "500 Internal Server Error"};
	struct told *told = *state;

	start(told, &node);
	answer(told, "nodes/node1", NULL, NODE("5"), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_CUT);
	await(told, "failed connect");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		answer(told, "nodes/node1", refusals[i], "", FAKE_WHOLE);
		await_times(told, "cannot get nodes: ", i + 1);
	}
	assert_int_equal(times(told, "remove"), 0);
	assert_int_equal(times(told, "listed\n"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_recorded_watch_is_delivered_and_its_bookmark_is_where_it_goes_on),
		TEST(test_deleted_is_gone_at_once_and_is_no_news_in_the_next_list),
		TEST(test_410_as_an_event_lists_again_and_what_vanished_meanwhile_is_removed),
		TEST(test_a_position_that_goes_back_lists_again),
		TEST(test_410_as_a_status_lists_again),
		TEST(test_410_without_end_backs_off),
		TEST(test_410_after_an_outage_lists_at_once),
		TEST(test_401_goes_on_with_the_rotated_token_from_where_it_was),
		TEST(test_403_names_the_missing_verb_and_resource),
		TEST(test_429_waits_as_long_as_the_server_asks),
		TEST(test_an_absurd_retry_after_is_cut_short),
		TEST(test_5xx_backs_off_and_resumes_then_lists_again),
		TEST(test_what_is_anothers_is_not_held),
		TEST(test_one_object_is_read_by_the_verb_get_and_then_watched),
		TEST(test_one_object_that_is_not_there_is_a_list_of_none),
		TEST(test_one_object_that_cannot_be_read_is_still_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
