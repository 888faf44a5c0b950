/* SPDX-License-Identifier: Apache-2.0 */
/* Packing the sets, so that free ranges become one. */
#ifndef GWBPF_KERNEL_COMPACT_H
#define GWBPF_KERNEL_COMPACT_H

#include "kernel/registry.h"

/* Pack all sets into the other half. -ENOMEM, and what the grace says. */
int tables_compact(struct tables *tables);
/* Move the sets that stand in the other half: an earlier agent was killed while it did the same. */
int tables_move_stragglers(struct tables *tables);

#endif
