/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the connections of Services even, where gwbpf.io/rebalance asks for it, and empties backends
 * that leave. The work is done in a child (rebalance_round.h); here is what outlives a round: what
 * was moved, and what was learnt.
 */
#ifndef GWBPF_AGENT_REBALANCE_H
#define GWBPF_AGENT_REBALANCE_H

#include "agent/stats.h"
#include "kernel/tables.h"

struct event_base;
struct rebalance;

/* All must outlive it. stats: moves are counted there. -ENOMEM */
int rebalance_new(struct event_base *base, const char *pin_dir, struct tables *tables,
		  struct stats *stats, struct rebalance **ret);
void rebalance_free(struct rebalance *rebalance); /* takes NULL */

/* To be called once a second. Where no Service asks for it, it does nothing. */
void rebalance_tick(struct rebalance *rebalance);

#endif
