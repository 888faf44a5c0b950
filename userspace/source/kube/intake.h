/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiving half of a watch: bytes of pages, lines and refusals into calls of its ops, with
 * limits. Keeps what the API server is known to have, and where to go on. Knows nothing of HTTP and
 * of when to try again.
 */
#ifndef GWBPF_SOURCE_KUBE_INTAKE_H
#define GWBPF_SOURCE_KUBE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/kube/failure.h"
#include "source/kube/resource.h"
#include "source/kube/watch_ops.h"

struct evbuffer;
struct kube_held;

struct kube_intake {
	const struct kube_selection *selection;
	const struct kube_watch_ops *ops;
	void *arg;
	struct evbuffer *input;
	struct kube_held *held;
	char *position;  /* to watch from; NULL: list first */
	char *next;      /* continue token of the list under way; NULL: none is */
	uint32_t pages;  /* of that list */
	bool progressed; /* an event moved the position since kube_intake_begin() */
	struct kube_failure failure;
};

/* selection, ops and arg must stay. kube_intake_done() also after failure. -ENOMEM */
int kube_intake_init(struct kube_intake *intake, const struct kube_selection *selection,
		     const struct kube_watch_ops *ops, void *arg);
void kube_intake_done(struct kube_intake *intake);

/* A request begins: nothing has come of it, nothing has failed. -ENOMEM */
int kube_intake_begin(struct kube_intake *intake);

/* Bytes of a page; of a watch, whose whole lines are delivered; of a refusal. On failure -1, and
 * intake->failure says why. */
int kube_intake_add(struct kube_intake *intake, const char *bytes, size_t size);
int kube_intake_add_lines(struct kube_intake *intake, const char *bytes, size_t size);
int kube_intake_add_refusal(struct kube_intake *intake, const char *bytes, size_t size);

/* The page is whole: deliver it. -1 likewise. */
int kube_intake_end_page(struct kube_intake *intake);

/* A page is whole that was asked for to see whether the server's history still is the one that the
 * position belongs to. -1: it is not, or likewise. */
int kube_intake_end_probe(struct kube_intake *intake);

/* The refusal is whole. Returns -1, and intake->failure says what it means for the verb. absent:
 * what was asked for is not there, which makes a list of nothing. */
int kube_intake_end_refusal(struct kube_intake *intake, long code, const char *verb,
			    const char *instead, bool absent);

/* The list under way, if any, begins anew; restart: so does everything. */
void kube_intake_interrupt(struct kube_intake *intake, bool restart);

#endif
