// SPDX-License-Identifier: Apache-2.0
/* Prints what the Kubernetes source delivers, a line each, until it is told to end. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/addr.h"
#include "source/kube/kube.h"
#include "source/kube/watch.h"

#define SERVICES_MAX 80

static void put_service(const struct service *service)
{
	printf("put service %s/%s enabled=%d\n", service->namespace, service->name,
	       service->enabled);
}

static void put_slice(const struct slice *slice)
{
	char text[ADDR_TEXT_MAX];

	printf("put slice %s/%s of %s:", slice->namespace, slice->name, slice->service);
	for (size_t i = 0; i < slice->endpoint_count; i++)
		printf(" %s%s", addr_format(&slice->endpoints[i].address, text),
		       slice->endpoints[i].ready ? "" : "!");
	printf("\n");
}

static void put_pod(const struct pod *pod)
{
	printf("put pod %s/%s\n", pod->namespace, pod->name);
}

static void put(enum store_kind kind, const void *object, const void *old, void *arg)
{
	(void)old;
	(void)arg;
	if (kind == STORE_SERVICE)
		put_service(object);
	else if (kind == STORE_SLICE)
		put_slice(object);
	else
		put_pod(object);
}

static void removed(enum store_kind kind, const char *namespace, const char *name, void *arg)
{
	static const char *const words[] = {
		[STORE_SERVICE] = "service",
		[STORE_SLICE] = "slice",
		[STORE_POD] = "pod",
	};

	(void)arg;
	printf("remove %s %s/%s\n", words[kind], namespace, name);
}

static void await_slices(const char *namespace, const char *name, bool awaited, void *arg)
{
	(void)arg;
	printf("%s slices of %s/%s\n", awaited ? "await" : "know", namespace, name);
}

static void await_pods(bool awaited, void *arg)
{
	(void)arg;
	printf("%s pods\n", awaited ? "await" : "know");
}

static void refused(const char *origin, const char *object, const char *message, void *arg)
{
	(void)arg;
	printf("refuse %s: %s: %s\n", origin, object, message);
}

static void commit(bool complete, void *arg)
{
	(void)arg;
	printf("commit %s\n", complete ? "complete" : "incomplete");
}

static void set_node(bool exists, const char *zone, void *arg)
{
	(void)arg;
	printf("node exists=%d zone='%s'\n", exists, zone);
}

static void heard(void *arg)
{
	(void)arg;
}

static void failed(const char *origin, enum source_error error, const char *message, void *arg)
{
	(void)arg;
	printf("failed %s: %s: %s\n", origin, source_error_name(error), message);
}

static void recovered(const char *origin, void *arg)
{
	(void)arg;
	printf("recovered %s\n", origin);
}

static const struct store_ops store_ops = {
	.put = put,
	.removed = removed,
	.refused = refused,
};

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void parse_options(int argc, char **argv, struct kube_options *options,
			  struct kube_timing *timing)
{
	static const struct option names[] = {
		{"kubeconfig", required_argument, NULL, 'k'},
		{"namespace", required_argument, NULL, 'n'},
		{"service", required_argument, NULL, 's'},
		{"zone", required_argument, NULL, 'z'},
		{"node-name", required_argument, NULL, 'N'},
		{"watch-seconds", required_argument, NULL, 'w'},
		{0},
	};
	static const char *services[SERVICES_MAX];
	int option;

	options->services = services;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'k':
			options->kubeconfig = optarg;
			break;
		case 'n':
			options->namespace = optarg;
			break;
		case 's':
			services[options->service_count++ % SERVICES_MAX] = optarg;
			break;
		case 'z':
			options->zone = optarg;
			break;
		case 'N':
			options->node = optarg;
			break;
		case 'w':
			timing->watch_s = (uint32_t)atoi(optarg);
			timing->grace_ms = 1000;
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
	struct kube_timing timing = kube_timing_default;
	struct kube_options options = {.timing = &timing};
	struct sink sink = {
		.await_slices = await_slices,
		.await_pods = await_pods,
		.commit = commit,
		.set_node = set_node,
		.heard = heard,
		.failed = failed,
		.recovered = recovered,
	};
	struct kube_source *source = NULL;
	int err = store_new(&store_ops, NULL, &sink.store);

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse_options(argc, argv, &options, &timing);
	if (!err)
		err = kube_source_start(base, &options, &sink, &source);
	if (!err) {
		evsignal_add(term, NULL);
		event_base_dispatch(base);
	}
	kube_source_stop(source);
	store_free(sink.store);
	event_free(term);
	event_base_free(base);
	printf("ended\n");
	return err ? 1 : 0;
}
