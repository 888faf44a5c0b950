/* SPDX-License-Identifier: Apache-2.0 */
/* Which parts of gw_slots are free. Pure arithmetic on numbers. */
#ifndef GWBPF_KERNEL_RANGES_H
#define GWBPF_KERNEL_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct range {
	uint32_t base;
	uint32_t length;
};

struct ranges {
	struct range *free; /* ordered by base, no two adjacent */
	size_t count;
	size_t capacity;
};

/* All of this is free. -ENOMEM */
int ranges_init(struct ranges *ranges, struct range all);
void ranges_done(struct ranges *ranges);

/* The first free range that is long enough. -ENOSPC, -ENOMEM */
int ranges_take(struct ranges *ranges, uint32_t length, uint32_t *ret);

/* How much is free in all. */
uint32_t ranges_left(const struct ranges *ranges);

/* Take exactly this one. -EBUSY: not all of it is free; -ENOMEM */
int ranges_reserve(struct ranges *ranges, const struct range *range);

/* -ENOMEM: then it stays taken */
int ranges_release(struct ranges *ranges, const struct range *range);

#endif
