// SPDX-License-Identifier: Apache-2.0
#include "kernel/registry.h"

#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/addr.h"
#include "base/clock.h"

void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

int group_compare(const void *a, const void *b)
{
	const struct group *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

struct group *group_find(struct tables *tables, const char *namespace, const char *name)
{
	struct group key = {.namespace = (char *)namespace, .name = (char *)name};
	struct group **found = tfind(&key, &tables->groups, group_compare);

	return found ? *found : NULL;
}

void group_free(void *arg)
{
	struct group *group = arg;

	for (size_t i = 0; i < group->count; i++)
		entry_free(group->entries[i]);
	free(group->entries);
	free(group->namespace);
	free(group->name);
	free(group);
}

/* One without entries. */
static void group_drop(struct tables *tables, struct group *group)
{
	if (group->share)
		shares_put(&tables->shares, group->share);
	group_free(group);
}

int group_make(struct tables *tables, const char *namespace, const char *name, struct group **ret)
{
	struct group *group = group_find(tables, namespace, name);

	if (group) {
		*ret = group;
		return 0;
	}
	group = calloc(1, sizeof(*group));
	if (!group)
		return -ENOMEM;
	group->namespace = strdup(namespace);
	group->name = strdup(name);
	if (!group->namespace || !group->name ||
	    shares_get(&tables->shares, namespace, &group->share) ||
	    !tsearch(group, &tables->groups, group_compare)) {
		group_drop(tables, group);
		return -ENOMEM;
	}
	*ret = group;
	return 0;
}

int group_add(struct group *group, struct table_entry *entry)
{
	struct table_entry **entries;

	entries = reallocarray(group->entries, group->count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	group->entries = entries;
	entries[group->count++] = entry;
	entry->share = group->share;
	return 0;
}

void group_drop_if_empty(struct tables *tables, struct group *group)
{
	if (group->count)
		return;
	tdelete(group, &tables->groups, group_compare);
	group_drop(tables, group);
}

void group_remove(struct tables *tables, struct group *group, struct table_entry *entry)
{
	size_t i = 0;

	while (group->entries[i] != entry)
		i++;
	group->entries[i] = group->entries[--group->count];
	entry_free(entry);
	group_drop_if_empty(tables, group);
}

void entry_free(struct table_entry *entry)
{
	if (!entry)
		return;
	free(entry->port_name);
	free(entry->message);
	free(entry->shown);
	free(entry->backends);
	free(entry->members);
	free(entry->excepted);
	free(entry);
}

int ids_take(struct ids *ids, uint32_t *ret)
{
	if (!ids->count)
		return -ENOSPC;
	*ret = ids->free[--ids->count];
	return 0;
}

void ids_give(struct ids *ids, uint32_t id)
{
	ids->free[ids->count++] = id;
}

int backend_compare_refs(const void *a, const void *b)
{
	const struct backend_ref *x = a, *y = b;

	return addr_port_compare(&x->address, x->port, &y->address, y->port);
}

struct gw_vip_key vip_key(const struct table_entry *entry)
{
	struct gw_vip_key key = {
		.address = entry->vip,
		.port = htons(entry->port),
		.protocol = IPPROTO_TCP,
	};

	return key;
}

bool entry_is_without_room(const struct table_entry *entry)
{
	return entry->lack >= LACK_BACKENDS;
}

uint32_t table_slots(size_t table_length)
{
	return (uint32_t)((table_length + GW_TABLE_PER_SLOT - 1) / GW_TABLE_PER_SLOT);
}

uint32_t set_slots(size_t members, size_t table_length)
{
	return (uint32_t)(1 + members) + table_slots(table_length);
}

/* An update of a map of maps returns only when all programs that ran before it have ended;
 * membarrier(2) is no substitute: on one CPU it returns at once. */
int tables_grace(struct tables *tables)
{
	__u32 key = 0;

	if (bpf_map_update_elem(tables->grace_fd, &key, &tables->grace_inner_fd, BPF_ANY))
		return -errno;
	tables->vip_deleted = false;
	return 0;
}

int tables_retire_range(struct tables *tables, struct range range)
{
	size_t capacity = tables->retiring_capacity ? 2 * tables->retiring_capacity : 64;
	struct range *retiring;

	if (!range.length)
		return 0;
	if (tables->retiring_count == tables->retiring_capacity) {
		retiring = reallocarray(tables->retiring, capacity, sizeof(*retiring));
		if (!retiring)
			return -ENOMEM;
		tables->retiring = retiring;
		tables->retiring_capacity = capacity;
	}
	tables->retiring[tables->retiring_count++] = range;
	return 0;
}

int tables_release_ranges(struct tables *tables)
{
	int err = tables_grace(tables);

	for (size_t i = 0; i < tables->retiring_count && !err; i++)
		err = ranges_release(&tables->ranges, &tables->retiring[i]);
	if (!err)
		tables->retiring_count = 0;
	return err;
}

struct range tables_present_half(const struct tables *tables)
{
	uint32_t length = (uint32_t)tables->maps.slots_count / 2;

	return (struct range){
		.base = tables->maps.meta->slots_half & 1 ? length : 0,
		.length = length,
	};
}

bool tables_is_in_present_half(const struct tables *tables, struct range range)
{
	struct range half = tables_present_half(tables);

	return range.base >= half.base && range.base - half.base < half.length;
}

size_t tables_service_count(const struct tables *tables)
{
	return tables->maps.services_count - tables->service_ids.count;
}

size_t tables_backend_count(const struct tables *tables)
{
	return tables->maps.backends_count - tables->backend_ids.count;
}

uint16_t tables_weight(const struct tables *tables, uint32_t id, uint16_t wanted)
{
	const struct gw_backend *backend = &tables->maps.backends[id];

	if (backend->steered_ns)
		return 0;
	return backend->steered_weight ? backend->steered_weight : wanted;
}

void tables_set_weight(struct tables *tables, uint32_t id, uint32_t weight)
{
	struct gw_backend *backend = &tables->maps.backends[id];

	if (weight)
		backend->drain_ns = 0;
	else if (!backend->drain_ns)
		backend->drain_ns = clock_now_ns();
	backend->weight = weight;
}
