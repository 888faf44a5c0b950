/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent has to tell beside the tables, put where the commands that read find it. */
#ifndef GWBPF_AGENT_TELLING_H
#define GWBPF_AGENT_TELLING_H

#include "agent/following.h"
#include "agent/hooks.h"
#include "agent/rebalance.h"
#include "kernel/tables.h"
#include "model/refused.h"
#include "model/store.h"

struct telling {
	const struct following *following;
	const struct store *store;          /* what is refused, by the source */
	const struct refused *unprogrammed; /* for want of room, or of an address */
	const char *cannot_move;            /* why, though a Service asks for it; "": it can */
	const struct rebalance *rebalance;  /* NULL: it has not begun */
	const char *homeless;               /* pods that are to be excepted and are not; "": none */
	const char *missing_node;           /* no Node has this name; NULL: there is one */
	const struct hooks *hooks;
	const char *cgroup; /* why the hooks are not at the root; "": they are */
};

/* What is worst comes first: there is room for GW_NOTES_MAX. */
void telling_write(struct tables *tables, const struct telling *telling);

#endif
