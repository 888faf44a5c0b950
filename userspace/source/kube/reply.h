/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the bytes of an API server say: a page of a list, one line of a watch, a Status. Pure; the
 * objects themselves stay JSON. A message (KUBE_MESSAGE_MAX bytes) says what is wrong with them.
 */
#ifndef GWBPF_SOURCE_KUBE_REPLY_H
#define GWBPF_SOURCE_KUBE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "source/kube/resource.h"

#define KUBE_STATUS_TEXT_MAX 400

/* Strings and arrays are root's; json_decref(root) frees it. */
struct kube_page {
	json_t *root;
	const json_t *items;  /* NULL: root itself is the only object */
	const char *position; /* resourceVersion */
	const char *next;     /* the continue token; "": it was the last page */
};

/* A list, or the object alone if the selection gets it. -EINVAL */
int kube_page_parse(const char *bytes, size_t size, const struct kube_selection *selection,
		    char *message, struct kube_page *ret);

enum kube_event_type {
	KUBE_EVENT_ADDED,
	KUBE_EVENT_MODIFIED,
	KUBE_EVENT_DELETED,
	KUBE_EVENT_BOOKMARK,
	KUBE_EVENT_ERROR, /* object is a Status */
};

struct kube_event {
	json_t *root; /* json_decref() frees it */
	enum kube_event_type type;
	const json_t *object;
	const char *position; /* resourceVersion; "" for an error */
};

/* -EINVAL */
int kube_event_parse(const char *line, size_t size, const struct kube_selection *selection,
		     char *message, struct kube_event *ret);

/* Who an object is; namespace "" if it has none. -EINVAL if it does not say, or says it in a way
 * that no API server does. Valid as long as the object. */
int kube_object_name(const json_t *object, const char **namespace, const char **name);

/* Whether an item of a list may be one of the resource: those of typed lists say nothing. */
bool kube_object_fits(const json_t *object, const struct kube_resource *resource);

struct kube_status {
	long code; /* 0: it does not say */
	char text[KUBE_STATUS_TEXT_MAX];
};

/* What a Status says; of anything else its beginning. */
void kube_status_read(const json_t *object, struct kube_status *ret);
void kube_status_parse(const char *bytes, size_t size, struct kube_status *ret);

#endif
