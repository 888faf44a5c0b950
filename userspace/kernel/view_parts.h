/* SPDX-License-Identifier: Apache-2.0 */
/* What a view is put together from, out of maps that an agent changes meanwhile. */
#ifndef GWBPF_KERNEL_VIEW_PARTS_H
#define GWBPF_KERNEL_VIEW_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/view.h"

struct maps;

/* What is known of the agent and of the whole; the texts of ret are those of copy. */
void view_read_meta(const struct maps *maps, uint64_t now_ns, struct gw_meta *copy,
		    struct view_meta *ret);

/* What the agent tells; copy holds the texts. Returns how many there are. */
size_t view_read_notes(const struct maps *maps, uint64_t now_ns, struct gw_note copy[GW_NOTES_MAX],
		       struct view_note ret[GW_NOTES_MAX]);

/* Since then_ns; below 0 if that is 0: never. */
double view_age_seconds(uint64_t now_ns, uint64_t then_ns);

/*
 * The set of a service, one of those that were in force one after the other. Returns how many
 * members it has; 0 also if it was replaced again and again, and then header is not written.
 * members: NULL, if only the header is wanted.
 */
size_t view_read_set(const struct maps *maps, uint32_t service, struct gw_set_header *header,
		     struct gw_slot members[GW_SET_MAX]);

/*
 * A backend comes to its end in several steps, which a journal makes one (collect.c). start: the meta
 * that was read before all else.
 */

/* What the former backends of a service have counted. */
struct gw_counters view_gone(const struct maps *maps, const struct gw_meta *start,
			     uint32_t service);

/* Whether the counts of this id are among those already. */
bool view_has_ended(const struct gw_meta *start, uint32_t backend);

/* No backend began or ended since. If one did, its counts may be missing, or be there twice: a total
 * that falls is a restart to whoever keeps it. */
bool view_is_of_one_moment(const struct maps *maps, const struct gw_meta *start);

#endif
