// SPDX-License-Identifier: Apache-2.0
#include "kernel/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct ranges *ranges)
{
	size_t capacity = ranges->capacity ? 2 * ranges->capacity : 16;
	struct range *free_ranges;

	if (ranges->count < ranges->capacity)
		return 0;
	free_ranges = reallocarray(ranges->free, capacity, sizeof(*free_ranges));
	if (!free_ranges)
		return -ENOMEM;
	ranges->free = free_ranges;
	ranges->capacity = capacity;
	return 0;
}

static void remove_at(struct ranges *ranges, size_t i)
{
	ranges->count--;
	memmove(&ranges->free[i], &ranges->free[i + 1],
		(ranges->count - i) * sizeof(*ranges->free));
}

/* The caller has made room. */
static void insert_at(struct ranges *ranges, size_t i, struct range range)
{
	memmove(&ranges->free[i + 1], &ranges->free[i],
		(ranges->count - i) * sizeof(*ranges->free));
	ranges->free[i] = range;
	ranges->count++;
}

/* How many free ranges begin at or before base. */
static size_t count_upto(const struct ranges *ranges, uint32_t base)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ranges->free[middle].base <= base)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int ranges_init(struct ranges *ranges, struct range all)
{
	*ranges = (struct ranges){0};
	if (make_room(ranges))
		return -ENOMEM;
	insert_at(ranges, 0, all);
	return 0;
}

void ranges_done(struct ranges *ranges)
{
	free(ranges->free);
	*ranges = (struct ranges){0};
}

int ranges_take(struct ranges *ranges, uint32_t length, uint32_t *ret)
{
	for (size_t i = 0; i < ranges->count; i++) {
		struct range *range = &ranges->free[i];

		if (range->length < length)
			continue;
		*ret = range->base;
		range->base += length;
		range->length -= length;
		if (!range->length)
			remove_at(ranges, i);
		return 0;
	}
	return -ENOSPC;
}

uint32_t ranges_left(const struct ranges *ranges)
{
	uint32_t left = 0;

	for (size_t i = 0; i < ranges->count; i++)
		left += ranges->free[i].length;
	return left;
}

int ranges_reserve(struct ranges *ranges, const struct range *range)
{
	size_t i = count_upto(ranges, range->base);
	struct range before, after;

	if (!i)
		return -EBUSY;
	i--;
	before = ranges->free[i];
	if (range->base + range->length > before.base + before.length)
		return -EBUSY;
	if (make_room(ranges))
		return -ENOMEM;
	after.base = range->base + range->length;
	after.length = before.base + before.length - after.base;
	before.length = range->base - before.base;
	remove_at(ranges, i);
	if (after.length)
		insert_at(ranges, i, after);
	if (before.length)
		insert_at(ranges, i, before);
	return 0;
}

int ranges_release(struct ranges *ranges, const struct range *range)
{
	size_t i = count_upto(ranges, range->base);
	struct range *before, *after;

	if (make_room(ranges))
		return -ENOMEM;
	insert_at(ranges, i, *range);
	before = i ? &ranges->free[i - 1] : NULL;
	after = i + 1 < ranges->count ? &ranges->free[i + 1] : NULL;
	if (after && range->base + range->length == after->base) {
		ranges->free[i].length += after->length;
		remove_at(ranges, i + 1);
	}
	if (before && before->base + before->length == range->base) {
		before->length += ranges->free[i].length;
		remove_at(ranges, i);
	}
	return 0;
}
