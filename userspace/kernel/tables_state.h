/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the tables share among themselves; nobody else includes it. */
#ifndef GWBPF_KERNEL_TABLES_STATE_H
#define GWBPF_KERNEL_TABLES_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/batch.h"
#include "kernel/conns.h"
#include "kernel/maps.h"
#include "kernel/ranges.h"
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

struct table_entry {
	uint32_t index;
	uint16_t generation; /* of the set */
	uint16_t port;
	bool published;
	bool withdrawn;
	struct gw_addr vip;
	char *port_name;
	char *message;
	struct settings settings;
	uint32_t affinity_timeout_s;
	struct range range; /* length 0: an empty set */
	struct backend_ref *backends; /* ordered by address and port */
	size_t backend_count;
	struct present_member *members;
	size_t member_count;
};

/* All entries of one Service. */
struct group {
	char *namespace;
	char *name;
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
	uint32_t *missing;   /* by backend id: what the last recount did not find; NULL: none yet */
	void *groups; /* tsearch(3) of struct group, by namespace and name */
	struct present *presents;
	struct ids service_ids;
	struct ids backend_ids;
	struct ranges ranges;   /* of the present half of gw_slots */
	struct range *retiring; /* free after the next grace */
	size_t retiring_count;
	size_t retiring_capacity;
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
int group_make(struct tables *tables, const char *namespace, const char *name,
	       struct group **ret);
int group_add(struct group *group, struct table_entry *entry); /* -ENOMEM */
void group_remove(struct tables *tables, struct group *group, struct table_entry *entry);
void group_drop_if_empty(struct tables *tables, struct group *group);
void entry_free(struct table_entry *entry);

int ids_take(struct ids *ids, uint32_t *ret); /* -ENOSPC */
void ids_give(struct ids *ids, uint32_t id);

/* By address and port, for qsort() of struct backend_ref. */
int backend_compare_refs(const void *a, const void *b);

struct gw_vip_key vip_key(const struct table_entry *entry);

/* Slots of a set: header, members, table. */
uint32_t set_slots(size_t members, size_t table_length);

/* What the hook sees of a backend's weight; with 0 its drain begins, if it has not yet (sets.c). */
void tables_set_weight(struct tables *tables, uint32_t id, uint32_t weight);

/* Replace the set of an entry (sets.c). -ENOSPC: not every wanted member got an id; -ENOBUFS: there is
 * no room for the set, and the old one stays in force; -ENOMEM. */
int tables_write_set(struct tables *tables, struct table_entry *entry, const struct choice *want);

/* The sockets that have a record; free(3) the array (collect.c). What conns_walk() says. */
int tables_walk(struct tables *tables, struct gw_walk_conn **ret, size_t *count);

/* Wait until every program that runs now has ended. */
int tables_grace(struct tables *tables);
/* Wait for a grace, then free what was retired before. */
int tables_release_ranges(struct tables *tables);
int tables_retire_range(struct tables *tables, struct range range); /* -ENOMEM */

/* Where in gw_slots sets are now (compact.c). */
struct range tables_present_half(const struct tables *tables);
bool tables_is_in_present_half(const struct tables *tables, struct range range);

/* Pack all sets into the other half. -ENOMEM, and what the grace says. */
int tables_compact(struct tables *tables);
/* Move the sets that stand in the other half: an earlier agent was killed while it did the same. */
int tables_move_stragglers(struct tables *tables);

/* Complete what the journal says was begun. */
void tables_replay(struct tables *tables);

/* Read what the maps hold into the state (adopt.c). */
int tables_adopt(struct tables *tables);

/* Cut where it does not fit. */
void copy_text(char *to, size_t size, const char *from);

#endif
