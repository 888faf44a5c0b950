// SPDX-License-Identifier: Apache-2.0
#include "agent/telling.h"

#include <stdarg.h>
#include <stdio.h>

#include "kernel/notes.h"

struct notes {
	const struct tables *tables;
	struct gw_note items[GW_NOTES_MAX];
	size_t count;
	uint32_t more;
};

static void add(struct notes *notes, enum gw_note_kind kind, uint64_t since_ns, const char *format,
		...) __attribute__((format(printf, 4, 5)));

static void add(struct notes *notes, enum gw_note_kind kind, uint64_t since_ns, const char *format,
		...)
{
	struct gw_note *note;
	va_list arguments;

	if (notes->count == GW_NOTES_MAX) {
		notes->more++;
		return;
	}
	note = &notes->items[notes->count++];
	note->kind = kind;
	note->since_ns = since_ns;
	va_start(arguments, format);
	vsnprintf(note->text, sizeof(note->text), format, arguments);
	va_end(arguments);
}

static void add_lag(const struct following_lag *lag, void *arg)
{
	static const enum gw_note_kind kinds[] = {
		[FOLLOWING_ALL] = GW_NOTE_WARNING,
		[FOLLOWING_UNREACHABLE] = GW_NOTE_UNREACHABLE,
		[FOLLOWING_FORBIDDEN] = GW_NOTE_FORBIDDEN,
	};

	add(arg, kinds[lag->state], lag->since_ns, "%s", lag->message);
}

static void add_refused(const char *origin, const char *text, void *arg)
{
	add(arg, GW_NOTE_WARNING, 0, "refused from '%s': %s", origin, text);
}

static void add_unprogrammed(const char *service, const char *text, void *arg)
{
	add(arg, GW_NOTE_WARNING, 0, "service '%s': %s", service, text);
}

static void add_taken(const char *service, const char *text, void *arg)
{
	(void)service;
	add(arg, GW_NOTE_PROBLEM, 0, "%s", text);
}

static void add_uneven(const struct uneven *uneven, void *arg)
{
	struct notes *notes = arg;
	char service[TABLES_SERVICE_TEXT_MAX];

	tables_service_text(notes->tables, uneven->service, service);
	add(notes, GW_NOTE_WARNING, uneven->since_ms * 1000000,
	    "the connections of service '%s' stay uneven, though gwbpf.io/rebalance is on: "
	    "'gwbpf explain %s' says what is moved, and when",
	    service, service);
}

void telling_write(struct tables *tables, const struct telling *telling)
{
	struct notes notes = {.tables = tables};

	following_visit_all(telling->following, add_lag, &notes);
	if (telling->missing_node)
		add(&notes, GW_NOTE_PROBLEM, 0,
		    "no Node is named '%s', so that zones are not known and Services of local "
		    "endpoints are left to kube-proxy: restart the agent with the right --node-name",
		    telling->missing_node);
	if (*telling->cannot_move)
		add(&notes, GW_NOTE_WARNING, 0,
		    "connections are not moved as gwbpf.io/rebalance or a drain asks: %s",
		    telling->cannot_move);
	if (telling->rebalance)
		rebalance_visit_uneven(telling->rebalance, add_uneven, &notes);
	if (*telling->homeless)
		add(&notes, GW_NOTE_WARNING, 0, "%s", telling->homeless);
	hooks_visit_taken(telling->hooks, add_taken, &notes);
	if (*telling->cgroup)
		add(&notes, GW_NOTE_WARNING, 0, "%s", telling->cgroup);
	refused_visit_all(telling->unprogrammed, add_unprogrammed, &notes);
	store_visit_refusals(telling->store, add_refused, &notes);
	notes_write(tables, notes.items, notes.count, notes.more);
}
