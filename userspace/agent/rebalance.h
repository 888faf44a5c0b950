/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the connections of Services even, where gwbpf.io/rebalance asks for it, and empties backends
 * that leave. The work is done in a child (rebalance_round.h); here is what outlives a round: what
 * was moved, and what was learnt.
 */
#ifndef GWBPF_AGENT_REBALANCE_H
#define GWBPF_AGENT_REBALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/stats.h"
#include "agent/uneven.h"
#include "kernel/tables.h"

struct event_base;
struct rebalance;

/* All must outlive it. stats: moves are counted there. -ENOMEM */
int rebalance_new(struct event_base *base, const char *pin_dir, struct tables *tables,
		  struct stats *stats, struct rebalance **ret);
void rebalance_free(struct rebalance *rebalance); /* takes NULL */

/* What came of a round that was asked for: the moves that were made, or would be. err: 0; -EBUSY: too
 * many are asked for already; -ECANCELED: the agent ends; or why it could not be made. */
struct moved;
typedef void (*rebalance_done)(int err, const struct moved *moved, size_t count, void *arg);

/*
 * One round for one Service, by its index, as soon as the one that runs has ended; is_dry: moves
 * nothing. done is called once, perhaps before this returns.
 */
struct rebalance_asked {
	uint32_t service;
	bool is_dry;
	rebalance_done done;
	void *arg;
};

void rebalance_ask(struct rebalance *rebalance, const struct rebalance_asked *asked);

/* What this process lacks to move connections; "": nothing, or no Service asks for it. */
const char *rebalance_lack(const struct rebalance *rebalance);

/* The Services with gwbpf.io/rebalance that have been uneven for so long that it is told. */
void rebalance_visit_uneven(const struct rebalance *rebalance,
			    void (*visit)(const struct uneven *uneven, void *arg), void *arg);

/* To be called once a second. Where no Service asks for it, it does nothing. */
void rebalance_tick(struct rebalance *rebalance);

#endif
