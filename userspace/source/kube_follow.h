/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watches of the Kubernetes source and what comes of their objects: from JSON to the sink. Two
 * watches may see one object, a slice that moves from one Service to another: it is gone only when
 * the last of them says so. Knows nothing of HTTP.
 */
#ifndef GWBPF_SOURCE_KUBE_FOLLOW_H
#define GWBPF_SOURCE_KUBE_FOLLOW_H

#include <stdbool.h>

#include "source/kube_watch.h"
#include "source/sink.h"

/* One watch and what it stands for. */
struct kube_follow {
	struct kube_follow *next;
	struct kube_follows *all;
	struct kube_watch *watch;
	struct kube_selection selection; /* of the texts below */
	char *namespace;                 /* NULL: all */
	char *service;                   /* the one it is for; NULL: those with the label */
	char *name;
	char *labels;
	char *subject;
	char *problem; /* the last message of failed(); NULL: none since recovered() */
	bool incomplete; /* there was no memory for one of the texts */
	bool listed;
	bool nameless; /* something without a name was refused since the last list */
};

struct kube_follows {
	const struct sink *sink;
	char *kubeconfig; /* NULL: the service account of this pod */
	char *context;
	struct kube_follow *first;
	bool synced;  /* all were listed once, and committed */
	bool changed; /* since the last commit */
	bool node_told;
	bool node_exists; /* as told, like zone */
	char *zone;
};

/* arg is the struct kube_follow */
extern const struct kube_watch_ops kube_follow_service_ops;
extern const struct kube_watch_ops kube_follow_slice_ops;
extern const struct kube_watch_ops kube_follow_node_ops;

int kube_follows_configure(const struct kube_follows *all, char *message, struct kube_config *ret);
void kube_follow_free(struct kube_follow *follow); /* stops its watch; half-built ones too */

#endif
