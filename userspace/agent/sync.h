/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a source delivers to what the kernel holds: each Service that changed is chosen for,
 * planned and written. This is the sink of every source.
 */
#ifndef GWBPF_AGENT_SYNC_H
#define GWBPF_AGENT_SYNC_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/following.h"
#include "agent/pods.h"
#include "agent/stats.h"
#include "kernel/tables.h"
#include "model/choose.h"
#include "source/sink.h"

struct sync;

struct sync_options {
	const char *node;
	const char *zone;            /* NULL: what the source says */
	const char *const *services; /* "NAMESPACE/NAME": balanced without the label */
	size_t service_count;
	/* Called once, when everything that there is has been programmed. */
	void (*programmed)(void *arg);
	/* Call sync_go_on() in the next turn of the event loop. */
	void (*go_on)(void *arg);
	/* Call sync_look_at_pods() after PODS_LOOK_MS. */
	void (*look)(void *arg);
	void *arg;
};

/* tables and options must outlive it. -ENOMEM */
int sync_new(struct tables *tables, const struct sync_options *options, struct sync **ret);
void sync_free(struct sync *sync); /* takes NULL */

const struct sink *sync_sink(struct sync *sync);

/* Whether the source knows a Node of this name; true until it says otherwise. */
bool sync_has_node(const struct sync *sync);

struct stats *sync_stats(struct sync *sync);

/* What the source has told, and where we are, for whoever explains what is made of it. */
const struct model *sync_model(const struct sync *sync);
struct place sync_place(const struct sync *sync);

/* What of the source cannot be read now. */
const struct following *sync_following(const struct sync *sync);

/* What is not in force for want of room, or of an address, by Service. */
const struct refused *sync_unprogrammed(const struct sync *sync);

/* Look in which cgroups the pods are, and program what that changes. To be called now and then, as
 * cgroups may be made anew. */
void sync_look_at_pods(struct sync *sync);

/* The pods that a Service excepts and that are balanced all the same, for people; "": none. */
const char *sync_homeless(const struct sync *sync);

/* Program what the last turn of the loop has left: a turn takes a bounded time, whatever changed. */
void sync_go_on(struct sync *sync);

/* Try again what was refused for want of room or of an address, if something was set free, and what
 * failed; log what is good again, and once a minute how often that was told which is in the
 * log already. To be called once a second; takes a bounded time. */
void sync_retry(struct sync *sync);

#endif
