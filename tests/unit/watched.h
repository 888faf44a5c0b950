/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of a watch: one against a scripted API server, and what it told. */
#ifndef GWBPF_TESTS_UNIT_WATCHED_H
#define GWBPF_TESTS_UNIT_WATCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/kube/watch.h"
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
	struct kube_timing timing;
	bool time_is_up;
	int configure_error;
	int put_result;
	char token[64];
};

extern const struct kube_timing fast;
extern const struct kube_selection slices; /* the labelled EndpointSlices */

int set_up(void **state);
int tear_down(void **state);

void start(struct told *told, const struct kube_selection *selection);
void start_timed(struct told *told, const struct kube_selection *selection,
		 const struct kube_timing *timing);
/* Listed with two objects, "a" and "b", and a watch open from position 100. */
void start_watching(struct told *told);

/* How often the text was told; wait until it was, or until a path was asked for, that often. */
size_t times(const struct told *told, const char *text);
void await(struct told *told, const char *text);
void await_times(struct told *told, const char *text, size_t count);
void await_requests(struct told *told, const char *path, size_t count);

/* Let the loop turn that long: for what must not happen meanwhile. */
void await_time(struct told *told, long ms);

/* body must stay until the test ends. */
void answer(struct told *told, const char *path, const char *status, const char *body,
	    enum fake_end end);
void send_text(struct told *told, const char *text);
/* The body of an answer that was recorded with its headers; valid until the next call. */
const char *recorded_body(const char *name);

#define SLICE(name, version)                                                                       \
	"{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{"        \
	"\"namespace\":\"fabric\",\"name\":\"" name "\",\"resourceVersion\":\"" version "\"}}"
#define PAGE(next, items)                                                                          \
	"{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{"    \
	"\"resourceVersion\":\"100\",\"continue\":\"" next "\"},\"items\":[" items "]}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" SLICE(name, version) "}\n"
#define STATUS(code, message)                                                                      \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\","       \
	"\"message\":\"" message "\",\"code\":" code "}"
#define ERROR_EVENT(code, message) "{\"type\":\"ERROR\",\"object\":" STATUS(code, message) "}\n"

#endif
