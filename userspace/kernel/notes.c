// SPDX-License-Identifier: Apache-2.0
#include "kernel/notes.h"

#include <string.h>

#include "base/clock.h"
#include "kernel/registry.h"

static void write_note(struct gw_note *to, const struct gw_note *from, uint32_t more)
{
	if (to->kind == from->kind && to->more == more && to->since_ns == from->since_ns &&
	    !strcmp(to->text, from->text))
		return;
	__atomic_store_n(&to->kind, GW_NOTE_NONE, __ATOMIC_RELEASE);
	to->more = more;
	to->since_ns = from->since_ns;
	memcpy(to->text, from->text, sizeof(to->text));
	__atomic_store_n(&to->kind, from->kind, __ATOMIC_RELEASE);
}

void notes_write(struct tables *tables, const struct gw_note *notes, size_t count, uint32_t more)
{
	struct gw_note *to = tables->maps.notes;

	for (size_t i = 0; i < count; i++)
		write_note(&to[i], &notes[i], i + 1 == count ? more : 0);
	for (size_t i = count; i < tables->maps.notes_count && to[i].kind != GW_NOTE_NONE; i++)
		__atomic_store_n(&to[i].kind, GW_NOTE_NONE, __ATOMIC_RELEASE);
}

bool notes_have(const struct tables *tables, enum gw_note_kind kind)
{
	const struct gw_note *notes = tables->maps.notes;

	for (size_t i = 0; i < tables->maps.notes_count && notes[i].kind != GW_NOTE_NONE; i++)
		if (notes[i].kind == kind)
			return true;
	return false;
}

void notes_date_refusals(struct tables *tables)
{
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < tables->maps.services_count; i++) {
		struct gw_retired *retired = &tables->maps.retired[i];
		uint64_t count;

		if (tables->maps.services[i].use != GW_USE_TAKEN)
			continue;
		count = __atomic_load_n(&retired->no_backends, __ATOMIC_RELAXED);
		if (count == retired->dated)
			continue;
		retired->dated = count;
		retired->refused_ns = now_ns;
	}
}
