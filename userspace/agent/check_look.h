/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at a backend, in the child: connect, ask, and end politely, so that the peer logs no
 * error. What the peer may cost is bounded: time, bytes, and what is done with a piece of them.
 */
#ifndef GWBPF_AGENT_CHECK_LOOK_H
#define GWBPF_AGENT_CHECK_LOOK_H

#include "agent/check_message.h"

struct event_base;

/* ended: called once, perhaps before this returns; then nothing is left of it. fd: a socket of the
 * address's family that is to connect, non-blocking; it belongs to the look. -1: there is none. */
typedef void (*check_look_ended)(const struct check_answer *answer, void *arg);
void check_look_start(struct event_base *base, const struct check_order *order, int fd,
		      check_look_ended ended, void *arg);

/* End the look with this ticket, if there is one: nobody waits for its answer, and there is none. */
void check_look_cancel(uint64_t ticket);

#endif
