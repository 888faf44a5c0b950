// SPDX-License-Identifier: Apache-2.0
/* A watch on a network, a clock and a server that do everything wrong. */
#include "unit/watched.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PROBE "endpointslices?limit=1!labelSelector"

#include "base/clock.h"

/* The wall clock as every library in this program sees it. */
static time_t clock_jump_s;

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec real;

	(void)zone;
	syscall(SYS_clock_gettime, CLOCK_REALTIME, &real);
	now->tv_sec = real.tv_sec + clock_jump_s;
	now->tv_usec = real.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *ret)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	if (ret)
		*ret = now.tv_sec;
	return now.tv_sec;
}

static void test_a_connection_cut_in_the_middle_of_an_object_goes_on_before_it(void **state)
{
	struct told *told = *state;
	const char *whole = EVENT("MODIFIED", "a", "130"), *half = EVENT("DELETED", "b", "131");

	start_watching(told);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	send_text(told, whole);
	fake_api_send(told->api, WATCH, half, strlen(half) - 5, FAKE_CUT);
	await(told, "recovered\n");
	assert_int_equal(fake_api_count(told->api, "resourceVersion=130"), 1);
	assert_int_equal(times(told, "failed connect: cannot watch endpointslices: "), 1);
	assert_int_equal(times(told, "remove"), 0);
	assert_int_equal(fake_api_count(told->api, LIST), 1);
}

static void test_a_reset_connection_is_opened_again(void **state)
{
	struct told *told = *state;

	start_watching(told);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	fake_api_send(told->api, WATCH, "{", 1, FAKE_RESET);
	await(told, "recovered\n");
	assert_int_equal(times(told, "failed connect"), 1);
	/* And what ends in time recovers from nothing. */
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	send_text(told, EVENT("MODIFIED", "a", "130"));
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_ENDED);
	await_requests(told, "resourceVersion=130", 1);
	send_text(told, EVENT("MODIFIED", "a", "131"));
	await(told, "put fabric/a 131\n");
	assert_int_equal(times(told, "recovered\n"), 1);
}

static void test_only_an_open_watch_can_be_given_up(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	await_requests(told, LIST, 1);
	kube_watch_give_up(told->watch);
	assert_int_equal(times(told, "failed"), 0);
	answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
	await_requests(told, WATCH, 1);
	kube_watch_give_up(told->watch);
	assert_int_equal(times(told, "failed"), 0);
}

static void be_impatient(struct told *told)
{
	told->timing.answer_ms = 1000;
}

static void test_a_server_that_says_nothing_is_given_up(void **state)
{
	struct told *told = *state;

	start_watching(told);
	send_text(told, EVENT("MODIFIED", "a", "130"));
	await(told, "put fabric/a 130\n");
	be_impatient(told);
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect"); /* and the next request is never answered */
	await(told, "failed timeout: cannot watch endpointslices: no answer in 1 s");
	told->timing = fast;
	/* What is back is an earlier state: a copy was restored. */
	await_requests(told, PROBE, 1);
	answer(told, PROBE, NULL, PAGE("", SLICE("x", "90")), FAKE_WHOLE);
	await(told, "failed gone: cannot list endpointslices: the resource version goes back, from "
		    "130 to 100");
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(times(told, "put fabric/x"), 0);
	assert_int_equal(times(told, "remove fabric/b\n"), 1);
	assert_int_equal(times(told, "remove"), 1);
}

static void test_a_list_that_is_not_answered_in_time_is_given_up(void **state)
{
	struct told *told = *state;

	be_impatient(told);
	start(told, &slices);
	await(told, "failed timeout: cannot list endpointslices: Operation timed out");
}

static void test_a_refused_connection_is_tried_again(void **state)
{
	struct told *told = *state;

	start_watching(told);
	fake_api_free(told->api);
	told->api = fake_api_new(told->base); /* another port: the old one refuses */
	await(told, "failed connect: cannot watch endpointslices: ");
	/* Whether it is what it was is seen by one object, of whatever labels; then it goes on. */
	answer(told, PROBE, NULL, PAGE("more", SLICE("x", "90")), FAKE_WHOLE);
	answer(told, "resourceVersion=100", NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(times(told, "listed\n"), 1);
	assert_int_equal(times(told, "put fabric/x"), 0);
	assert_int_equal(times(told, "remove"), 0);
}

static void test_garbage_in_a_watch_lists_again(void **state)
{
	static const char *const garbage[] = {
		"<html>502 Bad Gateway</html>\n",
		"[]\n",
		"{\"type\":\"SURPRISE\",\"object\":{}}\n",
		"{\"type\":\"ADDED\"}\n",
		"{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}}\n",
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"EndpointSlice\",\"apiVersion\":"
		"\"discovery.k8s.io/v1\",\"metadata\":{}}}\n",
		"\xff\xfe\n",
		"{\"type\":\"ADDED\",\"object\":{\"a\":\"\\u0000\"}}\n",
	};
	struct told *told = *state;

	start_watching(told);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		send_text(told, garbage[i]);
		await_times(told,
			    "failed protocol: cannot watch endpointslices: an event makes no "
			    "sense: ",
			    i + 1);
		answer(told, LIST, NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")),
		       FAKE_WHOLE);
		answer(told, WATCH, NULL, NULL, FAKE_OPEN);
		await_times(told, "recovered\n", i + 1);
		assert_int_equal(fake_api_count(told->api, LIST), i + 2);
	}
	assert_int_equal(times(told, "remove"), 0);
}

static void test_garbage_in_a_list_changes_nothing(void **state)
{
	static const char *const garbage[] = {
		"{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"v1\",\"metadata\":{"
		"\"resourceVersion\":\"1\"},\"items\":[]}",
		"<html>hello</html>",
		"",
		"null",
		"{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
		"\"items\":[]}",
		"{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\","
		"\"metadata\":{},\"items\":[]}",
		"{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\","
		"\"metadata\":{\"resourceVersion\":\"5\"},\"items\":{}}",
		"{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\","
		"\"metadata\":{\"resourceVersion\":\"5\"}}",
		"{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\","
		"\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[",
	};
	struct told *told = *state;

	start_watching(told);
	send_text(told, ERROR_EVENT("410", "too old"));
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		answer(told, LIST, NULL, garbage[i], FAKE_WHOLE);
		await_times(told,
			    "failed protocol: cannot list endpointslices: the answer makes "
			    "no sense: ",
			    i + 1);
	}
	assert_int_equal(times(told, "remove"), 0);
	assert_int_equal(times(told, "listed\n"), 1);
}

/* In the place of an object it says what is wrong, and that is what people are told. */
static void test_a_status_out_of_place_says_what_it_has_to_say(void **state)
{
	static const char status[] = "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"code\":500,"
				     "\"message\":\"etcdserver: request timed out\"}\n";
	struct told *told = *state;

	start_watching(told);
	send_text(told, status);
	await(told, "cannot watch endpointslices: an event makes no sense: it is a Status (500): "
		    "etcdserver: request timed out; ");
	answer(told, LIST, NULL, status, FAKE_WHOLE);
	await(told, "cannot list endpointslices: the answer makes no sense: it is a Status (500): "
		    "etcdserver: request timed out; ");
}

static void test_a_list_cut_short_changes_nothing(void **state)
{
	struct told *told = *state;
	struct fake_answer cut = {.path = LIST,
				  .body = PAGE("", SLICE("a", "90")),
				  .size = 60,
				  .end = FAKE_CUT};

	start_watching(told);
	fake_api_answer(told->api, &cut);
	send_text(told, ERROR_EVENT("410", "too old"));
	await(told, "failed connect: cannot list endpointslices: ");
	assert_int_equal(times(told, "remove"), 0);
	assert_int_equal(times(told, "listed\n"), 1);
}

static void test_a_list_that_is_refused_changes_nothing(void **state)
{
	static const char *const refusals[] = {
		"401 Unauthorized",
		"403 Forbidden",
		"404 Not Found",
		"429 Too Many Requests",
		"500 Internal Server Error",
		"301 Moved Permanently",
	};
	struct told *told = *state;

	start_watching(told);
	send_text(told, ERROR_EVENT("410", "too old"));
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		answer(told, LIST, refusals[i], PAGE("", ""), FAKE_WHOLE);
		await_times(told, "cannot list endpointslices: ", i + 1);
	}
	assert_int_equal(times(told, "remove"), 0);
	assert_int_equal(times(told, "listed\n"), 1);
}

static void test_an_item_without_a_name_is_refused_and_the_rest_is_taken(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST, NULL,
	       PAGE("", "{},3,{\"metadata\":{\"name\":\"x/y\"}},{\"kind\":\"Pod\",\"metadata\":"
			"{\"name\":\"pod\"}}," SLICE("a", "90")),
	       FAKE_WHOLE);
	await(told, "listed\n");
	assert_int_equal(times(told, "refuse "), 4);
	assert_int_equal(times(told, "put fabric/a 90\nlisted\n"), 1);
}

static void test_a_line_without_an_end_is_cut_off(void **state)
{
	struct told *told = *state;
	size_t size = 1 << 20;
	char *letters = malloc(size);

	memset(letters, 'a', size);
	start_watching(told);
	for (int i = 0; i < 9; i++)
		fake_api_send(told->api, WATCH, letters, size, FAKE_OPEN);
	await(told, "failed too-large: cannot watch endpointslices: the answer is longer than 8 "
		    "MiB");
	/* It says nothing about the size of a page. */
	answer(told, LIST "500", NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(times(told, "remove"), 0);
	free(letters);
}

static void test_a_refusal_without_an_end_is_given_up(void **state)
{
	struct told *told = *state;
	size_t size = 1 << 20;
	char *letters = malloc(size);
	struct fake_answer endless = {.path = WATCH,
				      .status = "500 Internal Server Error",
				      .body = letters,
				      .size = size,
				      .end = FAKE_OPEN};

	memset(letters, 'a', size);
	start(told, &slices);
	await_requests(told, LIST, 1);
	be_impatient(told); /* with the watch */
	answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
	fake_api_answer(told->api, &endless);
	await(told, "failed timeout: cannot watch endpointslices: no answer in 1 s");
	free(letters);
}

static void test_a_watch_that_is_ended_at_once_is_not_asked_for_at_once(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_ENDED);
	await(told, "failed connect: cannot watch endpointslices: the API server ended it after");
	assert_int_equal(fake_api_count(told->api, WATCH), 1);
}

static void test_a_watch_that_is_ended_after_news_is_asked_for_at_once(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	answer(told, WATCH, NULL, EVENT("MODIFIED", "a", "130"), FAKE_ENDED);
	answer(told, WATCH, NULL, EVENT("MODIFIED", "a", "131"), FAKE_ENDED);
	answer(told, WATCH, NULL, EVENT("BOOKMARK", "a", "131"), FAKE_ENDED);
	await(told, "failed connect: cannot watch endpointslices: the API server ended it after");
	assert_int_equal(fake_api_count(told->api, WATCH), 3);
	assert_int_equal(times(told, "put fabric/a 131\n"), 1);
	assert_int_equal(times(told, "failed"), 1);
}

#define BRIEF_WATCHES 100

/* In half a second it was asked hundreds of times. */
static void test_a_server_that_ends_each_watch_after_one_event_is_asked_less_and_less(void **state)
{
	static char events[BRIEF_WATCHES][512];
	const struct kube_timing timing = {.backoff_ms = 400,
					   .backoff_max_ms = 800,
					   .answer_ms = 30000,
					   .watch_s = 3600,
					   .grace_ms = 1000};
	struct told *told = *state;

	start_timed(told, &slices, &timing);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	for (int i = 0; i < BRIEF_WATCHES; i++) {
		snprintf(events[i], sizeof(events[i]), EVENT("MODIFIED", "a", "%d"), 130 + i);
		answer(told, WATCH, NULL, events[i], FAKE_ENDED);
	}
	await(told, "put fabric/a 130\n");
	await(told, "put fabric/a 131\n"); /* what comes is taken at once */
	await_time(told, 600);
	assert_in_range(fake_api_count(told->api, WATCH), 3, 8);
	assert_int_equal(times(told, "failed"), 0);
	await(told, "put fabric/a 136\n");
}

static void test_a_server_that_ends_watches_for_ever_is_followed_for_ever(void **state)
{
	static char events[BRIEF_WATCHES][512];
	const struct kube_timing timing = {.backoff_ms = 5,
					   .backoff_max_ms = 800,
					   .answer_ms = 30000,
					   .watch_s = 3600,
					   .grace_ms = 1000};
	struct told *told = *state;

	start_timed(told, &slices, &timing);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	for (int i = 0; i < BRIEF_WATCHES; i++) {
		snprintf(events[i], sizeof(events[i]), EVENT("MODIFIED", "a", "%d"), 130 + i);
		answer(told, WATCH, NULL, events[i], FAKE_ENDED);
	}
	await(told, "put fabric/a 229\n");
	assert_int_equal(times(told, "failed"), 0);
}

static void test_credentials_that_cannot_be_read_are_read_again(void **state)
{
	struct told *told = *state;

	start_watching(told);
	told->configure_error = -ENOENT;
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await_times(told,
		    "failed config: cannot watch endpointslices: cannot read 'token'; next "
		    "attempt in",
		    2);
	told->configure_error = 0;
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(fake_api_count(told->api, LIST), 1);
}

static void test_a_wall_clock_that_jumps_changes_nothing(void **state)
{
	struct told *told = *state;
	uint64_t before_ms;

	start_watching(told);
	for (int i = 0; i < 4; i++) {
		clock_jump_s = (i % 2 ? -1 : 1) * 86400 * 3650;
		send_text(told, EVENT("MODIFIED", "a", "130"));
		await_times(told, "put fabric/a 130\n", (size_t)i + 1);
	}
	assert_int_equal(times(told, "failed"), 0);
	before_ms = clock_now_ms();
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect");
	clock_jump_s = -clock_jump_s;
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_true(clock_now_ms() - before_ms < 30000); /* ten years is what it jumped */
	clock_jump_s = 0;
}

static void test_what_the_receiver_cannot_keep_is_listed_again(void **state)
{
	struct told *told = *state;

	start_watching(told);
	told->put_result = -ENOMEM;
	send_text(told, EVENT("MODIFIED", "a", "130"));
	await(told, "failed internal: cannot watch endpointslices: out of memory");
	told->put_result = 1;
	answer(told, LIST, NULL, PAGE("", SLICE("a", "130") "," SLICE("b", "91")), FAKE_WHOLE);
	await_times(told, "listed\n", 2);
	assert_int_equal(times(told, "remove"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_connection_cut_in_the_middle_of_an_object_goes_on_before_it),
		TEST(test_a_reset_connection_is_opened_again),
		TEST(test_only_an_open_watch_can_be_given_up),
		TEST(test_a_server_that_says_nothing_is_given_up),
		TEST(test_a_list_that_is_not_answered_in_time_is_given_up),
		TEST(test_a_refused_connection_is_tried_again),
		TEST(test_garbage_in_a_watch_lists_again),
		TEST(test_garbage_in_a_list_changes_nothing),
		TEST(test_a_status_out_of_place_says_what_it_has_to_say),
		TEST(test_a_list_cut_short_changes_nothing),
		TEST(test_a_list_that_is_refused_changes_nothing),
		TEST(test_an_item_without_a_name_is_refused_and_the_rest_is_taken),
		TEST(test_a_line_without_an_end_is_cut_off),
		TEST(test_a_refusal_without_an_end_is_given_up),
		TEST(test_a_watch_that_is_ended_at_once_is_not_asked_for_at_once),
		TEST(test_a_watch_that_is_ended_after_news_is_asked_for_at_once),
		TEST(test_a_server_that_ends_each_watch_after_one_event_is_asked_less_and_less),
		TEST(test_a_server_that_ends_watches_for_ever_is_followed_for_ever),
		TEST(test_credentials_that_cannot_be_read_are_read_again),
		TEST(test_a_wall_clock_that_jumps_changes_nothing),
		TEST(test_what_the_receiver_cannot_keep_is_listed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
