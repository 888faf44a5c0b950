// SPDX-License-Identifier: Apache-2.0
/* A watch of EndpointSlices in a loop with its API server; each thing it tells is a line. */
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
#include <event2/event.h>

#include "source/kube/http.h"

const struct kube_timing fast = {
	.backoff_ms = 20,
	.backoff_max_ms = 160,
	.unreachable_max_ms = 160,
	.retry_after_max_ms = 3000,
	.answer_ms = 30000, /* 8 MiB on a busy machine */
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

static void granted(void *arg)
{
	tell(arg, "granted\n");
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
	.granted = granted,
	.recovered = recovered,
};

size_t times(const struct told *told, const char *text)
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

void await_times(struct told *told, const char *text, size_t count)
{
	told->awaited = text;
	told->awaited_times = count;
	if (!fake_api_run(told->api, has_awaited, told))
		fail_msg("waited in vain for '%s', %zu times; told was:\n%s", text, count,
			 told->text);
}

void await(struct told *told, const char *text)
{
	await_times(told, text, 1);
}

static bool has_request(void *arg)
{
	const struct told *told = arg;

	return fake_api_count(told->api, told->awaited) >= told->awaited_times;
}

void await_requests(struct told *told, const char *path, size_t count)
{
	told->awaited = path;
	told->awaited_times = count;
	if (!fake_api_run(told->api, has_request, told))
		fail_msg("waited in vain for request '%s', %zu times; told was:\n%s", path, count,
			 told->text);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct told *told = arg;

	(void)fd;
	(void)what;
	told->time_is_up = true;
}

static bool is_time_up(void *arg)
{
	const struct told *told = arg;

	return told->time_is_up;
}

void await_time(struct told *told, long ms)
{
	struct timeval delay = {ms / 1000, ms % 1000 * 1000};

	told->time_is_up = false;
	event_base_once(told->base, -1, EV_TIMEOUT, on_time, told, &delay);
	assert_true(fake_api_run(told->api, is_time_up, told));
}

void start_timed(struct told *told, const struct kube_selection *selection,
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

void start(struct told *told, const struct kube_selection *selection)
{
	start_timed(told, selection, &told->timing);
}

const struct kube_selection slices = {.resource = &kube_slices, .labels = "gwbpf.io/enabled=true"};

int set_up(void **state)
{
	struct told *told = calloc(1, sizeof(*told));

	told->base = event_base_new();
	told->api = fake_api_new(told->base);
	told->timing = fast;
	told->put_result = 1;
	strcpy(told->token, "first");
	assert_int_equal(kube_http_new(told->base, &told->http), 0);
	*state = told;
	return 0;
}

int tear_down(void **state)
{
	struct told *told = *state;

	kube_watch_stop(told->watch);
	kube_http_free(told->http);
	fake_api_free(told->api);
	event_base_free(told->base);
	free(told);
	return 0;
}

void answer(struct told *told, const char *path, const char *status, const char *body,
	    enum fake_end end)
{
	struct fake_answer fake = {.path = path, .status = status, .body = body, .end = end};

	fake_api_answer(told->api, &fake);
}

void start_watching(struct told *told)
{
	start(told, &slices);
	answer(told, LIST, NULL, PAGE("", SLICE("a", "90") "," SLICE("b", "91")), FAKE_WHOLE);
	answer(told, "resourceVersion=100", NULL, NULL, FAKE_OPEN);
	await_requests(told, WATCH, 1);
	await(told, "listed\n");
}

void send_text(struct told *told, const char *text)
{
	fake_api_send(told->api, WATCH, text, strlen(text), FAKE_OPEN);
}

const char *recorded_body(const char *name)
{
	size_t size;
	static char *text;

	free(text);
	text = fake_api_data(name, &size);
	return strstr(text, "\r\n\r\n") + 4;
}
