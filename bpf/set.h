/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which set of backends a Service has now: one word says it, one generation proves it. */
#ifndef GWBPF_SET_H
#define GWBPF_SET_H

#include <linux/errno.h>

#include "maps.h"

/* One range, as the set's word gave it. */
struct pick_set {
	__u64 word;
	__u32 first; /* index of the first member */
	__u32 count;
	__u32 policy;
	__u32 keep_percent;
	__u32 table_length;
	__u32 most_weight;
	__u16 generation;
};

/* Read which set is in force. -ENOENT: it is empty; -EAGAIN: it was overtaken. */
static __always_inline int read_set(__u32 service, struct pick_set *set)
{
	const volatile __u64 *word = bpf_map_lookup_elem(&gw_sets, &service);
	const struct gw_set_header *header;
	__u64 value;
	__u32 base;

	if (!word)
		return -ENOENT;
	value = *word; /* once: base, generation and count belong together */
	base = GW_SET_BASE(value);
	set->word = value;
	set->first = base + 1;
	set->count = GW_SET_COUNT(value);
	set->generation = GW_SET_GENERATION(value);
	header = bpf_map_lookup_elem(&gw_slots, &base);
	if (!set->count || !header)
		return -ENOENT;
	set->policy = header->policy;
	set->keep_percent = header->keep_percent;
	set->table_length = header->table_length;
	set->most_weight = header->most_weight;
	return header->generation == set->generation ? 0 : -EAGAIN;
}

#endif
