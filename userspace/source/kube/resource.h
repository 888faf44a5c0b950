/* SPDX-License-Identifier: Apache-2.0 */
/* The resources of the API that gwbpf reads, a selection of their objects, and the paths to it. */
#ifndef GWBPF_SOURCE_KUBE_RESOURCE_H
#define GWBPF_SOURCE_KUBE_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

struct kube_resource {
	const char *path;        /* "/apis/discovery.k8s.io/v1" */
	const char *group;       /* "discovery.k8s.io"; "" for the core */
	const char *api_version; /* "discovery.k8s.io/v1" */
	const char *plural;      /* "endpointslices" */
	const char *kind;        /* "EndpointSlice" */
};

extern const struct kube_resource kube_services;
extern const struct kube_resource kube_slices;
extern const struct kube_resource kube_nodes;
extern const struct kube_resource kube_pods_resource;

struct kube_selection {
	const struct kube_resource *resource;
	const char *namespace; /* NULL: all, or it has none */
	const char *labels;    /* a label selector; NULL: any */
	const char *fields;    /* a field selector; NULL: any; not with a name */
	const char *name;      /* one object alone; NULL: all */
	bool get; /* with a name: by the verb get, so that no right to list is needed */
};

/* Paths with their query, escaped, which the caller frees. limit: of a page; 0: all at once. next:
 * the continue token, or "". What is had by the verb get is watched from its present state on,
 * whatever position says. -ENOMEM */
int kube_list_path(const struct kube_selection *selection, uint32_t limit, const char *next,
		   char **ret);
int kube_watch_path(const struct kube_selection *selection, const char *position,
		    uint32_t timeout_s, char **ret);

#endif
