/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch tells to whom it is for, and the limits of what it takes in. */
#ifndef GWBPF_SOURCE_KUBE_WATCH_OPS_H
#define GWBPF_SOURCE_KUBE_WATCH_OPS_H

#include <stdbool.h>

#include <jansson.h>

#include "source/kube/config.h"
#include "source/sink.h"

#define KUBE_BODY_BYTES_MAX (8u << 20) /* of a page, or of a line of a watch */
#define KUBE_OBJECTS_MAX 65536

struct kube_watch_ops {
	/* Load the configuration for one request; as of config.h. */
	int (*configure)(char *message, struct kube_config *ret, void *arg);
	/* An object was listed, added or changed. 1: this watch holds it from now on; 0: it is
	 * another's, and does not count; -errno: everything is listed again. */
	int (*put)(const json_t *object, const char *namespace, const char *name, void *arg);
	/* One that it holds is gone. */
	void (*remove)(const char *namespace, const char *name, void *arg);
	/* An object that cannot even be named. Mended at the next settle() of a list. */
	void (*refuse)(const char *message, void *arg);
	/* A list is whole (listed), or all events that came together are delivered. */
	void (*settle)(bool listed, void *arg);
	void (*heard)(void *arg);
	void (*failed)(enum source_error error, const char *message, void *arg);
	/* The server grants a list again: it is there, and what it refused it may no longer. Once
	 * between failed() and recovered(). */
	void (*granted)(void *arg);
	void (*recovered)(void *arg);
};

#endif
