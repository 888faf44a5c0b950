// SPDX-License-Identifier: Apache-2.0
/* The state machine that lists and watches, against a server that does everything wrong. */
#include "source/kube_watch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <event2/event.h>

#include "source/kube_http.h"
#include "unit/fake_api.h"

#define LIST "endpointslices?limit="
#define WATCH "watch=true"

/* What the watch told: a line each, newest last. */
struct told {
	struct event_base *base;
	struct fake_api *api;
	struct kube_http *http;
	struct kube_watch *watch;
	char text[1 << 16];
	size_t length;
	const char *awaited;
	size_t awaited_times;
	int configure_error;
	int put_result;
	char token[64];
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const struct kube_timing fast = {
	.backoff_ms = 20,
	.backoff_max_ms = 160,
	.retry_after_max_ms = 3000,
	.answer_ms = 1000,
	.watch_s = 3600,
	.grace_ms = 1000,
};

static __attribute__((format(printf, 2, 3))) void tell(struct told *told, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	told->length += (size_t)vsnprintf(told->text + told->length,
					  sizeof(told->text) - told->length, format, args);
	va_end(args);
	assert_true(told->length < sizeof(told->text));
}

static int configure(char *message, struct kube_config *ret, void *arg)
{
	struct told *told = arg;

	if (told->configure_error)
		return kube_config_fail(message, told->configure_error, "cannot read 'token'");
	*ret = (struct kube_config){0};
	if (asprintf(&ret->server, "http://127.0.0.1:%u", fake_api_port(told->api)) < 0)
		abort();
	return kube_bytes_copy(told->token, &ret->token);
}

static int put(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct told *told = arg;
	const json_t *metadata = json_object_get(object, "metadata");

	tell(told, "put %s/%s %s\n", namespace, name,
	     json_string_value(json_object_get(metadata, "resourceVersion")));
	return told->put_result;
}

static void remove_object(const char *namespace, const char *name, void *arg)
{
	tell(arg, "remove %s/%s\n", namespace, name);
}

static void refuse(const char *message, void *arg)
{
	tell(arg, "refuse %s\n", message);
}

static void settle(bool listed, void *arg)
{
	tell(arg, listed ? "listed\n" : "settled\n");
}

static void heard(void *arg)
{
	tell(arg, "heard\n");
}

static void failed(enum source_error error, const char *message, void *arg)
{
	tell(arg, "failed %s: %s\n", source_error_name(error), message);
}

static void recovered(void *arg)
{
	tell(arg, "recovered\n");
}

static const struct kube_watch_ops ops = {
	.configure = configure,
	.put = put,
	.remove = remove_object,
	.refuse = refuse,
	.settle = settle,
	.heard = heard,
	.failed = failed,
	.recovered = recovered,
};

static size_t times(const struct told *told, const char *text)
{
	size_t count = 0;

	for (const char *at = told->text; (at = strstr(at, text)); at++)
		count++;
	return count;
}

static bool has_awaited(void *arg)
{
	const struct told *told = arg;

	return times(told, told->awaited) >= told->awaited_times;
}

static void await_times(struct told *told, const char *text, size_t count)
{
	told->awaited = text;
	told->awaited_times = count;
	if (!fake_api_run(told->api, has_awaited, told))
		fail_msg("waited in vain for '%s', %zu times; told was:\n%s", text, count,
			 told->text);
}

static void await(struct told *told, const char *text)
{
	await_times(told, text, 1);
}

static bool has_request(void *arg)
{
	const struct told *told = arg;

	return fake_api_count(told->api, told->awaited) >= told->awaited_times;
}

static void await_requests(struct told *told, const char *path, size_t count)
{
	told->awaited = path;
	told->awaited_times = count;
	if (!fake_api_run(told->api, has_request, told))
		fail_msg("waited in vain for request '%s', %zu times; told was:\n%s", path, count,
			 told->text);
}

static void start_timed(struct told *told, const struct kube_selection *selection,
			const struct kube_timing *timing)
{
	struct kube_watch_setup setup = {
		.base = told->base,
		.http = told->http,
		.selection = *selection,
		.subject = selection->resource->plural,
		.instead = ", or do without",
		.timing = timing,
		.ops = &ops,
		.arg = told,
	};

	assert_int_equal(kube_watch_start(&setup, &told->watch), 0);
}

static void start(struct told *told, const struct kube_selection *selection)
{
	start_timed(told, selection, &fast);
}

static const struct kube_selection slices = {.resource = &kube_slices,
					     .labels = "gwbpf.io/enabled=true"};

static int set_up(void **state)
{
	struct told *told = calloc(1, sizeof(*told));

	told->base = event_base_new();
	told->api = fake_api_new(told->base);
	told->put_result = 1;
	strcpy(told->token, "first");
	assert_int_equal(kube_http_new(told->base, &told->http), 0);
	*state = told;
	return 0;
}

static int tear_down(void **state)
{
	struct told *told = *state;

	kube_watch_stop(told->watch);
	kube_http_free(told->http);
	fake_api_free(told->api);
	event_base_free(told->base);
	free(told);
	return 0;
}

static void answer(struct told *told, const char *path, const char *status, const char *body,
		   enum fake_end end)
{
	struct fake_answer fake = {.path = path, .status = status, .body = body, .end = end};

	fake_api_answer(told->api, &fake);
}

/* Texts that a test refers to until it ends. */
#define SLICE(name, version)                                                                       \
	"{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{"        \
	"\"namespace\":\"fabric\",\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define PAGE(next, items)                                                                          \
	"{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{"    \
	"\"resourceVersion\":\"100\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define EVENT(type, name, version)                                                                 \
	"{\"type\":\"" type "\",\"object\":" SLICE(name, version) "}\n"
#define STATUS(code, message)                                                                      \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","       \
	"\"message\":\"" message "\",\"code\":" code "}"
#define ERROR_EVENT(code, message)                                                                 \
	"{\"type\":\"ERROR\",\"object\":" STATUS(code, message) "}\n"

/* Listed with two objects, and a watch open from position 100. */
static void start_watching(struct told *told)
{
	start(told, &slices);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")), FAKE_WHOLE);
	answer(told, "resourceVersion=100", NULL, NULL, FAKE_OPEN);
	await_requests(told, WATCH, 1);
	await(told, "listed\n");
}

static void send_text(struct told *told, const char *text)
{
	fake_api_send(told->api, WATCH, text, strlen(text), FAKE_OPEN);
}

/* The body of an answer that was recorded with its headers. */
static const char *recorded_body(const char *name)
{
	size_t size;
	static char *text;

	free(text);
	text = fake_api_data(name, &size);
	return strstr(text, "\r\n\r\n") + 4;
}

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
	assert_int_equal(
		fake_api_count(told->api, "/apis/discovery.k8s.io/v1/endpointslices?watch=true"
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
					   "heard\nput fabric/c 95\nput fabric/a 96\n"
					   "remove fabric/b\nlisted\nrecovered\n"));
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
	uint64_t before_ms;

	start(told, &slices);
	for (int i = 0; i < 4; i++) {
		answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
		answer(told, WATCH, "410 Gone", STATUS("410", "too old"), FAKE_WHOLE);
	}
	await_times(told, "failed gone", 2); /* the first costs no time, */
	before_ms = now_ms();
	await_times(told, "failed gone", 4); /* the second 20 ms, the third 40 ms */
	assert_true(now_ms() - before_ms >= 55);
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

static void test_an_expired_continue_token_begins_the_list_anew(void **state)
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
	uint64_t before_ms;

	start(told, &slices);
	fake_api_answer(told->api, &busy);
	await(told, "failed throttled: ");
	before_ms = now_ms();
	await_requests(told, LIST, 2);
	assert_true(now_ms() - before_ms >= 950);
	assert_non_null(strstr(told->text, "next attempt in 1.0 s"));
}

static void test_an_absurd_retry_after_is_cut_short(void **state)
{
	struct told *told = *state;
	struct fake_answer busy = {.path = LIST,
				   .status = "503 Service Unavailable",
				   .header = "Retry-After: 99999999999\r\n"};

	start(told, &slices);
	fake_api_answer(told->api, &busy);
	await(told, "failed server: cannot list endpointslices: the API server fails (503): ; "
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
	await_times(told, "failed server: cannot watch endpointslices: the API server fails (500): "
			  "etcd is away", 2);
	assert_int_equal(fake_api_count(told->api, LIST), 1);
	assert_int_equal(fake_api_count(told->api, "resourceVersion=100"), 3);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")), FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(times(told, "remove"), 0);
}

static void test_backing_off_ends_at_its_limit(void **state)
{
	struct told *told = *state;
	unsigned int longest = 0;

	start(told, &slices);
	for (int i = 0; i < 8; i++)
		answer(told, LIST, "500 Internal Server Error", "", FAKE_WHOLE);
	await_times(told, "failed server", 8);
	for (const char *at = told->text; (at = strstr(at, "attempt in 0.")); at++) {
		unsigned int tenths = (unsigned int)atoi(at + strlen("attempt in 0."));

		longest = tenths > longest ? tenths : longest;
	}
	assert_int_equal(longest, 1); /* 80 to 160 ms */
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
}

static void test_a_server_that_says_nothing_is_given_up(void **state)
{
	struct told *told = *state;

	start_watching(told);
	send_text(told, EVENT("MODIFIED", "a", "130"));
	await(told, "put fabric/a 130\n");
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await(told, "failed connect"); /* and the next request is never answered */
	await(told, "failed timeout: cannot watch endpointslices: no answer in 1 s");
	await_requests(told, WATCH, 3);
	answer(told, "resourceVersion=130", NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
}

static void test_a_list_that_is_not_answered_in_time_is_given_up(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	await(told, "failed timeout: cannot list endpointslices: Operation timed out");
}

static void test_a_refused_connection_is_tried_again(void **state)
{
	struct told *told = *state;

	start_watching(told);
	fake_api_free(told->api);
	told->api = fake_api_new(told->base); /* another port: the old one refuses */
	await(told, "failed connect");
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
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
		await_times(told, "failed protocol: cannot watch endpointslices: an event makes no "
				  "sense: ", i + 1);
		answer(told, LIST, NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")),
		       FAKE_WHOLE);
		answer(told, WATCH, NULL, NULL, FAKE_OPEN);
		await_times(told, "recovered\n", i + 1);
	}
	assert_int_equal(times(told, "remove"), 0);
}

static void test_garbage_in_a_list_changes_nothing(void **state)
{
	static const char *const garbage[] = {
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
		await_times(told, "failed protocol: cannot list endpointslices: the answer makes "
				  "no sense: ", i + 1);
	}
	assert_int_equal(times(told, "remove"), 0);
	assert_int_equal(times(told, "listed\n"), 1);
}

static void test_a_list_cut_short_changes_nothing(void **state)
{
	struct told *told = *state;
	struct fake_answer cut = {.path = LIST, .body = PAGE("", SLICE("a", "90")), .size = 60,
				  .end = FAKE_CUT};

	start_watching(told);
	fake_api_answer(told->api, &cut);
	send_text(told, ERROR_EVENT("410", "too old"));
	await(told, "failed connect: cannot list endpointslices: ");
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

static void test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(void **state)
{
	struct told *told = *state;
	size_t size = KUBE_BODY_BYTES_MAX + 1;
	char *spaces = malloc(size);
	struct fake_answer large = {.path = LIST "500", .body = spaces, .size = size};

	memset(spaces, ' ', size);
	start(told, &slices);
	fake_api_answer(told->api, &large);
	answer(told, LIST "125", NULL, PAGE("", SLICE("a", "90")), FAKE_WHOLE);
	await(told, "listed\n");
	assert_int_equal(times(told, "failed too-large: cannot list endpointslices: the answer is "
				     "longer than 8 MiB"), 1);
	free(spaces);
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
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")), FAKE_WHOLE);
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
	struct fake_answer endless = {.path = WATCH, .status = "500 Internal Server Error",
				      .body = letters, .size = size, .end = FAKE_OPEN};

	memset(letters, 'a', size);
	start(told, &slices);
	answer(told, LIST, NULL, PAGE("", ""), FAKE_WHOLE);
	fake_api_answer(told->api, &endless);
	await(told, "failed timeout: cannot watch endpointslices: no answer in 1 s");
	free(letters);
}

static void test_pages_without_end_are_given_up(void **state)
{
	struct told *told = *state;

	start(told, &slices);
	for (int i = 0; i < 1000; i++)
		answer(told, LIST, NULL, PAGE("again", ""), FAKE_WHOLE);
	await(told, "failed too-large: cannot list endpointslices: the list does not end after "
		    "1000 pages");
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

static void test_credentials_that_cannot_be_read_are_read_again(void **state)
{
	struct told *told = *state;

	start_watching(told);
	told->configure_error = -ENOENT;
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await_times(told, "failed config: cannot watch endpointslices: cannot read 'token'; next "
			  "attempt in", 2);
	told->configure_error = 0;
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await(told, "recovered\n");
	assert_int_equal(fake_api_count(told->api, LIST), 1);
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
	"{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"node1\","                   \
	"\"resourceVersion\":\"" version "\"}}"

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
						   "&resourceVersion=0"), 1);
	answer(told, "/api/v1/nodes/node1", NULL, text, FAKE_WHOLE);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	await_requests(told, WATCH, 1);
	fake_api_send(told->api, WATCH, NULL, 0, FAKE_CUT);
	await_times(told, "put /node1 591\nlisted\n", 2);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_list_in_pages_is_delivered_whole_and_then_watched_from_its_position),
		TEST(test_a_recorded_watch_is_delivered_and_its_bookmark_is_where_it_goes_on),
		TEST(test_deleted_is_gone_at_once_and_is_no_news_in_the_next_list),
		TEST(test_410_as_an_event_lists_again_and_what_vanished_meanwhile_is_removed),
		TEST(test_410_as_a_status_lists_again),
		TEST(test_410_without_end_backs_off),
		TEST(test_410_after_an_outage_lists_at_once),
		TEST(test_an_expired_continue_token_begins_the_list_anew),
		TEST(test_401_goes_on_with_the_rotated_token_from_where_it_was),
		TEST(test_403_names_the_missing_verb_and_resource),
		TEST(test_429_waits_as_long_as_the_server_asks),
		TEST(test_an_absurd_retry_after_is_cut_short),
		TEST(test_5xx_backs_off_and_resumes_then_lists_again),
		TEST(test_backing_off_ends_at_its_limit),
		TEST(test_a_connection_cut_in_the_middle_of_an_object_goes_on_before_it),
		TEST(test_a_reset_connection_is_opened_again),
		TEST(test_a_server_that_says_nothing_is_given_up),
		TEST(test_a_list_that_is_not_answered_in_time_is_given_up),
		TEST(test_a_refused_connection_is_tried_again),
		TEST(test_garbage_in_a_watch_lists_again),
		TEST(test_garbage_in_a_list_changes_nothing),
		TEST(test_a_list_cut_short_changes_nothing),
		TEST(test_an_item_without_a_name_is_refused_and_the_rest_is_taken),
		TEST(test_a_page_that_is_too_large_is_asked_for_in_smaller_ones),
		TEST(test_a_line_without_an_end_is_cut_off),
		TEST(test_a_refusal_without_an_end_is_given_up),
		TEST(test_pages_without_end_are_given_up),
		TEST(test_a_watch_that_is_ended_at_once_is_not_asked_for_at_once),
		TEST(test_credentials_that_cannot_be_read_are_read_again),
		TEST(test_what_the_receiver_cannot_keep_is_listed_again),
		TEST(test_what_is_anothers_is_not_held),
		TEST(test_one_object_is_read_by_the_verb_get_and_then_watched),
		TEST(test_one_object_that_is_not_there_is_a_list_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
