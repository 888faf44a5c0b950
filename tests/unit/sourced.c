// SPDX-License-Identifier: Apache-2.0
/* The source in a loop with its API server; each thing its sink is told is a line. */
#include "unit/sourced.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "source/kube/watch.h"

static const struct kube_timing fast = {
	.backoff_ms = 20,
	.backoff_max_ms = 160,
	.unreachable_max_ms = 160,
	.retry_after_max_ms = 3000,
	.answer_ms = 30000,
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

static void on_put(enum store_kind kind, const void *object, const void *old, void *arg)
{
	const struct service *service = object;
	const struct slice *slice = object;
	const struct pod *pod = object;

	(void)old;
	if (kind == STORE_POD)
		tell(arg, "put pod %s/%s %s %s %s=%s\n", pod->namespace, pod->name, pod->uid,
		     pod->node, pod->labels->items[0].key, pod->labels->items[0].value);
	else if (kind == STORE_SERVICE)
		tell(arg, "put service %s/%s\n", service->namespace, service->name);
	else
		tell(arg, "put slice %s/%s of %s, endpoints %zu\n", slice->namespace, slice->name,
		     slice->service, slice->endpoint_count);
}

static void on_removed(enum store_kind kind, const char *namespace, const char *name, void *arg)
{
	static const char *const words[] = {
		[STORE_SERVICE] = "service",
		[STORE_SLICE] = "slice",
		[STORE_POD] = "pod",
	};

	tell(arg, "remove %s %s/%s\n", words[kind], namespace, name);
}

static void await_slices(const char *namespace, const char *name, bool awaited, void *arg)
{
	tell(arg, "%s slices of %s/%s\n", awaited ? "await" : "know", namespace, name);
}

static void await_pods(bool awaited, void *arg)
{
	tell(arg, "%s pods\n", awaited ? "await" : "know");
}

static void refuse(const char *origin, const char *object, const char *message, void *arg)
{
	/* That a token goes without TLS: the API server of these tests has none. */
	if (strcmp(origin, "configuration") == 0)
		((struct told *)arg)->warnings++;
	else
		tell(arg, "refuse %s: %s: %s\n", origin, object, message);
}

static void on_accepted(const char *origin, void *arg)
{
	tell(arg, "accept %s\n", origin);
}

static void commit(bool complete, void *arg)
{
	tell(arg, complete ? "commit\n" : "commit incomplete\n");
}

static void set_node(bool exists, const char *zone, void *arg)
{
	tell(arg, "node %s, zone '%s'\n", exists ? "exists" : "absent", zone);
}

static void heard(void *arg)
{
	struct told *told = arg;

	told->heard++;
}

static void failed(const char *origin, enum source_error error, const char *message, void *arg)
{
	tell(arg, "failed %s: %s: %s\n", origin, source_error_name(error), message);
}

static void recovered(const char *origin, void *arg)
{
	tell(arg, "recovered %s\n", origin);
}

static const struct store_ops store_ops = {
	.put = on_put,
	.removed = on_removed,
	.refused = refuse,
	.accepted = on_accepted,
};

static const struct sink sink_template = {
	.await_slices = await_slices,
	.await_pods = await_pods,
	.commit = commit,
	.set_node = set_node,
	.heard = heard,
	.failed = failed,
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

	return times(told, told->awaited) > 0;
}

void await(struct told *told, const char *text)
{
	told->awaited = text;
	if (!fake_api_run(told->api, has_awaited, told))
		fail_msg("waited in vain for '%s'; told was:\n%s", text, told->text);
}

static bool has_heard(void *arg)
{
	const struct told *told = arg;

	return told->heard >= told->awaited_heard;
}

void await_heard(struct told *told, size_t count)
{
	told->awaited_heard = told->heard + count;
	assert_true(fake_api_run(told->api, has_heard, told));
}

static bool has_request(void *arg)
{
	const struct told *told = arg;

	return fake_api_count(told->api, told->awaited) >= told->awaited_times;
}

void await_request(struct told *told, const char *path)
{
	await_requests(told, path, 1);
}

void await_requests(struct told *told, const char *path, size_t count)
{
	told->awaited = path;
	told->awaited_times = count;
	if (!fake_api_run(told->api, has_request, told))
		fail_msg("waited in vain for request '%s'; told was:\n%s", path, told->text);
}

void answer(struct told *told, const char *path, const char *body)
{
	struct fake_answer fake = {.path = path, .body = body};

	fake_api_answer(told->api, &fake);
}

void refuse_request(struct told *told, const char *path, const char *status)
{
	struct fake_answer fake = {.path = path,
				   .status = status,
				   .body = "{\"kind\":\"Status\","
					   "\"message\":\"no\"}"};

	fake_api_answer(told->api, &fake);
}

void open_watch(struct told *told, const char *path)
{
	struct fake_answer fake = {.path = path, .end = FAKE_OPEN};

	fake_api_answer(told->api, &fake);
}

void hang_up(struct told *told, const char *path)
{
	struct fake_answer fake = {.path = path, .end = FAKE_NOTHING};

	fake_api_answer(told->api, &fake);
}

void send_event(struct told *told, const char *path, const char *event)
{
	fake_api_send(told->api, path, event, strlen(event), FAKE_OPEN);
}

void set_token(struct told *told, const char *token)
{
	FILE *file = fopen(told->kubeconfig, "w");

	fprintf(file,
		"current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]\n"
		"clusters: [{name: b, cluster: {server: 'http://127.0.0.1:%u', "
		"insecure-skip-tls-verify: true}}]\n"
		"users: [{name: c, user: {token: %s}}]\n",
		fake_api_port(told->api), token);
	fclose(file);
}

int set_up(void **state)
{
	struct told *told = calloc(1, sizeof(*told));

	told->base = event_base_new();
	told->api = fake_api_new(told->base);
	told->sink = sink_template;
	told->sink.arg = told;
	assert_int_equal(store_new(&store_ops, told, &told->sink.store), 0);
	strcpy(told->kubeconfig, "/tmp/gwbpf-kube-XXXXXX");
	close(mkstemp(told->kubeconfig));
	set_token(told, "first");
	*state = told;
	return 0;
}

int tear_down(void **state)
{
	struct told *told = *state;

	kube_source_stop(told->source);
	store_free(told->sink.store);
	fake_api_free(told->api);
	event_base_free(told->base);
	unlink(told->kubeconfig);
	free(told);
	return 0;
}

void start(struct told *told, const struct kube_options *given)
{
	struct kube_options options = *given;

	options.kubeconfig = told->kubeconfig;
	options.node = "node1";
	if (!options.timing)
		options.timing = &fast;
	assert_int_equal(kube_source_start(told->base, &options, &told->sink, &told->source), 0);
}
