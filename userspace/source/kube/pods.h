/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of this node, as clients: listed and watched as long as some Service asks which of them
 * it is to leave alone (gwbpf.io/clients-except), and not otherwise.
 */
#ifndef GWBPF_SOURCE_KUBE_PODS_H
#define GWBPF_SOURCE_KUBE_PODS_H

#include <stdbool.h>

struct kube_follows;
struct kube_pods;

/* namespace: the only one that may be read; NULL: all. all must outlive it. -ENOMEM */
int kube_pods_new(struct kube_follows *all, const char *node, const char *namespace,
		  struct kube_pods **ret);
void kube_pods_free(struct kube_pods *pods); /* takes NULL */

/* Whether this Service asks, which may change. -ENOMEM */
int kube_pods_want(struct kube_pods *pods, const char *namespace, const char *service, bool wants);

/* Whether nothing of them is still to be read: they were listed, or may not be, or nobody asks. */
bool kube_pods_are_listed(const struct kube_pods *pods);

#endif
