/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the child that looks at backends: starts it, speaks with it, starts another when it ends. */
#ifndef GWBPF_AGENT_CHECKER_H
#define GWBPF_AGENT_CHECKER_H

#include <stdbool.h>

#include "agent/check_message.h"

struct checker;
struct event_base;
struct tables;

struct checker_calls {
	void (*answered)(const struct check_answer *answer, void *arg);
	void (*lost)(void *arg); /* the child has ended: what it was to answer will not come */
	void *arg;
};

/* Starts nothing yet. base and tables must outlive it. -ENOMEM */
int checker_new(struct event_base *base, struct tables *tables, const struct checker_calls *calls,
		struct checker **ret);
void checker_free(struct checker *checker); /* takes NULL; the child is killed */

/* Give an order, and start the child if there is none. -EAGAIN: not now: the child has work enough,
 * or has ended and is not started again yet; or what fork(2), socketpair(2) and socket(2) say. */
int checker_ask(struct checker *checker, const struct check_order *order);

/* The child does not answer any more: another one takes its place. */
void checker_restart(struct checker *checker, const char *why);

/* Nothing is to be looked at: end the child, if there is one. */
void checker_rest(struct checker *checker);

#endif
