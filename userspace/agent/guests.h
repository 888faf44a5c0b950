/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections a server of libevent's keeps at once. One more takes the place of that which
 * has said nothing for longest: whoever opens many and asks nothing must neither use up the agent's
 * descriptors nor keep others out.
 */
#ifndef GWBPF_AGENT_GUESTS_H
#define GWBPF_AGENT_GUESTS_H

#include <stddef.h>

struct event_base;
struct evhttp;
struct evhttp_bound_socket;
struct guests;

/* Bound those of http that come in at door. -ENOMEM. */
int guests_new(struct event_base *base, struct evhttp *http, struct evhttp_bound_socket *door,
	       size_t limit, struct guests **ret);
void guests_free(struct guests *guests); /* takes NULL; while http is there still */

#endif
