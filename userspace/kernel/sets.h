/* SPDX-License-Identifier: Apache-2.0 */
/* Replacing the set of a Service. */
#ifndef GWBPF_KERNEL_SETS_H
#define GWBPF_KERNEL_SETS_H

#include <stdint.h>

#include "kernel/registry.h"

/* Replace the set of an entry, and say in lack what there is no room for: from
 * LACK_BACKENDS on nothing was replaced. -ENOMEM, and what the grace says. */
int tables_write_set(struct tables *tables, struct table_entry *entry, const struct choice *want,
		     enum lack *lack);
/* The same members anew, after what a command asks of them has changed (steering.c). */
int tables_write_set_again(struct tables *tables, struct table_entry *entry, enum lack *lack);

/* How many backends the last LACK_BACKENDS was about. */
uint32_t tables_count_new_backends(const struct table_entry *entry, const struct choice *want);

#endif
