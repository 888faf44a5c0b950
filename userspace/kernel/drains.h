/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of drains, whoever asked for them, as a difference between two looks at the maps. */
#ifndef GWBPF_KERNEL_DRAINS_H
#define GWBPF_KERNEL_DRAINS_H

#include <stdint.h>

struct drains;
struct tables;

/* What is so when this is called is no change. -ENOMEM. The tables must outlive it. */
int drains_new(struct tables *tables, struct drains **ret);
void drains_free(struct drains *drains); /* takes NULL */

enum drains_kind {
	DRAINS_BEGAN,
	DRAINS_ENDED,      /* no connection is left */
	DRAINS_TAKEN_BACK, /* it takes new connections again */
};

struct drains_change {
	enum drains_kind kind;
	uint32_t backend;
	uint32_t generation;
	uint32_t active;   /* connections that it has */
	const char *cause; /* of one that began: who asked for it, for people */
};

/* Visit what has changed since the last call. To be called about once a second. */
typedef void (*drains_visit)(const struct drains_change *change, void *arg);
void drains_look(struct drains *drains, drains_visit visit, void *arg);

#endif
