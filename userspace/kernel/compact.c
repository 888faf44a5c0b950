// SPDX-License-Identifier: Apache-2.0
/*
 * Room for a set is a range of gw_slots, and free ranges can be many and all too short. Sets are kept
 * in one half of the array; when that happens they are packed into the other half, which is empty.
 * gw_meta says which half it is from before the first of them moves: an agent that is killed
 * meanwhile is followed by one that goes on.
 */
#include "kernel/compact.h"

#include <errno.h>
#include <search.h>
#include <string.h>

/* A search that is just going on ends in the old half, which stays as it is. */
static int move_set(struct tables *tables, struct table_entry *entry)
{
	struct gw_slot *slots = tables->maps.slots;
	struct range to = {.length = entry->range.length};
	uint16_t generation = (uint16_t)(entry->generation + 1);
	int err;

	err = ranges_take(&tables->ranges, to.length, &to.base);
	if (err)
		return err;
	memcpy(&slots[to.base], &slots[entry->range.base], to.length * sizeof(*slots));
	/* The header has it at the same place as a member. */
	for (size_t i = 0; i <= entry->member_count; i++)
		slots[to.base + i].generation = generation;
	entry->generation = generation;
	entry->range = to;
	__atomic_store_n(&tables->maps.sets[entry->index],
			 GW_SET_WORD(to.base, generation, entry->member_count), __ATOMIC_RELEASE);
	return 0;
}

struct move {
	struct tables *tables;
	int err;
};

static void move_group(const void *node, VISIT which, void *closure)
{
	const struct group *group = *(struct group *const *)node;
	struct move *move = closure;

	if (which != postorder && which != leaf)
		return;
	for (size_t i = 0; i < group->count && !move->err; i++) {
		struct table_entry *entry = group->entries[i];

		if (entry->range.length && !tables_is_in_present_half(move->tables, entry->range))
			move->err = move_set(move->tables, entry);
	}
}

int tables_move_stragglers(struct tables *tables)
{
	struct move move = {.tables = tables};

	twalk_r(tables->groups, move_group, &move);
	return move.err;
}

/* The grace is for those that still search where sets were before the last time. */
int tables_compact(struct tables *tables)
{
	struct gw_meta *meta = tables->maps.meta;
	struct ranges ranges;
	struct range half;
	int err;

	err = tables_grace(tables);
	if (err)
		return err;
	half = tables_present_half(tables);
	half.base = half.base ? 0 : half.length;
	err = ranges_init(&ranges, half);
	if (err)
		return err;
	ranges_done(&tables->ranges);
	tables->ranges = ranges;
	__atomic_store_n(&meta->slots_half, !(meta->slots_half & 1), __ATOMIC_SEQ_CST);
	return tables_move_stragglers(tables);
}
