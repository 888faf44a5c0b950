/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tables hold, and what all that change them need: groups and entries, ids, ranges of slots,
 * and the grace. Below tables, apply, sets, adopt, checks, collect, compact, notes, recount and trouble;
 * nobody else includes it.
 */
#ifndef GWBPF_KERNEL_REGISTRY_H
#define GWBPF_KERNEL_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/batch.h"
#include "kernel/conns.h"
#include "kernel/maps.h"
#include "kernel/ranges.h"
#include "kernel/shares.h"
#include "kernel/tables.h"

/* A backend id of an entry: in its set, or leaving. */
struct backend_ref {
	struct gw_addr address;
	uint16_t port;
	bool is_member;
	uint32_t id;
	uint32_t names;
	uint64_t left_ns; /* when it was last in the set, or had a connection */
};

/* What an entry wants and has no room for. */
enum lack {
	LACK_NOTHING,
	LACK_TABLE,    /* the policy's: balanced without */
	LACK_BACKENDS, /* from here on: left to kube-proxy */
	LACK_SET,
};

struct table_entry {
	struct share *share; /* of its namespace */
	uint32_t index;
	uint16_t generation; /* of the set */
	uint16_t port;
	bool published;
	bool withdrawn;
	uint64_t unpublished_ns; /* when connects could find it last */
	struct gw_addr vip;
	char *port_name;
	char *message; /* why its settings are refused */
	char *shown;   /* what gw_service_names says: that, or what it lacks */
	enum lack lack;
	struct settings
		settings; /* as wanted: without room for a table the set has another policy */
	uint32_t affinity_timeout_s;
	struct range range;           /* length 0: an empty set */
	uint32_t table_slots;         /* of the range: the policy's table */
	struct backend_ref *backends; /* ordered by address and port */
	size_t backend_count;
	struct present_member *members;
	size_t member_count;
	uint64_t *excepted; /* cgroups that gw_excepted has for it, in order */
	size_t excepted_count;
};

/* All entries of one Service. */
struct group {
	char *namespace;
	char *name;
	struct share *share; /* of the namespace */
	struct table_entry **entries;
	size_t count;
};

struct ids {
	uint32_t *free; /* a stack, the lowest on top */
	size_t count;
};

struct tables {
	char *pin_dir;
	struct maps maps;
	struct conns *conns; /* NULL until a walk is wanted */
	struct audit *audit; /* that goes on; NULL: none */
	uint64_t walk_ns;    /* when the walk for tables_collect() began that goes on; 0: none */
	uint32_t *missing;   /* by backend id: what the last recount did not find; NULL: none yet */
	void *groups;        /* tsearch(3) of struct group, by namespace and name */
	struct present *presents;
	uint32_t *filtered; /* by bit of gw_filter: how many published addresses have it */
	struct ids service_ids;
	struct ids backend_ids;
	struct shares shares;
	uint64_t releases;    /* how often something was set free that others may wait for */
	bool is_short;        /* backends were refused: those that linger without need make room */
	struct ranges ranges; /* of the present half of gw_slots */
	struct range *retiring; /* free after the next grace */
	size_t retiring_count;
	size_t retiring_capacity;
	size_t timed;     /* backends with a deadline of `gwbpf drain` */
	size_t leaving;   /* entries or backends that wait for tables_collect() */
	bool vip_deleted; /* and no grace since: a hash element must not be used again */
	struct batch backend_names;
	struct batch cursors;
	uint32_t scatter; /* where the last cursor began */
	int grace_fd;
	int grace_inner_fd;
};

int group_compare(const void *a, const void *b);
struct group *group_find(struct tables *tables, const char *namespace, const char *name);
int group_make(struct tables *tables, const char *namespace, const char *name, struct group **ret);
int group_add(struct group *group, struct table_entry *entry); /* -ENOMEM */
void group_remove(struct tables *tables, struct group *group, struct table_entry *entry);
void group_drop_if_empty(struct tables *tables, struct group *group);
void group_free(void *group); /* with its entries, for tdestroy(3) */
void entry_free(struct table_entry *entry);

int ids_take(struct ids *ids, uint32_t *ret); /* -ENOSPC */
void ids_give(struct ids *ids, uint32_t id);

/* By address and port, for qsort() of struct backend_ref. */
int backend_compare_refs(const void *a, const void *b);

struct gw_vip_key vip_key(const struct table_entry *entry);

/* Whether it is left to kube-proxy for want of room. */
bool entry_is_without_room(const struct table_entry *entry);
/*
 * gw_filter (filter.c). Add before the entry of gw_vips is made, remove when it is gone. Settle:
 * after all that gw_vips held was added, clear what an earlier agent has left.
 */
int tables_filter_open(struct tables *tables); /* -ENOMEM */
void tables_filter_add(struct tables *tables, const struct gw_vip_key *key);
void tables_filter_remove(struct tables *tables, const struct gw_vip_key *key);
void tables_filter_settle(struct tables *tables);

/*
 * Whose connects are left alone (excepted.c). Add: all that are wanted and for which there is room
 * are in gw_excepted then, beside those that are not wanted any more, which go to `stale`; missing:
 * for how many there was no room. Remove: those, once the hook needs them no more. -ENOMEM: nothing
 * has changed.
 */
struct stale_excepted {
	uint64_t *cgroups;
	size_t count;
};

int tables_add_excepted(struct tables *tables, struct table_entry *entry, const struct choice *want,
			struct stale_excepted *stale, uint32_t *missing);
void tables_remove_excepted(struct tables *tables, const struct table_entry *entry,
			    struct stale_excepted *stale);
/* All of an entry that connects do not find. */
void tables_forget_excepted(struct tables *tables, struct table_entry *entry);
/* What an earlier agent has left; entries: by index, NULL: not in use. */
int tables_adopt_excepted(struct tables *tables, struct table_entry *const *entries);

/* Slots of a set: header, members, table. */
uint32_t set_slots(size_t members, size_t table_length);
uint32_t table_slots(size_t table_length);

/* The weight that a backend has, whose Service asks for this one: a command wins over that. */
uint16_t tables_weight(const struct tables *tables, uint32_t id, uint16_t wanted);

/* What the hook sees of a backend's weight; with 0 its drain begins, if it has not yet. */
void tables_set_weight(struct tables *tables, uint32_t id, uint32_t weight);

/* Wait until every program that runs now has ended. */
int tables_grace(struct tables *tables);
/* Wait for a grace, then free what was retired before. */
int tables_release_ranges(struct tables *tables);
int tables_retire_range(struct tables *tables, struct range range); /* -ENOMEM */

/* The half of gw_slots where sets are now (compact.h). */
struct range tables_present_half(const struct tables *tables);
bool tables_is_in_present_half(const struct tables *tables, struct range range);

/* Cut where it does not fit. */
void copy_text(char *to, size_t size, const char *from);

#endif
