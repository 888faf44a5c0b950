/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which EndpointSlices are followed: those whose label kubernetes.io/service-name names a Service
 * that is to be balanced, as kube-proxy finds them. A Service's own labels say nothing about them:
 * only one of the controllers that make slices copies those, and later.
 *
 * Names are watched in groups, a watch each, with a selector of at most 6,000 bytes, so that it
 * fits into the request line that proxies take. A name that is new to a group makes it list and
 * watch anew, with all its names; the watch before goes on until the first page of that list is
 * there. A Service's slices are awaited until a list that began after the Service was seen is
 * whole. Knows nothing of HTTP.
 */
#ifndef GWBPF_SOURCE_KUBE_SLICES_H
#define GWBPF_SOURCE_KUBE_SLICES_H

#include <stdbool.h>

struct kube_follow;
struct kube_follows;
struct kube_slices;

/* namespace: the only one that may be read as a whole; NULL: all. all must outlive it. -ENOMEM */
int kube_slices_new(struct kube_follows *all, const char *namespace, struct kube_slices **ret);

/* Takes NULL. The watches are follows like the others, and end with those. */
void kube_slices_free(struct kube_slices *slices);

/* A Service is there; of no effect if it was. Its slices are awaited from then on: the sink is
 * told, and told again when they are read. -ENOMEM */
int kube_slices_want(struct kube_slices *slices, const char *namespace, const char *service);

/* It is there no more. */
void kube_slices_drop(struct kube_slices *slices, const char *namespace, const char *service);

/* All Services that there are were told: what was wanted so far can be listed. */
void kube_slices_begin(struct kube_slices *slices);

/* Whether every list that is needed has come, also if some Service is unknown for another reason. */
bool kube_slices_are_listed(const struct kube_slices *slices);

#endif
