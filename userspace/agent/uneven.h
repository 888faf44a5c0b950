/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services whose connections stay uneven although gwbpf.io/rebalance is on, and since when. Pure:
 * whoever calls it has the clock.
 */
#ifndef GWBPF_AGENT_UNEVEN_H
#define GWBPF_AGENT_UNEVEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define UNEVEN_TELL_MS 60000 /* a Service that is uneven for less is being made even */

struct uneven {
	uint32_t service;   /* index */
	struct gw_addr vip; /* of whom, as an index is given out again */
	__be16 port;
	uint64_t since_ms;
};

/* All zero: none. */
struct uneven_list {
	struct uneven *all;
	size_t count;
};

void uneven_done(struct uneven_list *list);

/* These are uneven now, and no others; their since_ms is not looked at. What was uneven before keeps
 * its time. -ENOMEM: the list is as it was. */
int uneven_replace(struct uneven_list *list, const struct uneven *now, size_t count,
		   uint64_t now_ms);

/* Those that are to be told of. */
void uneven_visit(const struct uneven_list *list, uint64_t now_ms,
		  void (*visit)(const struct uneven *uneven, void *arg), void *arg);

#endif
