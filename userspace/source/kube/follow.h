/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watches of the Kubernetes source, each an origin of the store. Two watches may see one object,
 * a slice that moves from one Service to another: it is gone only when the last of them says so.
 * Knows nothing of HTTP, and nothing of what the objects mean.
 */
#ifndef GWBPF_SOURCE_KUBE_FOLLOW_H
#define GWBPF_SOURCE_KUBE_FOLLOW_H

#include <stdbool.h>

#include "source/kube/watch.h"
#include "source/sink.h"

#define KUBE_ORIGIN_BYTES 640

struct kube_group;
struct kube_pods;
struct kube_slices;

/* One watch and what it stands for. */
struct kube_follow {
	struct kube_follow *next;
	struct kube_follows *all;
	struct kube_watch *watch;
	struct origin *origin;           /* names what the watch holds */
	enum store_kind kind;            /* of that */
	struct kube_selection selection; /* of the texts below */
	char *namespace;                 /* NULL: all */
	char *name;                      /* NULL: any */
	char *labels;
	char *fields;
	char *subject;
	char *problem;            /* the last message of failed(); NULL: none since recovered() */
	struct kube_group *group; /* of slices; slices.c */
	bool incomplete;          /* there was no memory for one of the texts */
	bool listed;
	bool nameless; /* something was refused since the last list that could not even be kept */
};

struct kube_follows {
	struct event_base *base;
	struct kube_http *http;
	struct kube_timing timing;
	const struct sink *sink;
	char *kubeconfig; /* NULL: the service account of this pod */
	bool kubeconfig_is_list;
	char *context;
	struct kube_follow *first;
	struct kube_slices *slices;
	struct kube_pods *pods;
	/* What belongs together was put: have it programmed, once everything was listed. */
	void (*commit)(struct kube_follows *all);
	bool synced;  /* all were listed once, and committed */
	bool changed; /* since the last commit */
	bool node_told;
	bool node_exists; /* as told, like zone */
	char *zone;
};

/* Set one up: NULL if out of memory; set its texts, where a lack of memory shows when it begins; */
struct kube_follow *kube_follow_new(struct kube_follows *all, const struct kube_resource *resource,
				    enum store_kind kind);
void kube_follow_set(struct kube_follow *follow, char **ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* then begin. It is one of all from then on; freed if that fails. ops: instead as of
 * kube_watch_setup. -ENOMEM */
int kube_follow_begin(struct kube_follow *follow, const struct kube_watch_ops *ops,
		      const char *instead);
/* Stop and free; what it names goes. Not from within an op of a watch, unless a list of another one
 * came to its end. */
void kube_follow_end(struct kube_follow *follow);
/* The same, but all that was put stays in force. */
void kube_follow_stop(struct kube_follow *follow);

/* What the ops have in common, with the struct kube_follow as their arg, and parts of others. */
#define KUBE_FOLLOW_OPS                                                                            \
	.configure = kube_follow_configure, .refuse = kube_follow_refuse_nameless,                 \
	.heard = kube_follow_heard, .granted = kube_follow_granted,                                \
	.recovered = kube_follow_recovered
int kube_follow_configure(char *message, struct kube_config *ret, void *arg);
void kube_follow_refuse_nameless(const char *message, void *arg);
void kube_follow_heard(void *arg);
void kube_follow_granted(void *arg);
void kube_follow_recovered(void *arg);
void kube_follow_failed(enum source_error error, const char *message, void *arg);
/* It does not have the object any more. Returns whether no other watch has it: then it is gone. */
bool kube_follow_drop(struct kube_follow *follow, const char *namespace, const char *name);
void kube_follow_settle(bool listed, struct kube_follow *follow);

/* Whose refusals these are: one object's, so that they end with it. */
struct kube_origin {
	struct store *store;
	char text[KUBE_ORIGIN_BYTES];
};

/* What was refused of the object before counts as mended; then refuse parts of it: arg is origin. */
void kube_follow_set_origin(struct kube_origin *origin, const struct kube_follow *follow,
			    const char *namespace, const char *name);
void kube_follow_refuse(const char *object, const char *message, void *arg);

/* The value of a label; "" if the object has none. */
const char *kube_follow_label(const json_t *object, const char *label);

int kube_follows_configure(const struct kube_follows *all, char *message, struct kube_config *ret);

#endif
