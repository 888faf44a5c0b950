/* SPDX-License-Identifier: Apache-2.0 */
/* What collecting and recounting have in common: the walk, and the end of a backend. */
#ifndef GWBPF_KERNEL_COLLECT_H
#define GWBPF_KERNEL_COLLECT_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/registry.h"

/* The sockets that have a record; free(3) the array. What conns_walk_start() and
 * conns_walk_finish() say. */
int tables_walk_start(struct tables *tables);
int tables_walk_finish(struct tables *tables, bool wait, struct gw_walk_conn **ret, size_t *count);

/* Complete what the journal says was begun. */
void tables_replay(struct tables *tables);

#endif
