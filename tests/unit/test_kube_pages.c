// SPDX-License-Identifier: Apache-2.0
/* A list in pages, and what becomes of it when pages do not do. */
#include "unit/watched.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EXPIRED                                                                                    \
	STATUS("410", "The provided continue parameter is too old to display a consistent list "   \
		      "result.")

static void test_a_list_in_pages_is_delivered_whole_and_then_watched_from_its_position(void **state)
{
	struct told *told = *state;
	size_t size;
	char *first = fake_api_data("api/endpointslices-page1.json", &size);
	char *second = fake_api_data("api/endpointslices-page2.json", &size);

	start(told, &slices);
	answer(told, LIST "500!continue", NULL, first, FAKE_WHOLE);
	answer(told, "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NTkxLCJzdGFydCI6ImZhYnJpYy9v",
	       NULL, second, FAKE_WHOLE);
	await_requests(told, WATCH, 1);
	assert_string_equal(told->text, "heard\n"
					"put fabric/org1-peer-gateway-svc-krpwt 477\n"
					"put fabric/org1-peer-gateway-svc-nbmgh 481\n"
					"heard\n"
					"put fabric/org2-peer-gateway-svc-f68wp 520\n"
					"listed\n");
	assert_int_equal(fake_api_count(told->api,
					"/apis/discovery.k8s.io/v1/endpointslices?watch=true"
					"&timeoutSeconds="),
			 1);
	assert_int_equal(fake_api_count(told->api,
					"&labelSelector=gwbpf.io%2Fenabled%3Dtrue"
					"&allowWatchBookmarks=true&resourceVersion=591 Bearer "
					"first"),
			 1);
	free(first);
	free(second);
}

static void test_a_continue_token_that_is_refused_begins_the_list_anew(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST "500!continue", NULL, PAGE("x", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, "continue=x", "400 Bad Request", recorded_body("api/bad-continue.http"),
	       FAKE_WHOLE);
	answer(told, LIST "500!continue", NULL, PAGE("y", SLICE("b", "90")), FAKE_WHOLE);
	answer(told, "continue=y", NULL, PAGE("", SLICE("c", "90")), FAKE_WHOLE);
	await(told, "listed\n");
	/* a was delivered, and is not in the list that came to its end */
	assert_int_equal(times(told, "remove fabric/a\nlisted\n"), 1);
	assert_int_equal(times(told, "failed server: cannot list endpointslices: the API server "
				     "fails (400): invalid continue token"),
			 1);
}

/* Returns what is sent: it must stay as long as the answer, and the caller frees it. */
static char *answer_beyond_the_limit(struct told *told, const char *path)
{
	char *spaces = malloc(KUBE_BODY_BYTES_MAX + 1);
	struct fake_answer large = {.path = path, .body = spaces, .size = KUBE_BODY_BYTES_MAX + 1};

	memset(spaces, ' ', KUBE_BODY_BYTES_MAX + 1);
	fake_api_answer(told->api, &large);
	return spaces;
}

static void test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(void **state)
{
	struct told *told = *state;
	char *spaces;

	start(told, &slices);
	spaces = answer_beyond_the_limit(told, LIST "500");
	answer(told, LIST "125", NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	await(told, "listed\n");
	assert_int_equal(times(told, "failed too-large: cannot list endpointslices: the answer is "
				     "longer than 8 MiB"),
			 1);
	free(spaces);
}

static void test_pages_without_end_are_given_up(void **state)
{
	struct told *told = *state;
	char *spaces;

	start(told, &slices);
	spaces = answer_beyond_the_limit(told, LIST "500");
	for (int i = 0; i < 1000; i++)
		answer(told, LIST "125", NULL, PAGE("again", ""), FAKE_WHOLE);
	await(told, "failed protocol: cannot list endpointslices: the list does not end after 1000 "
		    "pages");
	/* Small pages are more of them: it begins anew with large ones. */
	answer(told, LIST "500!continue", NULL, PAGE("again", ""), FAKE_WHOLE);
	answer(told, LIST "500", NULL, PAGE("", ""), FAKE_WHOLE);
	await(told, "listed\n");
	assert_int_equal(times(told, "failed protocol"), 1);
	free(spaces);
}

static void test_a_list_slower_than_the_history_is_asked_for_at_once(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST "500!continue", NULL, PAGE("x", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, "continue=x", "410 Gone", EXPIRED, FAKE_WHOLE);
	/* That it fails for another reason makes pages no faster. */
	answer(told, LIST "0&", "500 Internal Server Error", "", FAKE_WHOLE);
	answer(told, LIST "0&", NULL, PAGE("", SLICE("b", "91")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(times(told, "failed gone: cannot list endpointslices: "), 1);
	assert_int_equal(times(told, "remove fabric/a\nlisted\n"), 1);
	assert_int_equal(fake_api_count(told->api, LIST), 4);
}

static void test_after_a_list_at_once_the_next_comes_in_pages(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST "500!continue", NULL, PAGE("x", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, "continue=x", "410 Gone", EXPIRED, FAKE_WHOLE);
	answer(told, LIST "0&", NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, WATCH, NULL, ERROR_EVENT("410", "too old resource version"), FAKE_OPEN);
	await(told, "failed gone: cannot watch endpointslices: ");
	answer(told, LIST "500!continue", NULL, PAGE("y", SLICE("b", "91")), FAKE_WHOLE);
	answer(told, "continue=y", NULL, PAGE("", SLICE("c", "92")), FAKE_WHOLE);
	await_times(told, "listed\n", 2);
	assert_int_equal(times(told, "remove fabric/a\nlisted\n"), 1);
}

static void test_a_list_too_large_to_come_at_once_comes_in_pages_and_not_without_pause(void **state)
{
	struct told *told = *state;
	char *spaces;

	told->timing.backoff_ms = 400;
	told->timing.backoff_max_ms = 400;
	start(told, &slices);
	answer(told, LIST "500!continue", NULL, PAGE("x", ""), FAKE_WHOLE);
	answer(told, "continue=x", "410 Gone", EXPIRED, FAKE_WHOLE);
	spaces = answer_beyond_the_limit(told, LIST "0&");
	/* Pages as large as before: it was not them that were too large. */
	answer(told, LIST "500!continue", NULL, PAGE("y", ""), FAKE_WHOLE);
	answer(told, "continue=y", "410 Gone", EXPIRED, FAKE_WHOLE);
	await_times(told, "failed gone", 2);
	assert_int_equal(times(told, "failed too-large: cannot list endpointslices: the answer is "
				     "longer than 8 MiB"),
			 1);
	assert_int_equal(times(told, "next attempt in 0.0 s"), 1);
	free(spaces);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_list_in_pages_is_delivered_whole_and_then_watched_from_its_position),
		TEST(test_a_continue_token_that_is_refused_begins_the_list_anew),
		TEST(test_a_page_that_is_too_large_is_asked_for_in_smaller_ones),
		TEST(test_pages_without_end_are_given_up),
		TEST(test_a_list_slower_than_the_history_is_asked_for_at_once),
		TEST(test_after_a_list_at_once_the_next_comes_in_pages),
		TEST(test_a_list_too_large_to_come_at_once_comes_in_pages_and_not_without_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
