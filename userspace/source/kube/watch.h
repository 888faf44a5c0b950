/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One selection of objects, listed and then watched for ever. Whatever fails is tried again; only
 * the API server's own word removes an object: an event, or a list that lacks it. Knows nothing of
 * what the objects mean.
 */
#ifndef GWBPF_SOURCE_KUBE_WATCH_H
#define GWBPF_SOURCE_KUBE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "source/kube/resource.h"
#include "source/kube/watch_ops.h"

struct event_base;
struct kube_http;
struct kube_watch;

#define KUBE_PAGE_LIMIT 500

struct kube_timing {
	uint32_t backoff_ms; /* before the second attempt; doubles from then on */
	uint32_t backoff_max_ms;
	uint32_t unreachable_max_ms; /* the same, while no server answers at all */
	uint32_t retry_after_max_ms; /* what a server may ask for beyond that */
	uint32_t answer_ms;          /* for a page of a list, or until a watch is granted */
	uint32_t watch_s;            /* how long one watch lasts, and up to half as much again */
	uint32_t grace_ms;           /* beyond that, if the server forgets to end it */
	uint32_t silence_ms;         /* of all watches, until the server is asked; 0: for ever */
	uint32_t question_ms;        /* for the answer to that */
	uint32_t relist_ms;          /* between two lists of slices for new Services */
};
extern const struct kube_timing kube_timing_default;

struct kube_watch_setup {
	struct event_base *base;
	struct kube_http *http;
	struct kube_selection selection;
	const char *subject; /* for messages: "endpointslices of service 'fabric/peers'" */
	const char *instead; /* what to do if the right to it cannot be given, or "" */
	const struct kube_timing *timing;
	const struct kube_watch_ops *ops;
	void *arg;
};

/* Begins in the loop: no op is called from here. Everything in setup must outlive the watch; setup
 * itself may go. The ops must not stop it. -ENOMEM */
int kube_watch_start(const struct kube_watch_setup *setup, struct kube_watch **ret);
void kube_watch_stop(struct kube_watch *watch); /* takes NULL */

/* What an open watch is connected to does not answer: try again. */
void kube_watch_give_up(struct kube_watch *watch);

/* The server is back, or grants again what it refused: if that is what is waited for, try now. */
void kube_watch_hurry(struct kube_watch *watch);

/* Hold what another watch holds: what the list that is under way then lacks is gone. -ENOMEM */
int kube_watch_inherit(struct kube_watch *watch, const struct kube_watch *from);

/* Hold nothing any more: all that it holds is gone. */
void kube_watch_release(struct kube_watch *watch);

bool kube_watch_holds(const struct kube_watch *watch, const char *namespace, const char *name);

#endif
