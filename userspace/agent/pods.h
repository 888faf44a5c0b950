/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pods of this node, as a source tells them, and which cgroup each has: the hook knows a client
 * by that. The kubelet makes it a moment after the API server says that the pod is here.
 */
#ifndef GWBPF_AGENT_PODS_H
#define GWBPF_AGENT_PODS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

#define PODS_TEXT_MAX 256
#define PODS_LOOK_MS 100 /* from one look to the next, while a new pod has none */

struct pods {
	struct model *model;
	const char *node;
	uint64_t often_until_ns;      /* a new pod's comes soon */
	char homeless[PODS_TEXT_MAX]; /* of whom none is found, for people; "": nobody */
};

/* Whether a pod is one of this node, as far as is known: the others are none of ours. */
bool pods_are_here(const struct pods *pods, const struct pod *pod);

/* The model has a pod that is new, or another one under a name: its cgroup comes soon. */
void pods_note_new(struct pods *pods);

/* Look for those of all. Returns whether the model has changed. */
bool pods_look(struct pods *pods);

/* Whether to look again after PODS_LOOK_MS: a new pod has none yet. */
bool pods_are_moving_in(const struct pods *pods);

#endif
