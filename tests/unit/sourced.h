/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the Kubernetes source: one and its scripted API server, and what came of it. */
#ifndef GWBPF_TESTS_UNIT_SOURCED_H
#define GWBPF_TESTS_UNIT_SOURCED_H

#include <stddef.h>

#include "source/kube/kube.h"
#include "unit/fake_api.h"

#define SERVICES "/api/v1/services?limit=500&labelSelector=gwbpf.io%2Fenabled%3Dtrue"
#define SLICES_OF(names)                                                                           \
	"endpointslices?limit=500&labelSelector=kubernetes.io%2Fservice-name%20in%20%28" names "%29"
#define SLICES SLICES_OF("a")
#define NODE "/api/v1/nodes/node1"
#define NAMED "/api/v1/namespaces/fabric/services?limit=500&fieldSelector=metadata.name%3D"

/* What its store and its sink were told: a line each. */
struct told {
	unsigned int warnings; /* of the configuration */
	struct event_base *base;
	struct fake_api *api;
	struct kube_source *source;
	struct sink sink;
	char kubeconfig[64];
	char text[1 << 16];
	size_t length;
	const char *awaited;
	size_t heard;
	size_t awaited_times;
	size_t awaited_heard;
};

int set_up(void **state);
int tear_down(void **state);

/* On node1, with the rest of the options as given. */
void start(struct told *told, const struct kube_options *given);

/* The kubeconfig has that token from now on; "first" before. */
void set_token(struct told *told, const char *token);

/* How often the text was told; wait until it was, or until a path was asked for. */
size_t times(const struct told *told, const char *text);
void await(struct told *told, const char *text);
void await_request(struct told *told, const char *path);
void await_requests(struct told *told, const char *path, size_t count);

/* Wait until the API server was heard that many times more. */
void await_heard(struct told *told, size_t count);

/* The texts must stay until the test ends. */
void answer(struct told *told, const char *path, const char *body);
void refuse_request(struct told *told, const char *path, const char *status);
void open_watch(struct told *told, const char *path);
void hang_up(struct told *told, const char *path);
void send_event(struct told *told, const char *path, const char *event);

#define SERVICE(name)                                                                              \
	"{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":\"fabric\","      \
	"\"name\":\"" name                                                                         \
	"\",\"resourceVersion\":\"107\"},\"spec\":{\"clusterIP\":\"10.96.0.9\","                   \
	"\"ports\":[{\"port\":7051,\"protocol\":\"TCP\"}]}}"
#define SLICE(name, service)                                                                       \
	"{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{"        \
	"\"namespace\":\"fabric\",\"name\":\"" name "\",\"resourceVersion\":\"108\",\"labels\":{"  \
	"\"kubernetes.io/service-name\":\"" service "\"}},\"addressType\":\"IPv4\","               \
	"\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]}],\"ports\":[{\"name\":\"\",\"port\":7051}]}"
#define NODE_OBJECT(zone)                                                                          \
	"{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"node1\","               \
	"\"resourceVersion\":\"109\",\"labels\":{\"topology.kubernetes.io/zone\":\"" zone "\"}}}"
#define LIST(kind, version, items)                                                                 \
	"{\"kind\":\"" kind "\",\"apiVersion\":\"" version "\",\"metadata\":{"                     \
	"\"resourceVersion\":\"100\"},\"items\":[" items "]}"
#define SERVICE_LIST(items) LIST("ServiceList", "v1", items)
#define SLICE_LIST(items) LIST("EndpointSliceList", "discovery.k8s.io/v1", items)
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

#endif
