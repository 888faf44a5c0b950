// SPDX-License-Identifier: Apache-2.0
#include "kernel/view_parts.h"

#include <stdbool.h>
#include <string.h>

#include "kernel/maps.h"

#define READS_MAX 8 /* of a set that is replaced meanwhile */

double view_age_seconds(uint64_t now_ns, uint64_t then_ns)
{
	if (!then_ns)
		return -1;
	return then_ns < now_ns ? (double)(now_ns - then_ns) / 1e9 : 0;
}

void view_read_meta(const struct maps *maps, uint64_t now_ns, struct gw_meta *copy,
		    struct view_meta *ret)
{
	*copy = *maps->meta;
	*ret = (struct view_meta){
		.abi = copy->abi,
		.max_services = copy->max_services,
		.max_backends = copy->max_backends,
		.agent_pid = copy->agent_pid,
		.heartbeat_age_seconds = view_age_seconds(now_ns, copy->alive_ns),
		.followed_age_seconds = view_age_seconds(now_ns, copy->heartbeat_ns),
		.change_age_seconds = view_age_seconds(now_ns, copy->change_ns),
		.source = copy->source,
		.source_synced = copy->source_synced,
		.walk_is_partial = copy->walk_is_partial,
		.suspended = copy->suspended,
		.stepped_aside = copy->stale_after_ns && copy->heartbeat_ns < now_ns &&
				 now_ns - copy->heartbeat_ns > copy->stale_after_ns,
		.covers_pods = copy->covers_pods,
		.awaits_canary = copy->awaits_canary,
		.node = copy->node,
		.zone = copy->zone,
		.version = copy->version,
	};
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		ret->live_age_seconds[i] = view_age_seconds(now_ns, copy->live_ns[i]);
}

size_t view_read_notes(const struct maps *maps, uint64_t now_ns, struct gw_note copy[GW_NOTES_MAX],
		       struct view_note ret[GW_NOTES_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < maps->notes_count && i < GW_NOTES_MAX; i++) {
		struct gw_note *note = &copy[count];

		if (__atomic_load_n(&maps->notes[i].kind, __ATOMIC_ACQUIRE) == GW_NOTE_NONE)
			break;
		*note = maps->notes[i];
		note->text[sizeof(note->text) - 1] = '\0';
		ret[count++] = (struct view_note){
			.kind = note->kind,
			.age_seconds = view_age_seconds(now_ns, note->since_ns),
			.more = note->more,
			.text = note->text,
		};
	}
	return count;
}

/* false: it was replaced meanwhile, and something else may stand where it was. */
static bool copy_set(const struct maps *maps, uint64_t word, struct gw_set_header *header,
		     struct gw_slot *members)
{
	const struct gw_slot *slots = &maps->slots[GW_SET_BASE(word)];
	size_t count = members ? GW_SET_COUNT(word) : 0;

	memcpy(header, slots, sizeof(*header));
	if (header->generation != GW_SET_GENERATION(word) || header->policy >= GW_POLICY_MAX_)
		return false;
	for (size_t i = 0; i < count; i++) {
		members[i] = slots[i + 1];
		if (members[i].generation != GW_SET_GENERATION(word))
			return false;
	}
	return true;
}

size_t view_read_set(const struct maps *maps, uint32_t service, struct gw_set_header *header,
		     struct gw_slot members[GW_SET_MAX])
{
	struct gw_set_header copy;

	for (int i = 0; i < READS_MAX; i++) {
		uint64_t word = __atomic_load_n(&maps->sets[service], __ATOMIC_ACQUIRE);
		size_t count = GW_SET_COUNT(word);

		if (!count || count > GW_SET_MAX || GW_SET_BASE(word) + count >= maps->slots_count)
			return 0;
		if (!copy_set(maps, word, &copy, members))
			continue;
		*header = copy;
		return count;
	}
	return 0;
}

struct gw_counters view_gone(const struct maps *maps, const struct gw_meta *start, uint32_t service)
{
	return start->journal.valid && start->journal.service == service
		       ? start->journal.sum
		       : maps->retired[service].gone;
}

bool view_has_ended(const struct gw_meta *start, uint32_t backend)
{
	return start->journal.valid && start->journal.backend == backend;
}

bool view_is_of_one_moment(const struct maps *maps, const struct gw_meta *start)
{
	return !start->journal.valid &&
	       !__atomic_load_n(&maps->meta->journal.valid, __ATOMIC_ACQUIRE) &&
	       start->next_generation == maps->meta->next_generation;
}
