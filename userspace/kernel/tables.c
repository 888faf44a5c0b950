// SPDX-License-Identifier: Apache-2.0
#include "kernel/tables.h"

#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/addr.h"
#include "kernel/tables_state.h"

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

static void group_free(void *arg)
{
	struct group *group = arg;

	for (size_t i = 0; i < group->count; i++)
		entry_free(group->entries[i]);
	free(group->entries);
	free(group->namespace);
	free(group->name);
	free(group);
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
	if (!group->namespace || !group->name || !tsearch(group, &tables->groups, group_compare)) {
		group_free(group);
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
	return 0;
}

void group_drop_if_empty(struct tables *tables, struct group *group)
{
	if (group->count)
		return;
	tdelete(group, &tables->groups, group_compare);
	group_free(group);
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
	free(entry->backends);
	free(entry->members);
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

uint32_t set_slots(size_t members, size_t table_length)
{
	return (uint32_t)(1 + members +
			  (table_length + GW_TABLE_PER_SLOT - 1) / GW_TABLE_PER_SLOT);
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

static int make_grace_maps(struct tables *tables)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	tables->grace_inner_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "gw_grace_inner",
						sizeof(__u32), sizeof(__u32), 1, NULL);
	if (tables->grace_inner_fd < 0)
		return -errno;
	options.inner_map_fd = (__u32)tables->grace_inner_fd;
	tables->grace_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "gw_grace", sizeof(__u32),
					  sizeof(__u32), 1, &options);
	return tables->grace_fd < 0 ? -errno : 0;
}

static int make_batches(struct tables *tables)
{
	struct maps *maps = &tables->maps;
	int err;

	err = batch_init(&tables->cursors, maps->cursors_fd, sizeof(struct gw_cursor));
	if (!err)
		err = batch_init(&tables->backend_names, maps->backend_names_fd,
				 sizeof(struct gw_backend_names));
	if (!err && getrandom(&tables->scatter, sizeof(tables->scatter), 0) < 0)
		err = -errno;
	return err;
}

static int make_ids(struct ids *ids, size_t count)
{
	ids->free = calloc(count, sizeof(*ids->free));
	return ids->free ? 0 : -ENOMEM;
}

int tables_open(const char *pin_dir, struct tables **ret)
{
	struct tables *tables = calloc(1, sizeof(*tables));
	int err;

	if (!tables)
		return -ENOMEM;
	tables->grace_fd = -1;
	tables->grace_inner_fd = -1;
	err = maps_open(pin_dir, true, &tables->maps);
	if (err) {
		free(tables);
		return err;
	}
	tables->pin_dir = strdup(pin_dir);
	err = tables->pin_dir ? make_grace_maps(tables) : -ENOMEM;
	if (!err)
		err = make_batches(tables);
	if (!err)
		err = make_ids(&tables->service_ids, tables->maps.services_count);
	if (!err)
		err = make_ids(&tables->backend_ids, tables->maps.backends_count);
	if (!err)
		err = ranges_init(&tables->ranges, tables_present_half(tables));
	if (!err)
		err = tables_adopt(tables);
	if (err)
		goto fail;
	*ret = tables;
	return 0;
fail:
	tables_close(tables);
	return err;
}

void tables_close(struct tables *tables)
{
	if (!tables)
		return;
	batch_done(&tables->cursors);
	batch_done(&tables->backend_names);
	conns_close(tables->conns);
	maps_close(&tables->maps);
	tdestroy(tables->groups, group_free);
	ranges_done(&tables->ranges);
	free(tables->retiring);
	free(tables->missing);
	free(tables->service_ids.free);
	free(tables->backend_ids.free);
	free(tables->presents);
	free(tables->pin_dir);
	if (tables->grace_fd >= 0)
		close(tables->grace_fd);
	if (tables->grace_inner_fd >= 0)
		close(tables->grace_inner_fd);
	free(tables);
}

static struct present present_of(const struct table_entry *entry)
{
	struct present present = {
		.index = entry->index,
		.port_name = entry->port_name,
		.vip = entry->vip,
		.port = entry->port,
		.published = entry->published,
		.withdrawn = entry->withdrawn,
		.settings = entry->settings,
		.affinity_timeout_s = entry->affinity_timeout_s,
		.message = entry->message,
		.members = entry->members,
		.member_count = entry->member_count,
	};

	return present;
}

int tables_present(struct tables *tables, const char *namespace, const char *name,
		   const struct present **ret, size_t *count)
{
	struct group *group = group_find(tables, namespace, name);
	struct present *presents;

	*count = 0;
	if (!group)
		return 0;
	presents = reallocarray(tables->presents, group->count, sizeof(*presents));
	if (!presents)
		return -ENOMEM;
	tables->presents = presents;
	for (size_t i = 0; i < group->count; i++)
		presents[i] = present_of(group->entries[i]);
	*ret = presents;
	*count = group->count;
	return 0;
}

struct visit {
	tables_visit visit;
	void *arg;
};

static bool is_in_force(const struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		if (!group->entries[i]->withdrawn)
			return true;
	return false;
}

static void visit_group(const void *node, VISIT which, void *closure)
{
	const struct group *group = *(struct group *const *)node;
	struct visit *visit = closure;

	if ((which == postorder || which == leaf) && is_in_force(group))
		visit->visit(group->namespace, group->name, visit->arg);
}

void tables_visit_services(struct tables *tables, tables_visit visit, void *arg)
{
	struct visit closure = {visit, arg};

	twalk_r(tables->groups, visit_group, &closure);
}

struct gw_meta *tables_meta(struct tables *tables)
{
	return tables->maps.meta;
}

size_t tables_services(const struct tables *tables, struct gw_service **ret)
{
	*ret = tables->maps.services;
	return tables->maps.services_count;
}

static bool is_backend(const struct tables *tables, uint32_t id, uint32_t generation)
{
	return id < tables->maps.backends_count &&
	       tables->maps.backends[id].use == GW_USE_TAKEN &&
	       tables->maps.backends[id].generation == generation;
}

const char *tables_backend_text(const struct tables *tables, uint32_t id, uint32_t generation,
				char buf[TABLES_BACKEND_TEXT_MAX])
{
	struct gw_backend_names names = {0};
	struct gw_service_names service = {0};
	const struct gw_backend *backend;
	char address[ADDR_PORT_TEXT_MAX];

	if (!is_backend(tables, id, generation)) {
		snprintf(buf, TABLES_BACKEND_TEXT_MAX, "a backend that is gone");
		return buf;
	}
	backend = &tables->maps.backends[id];
	bpf_map_lookup_elem(tables->maps.backend_names_fd, &id, &names);
	bpf_map_lookup_elem(tables->maps.service_names_fd, &backend->service, &service);
	snprintf(buf, TABLES_BACKEND_TEXT_MAX, "%.64s/%.64s %s (%.253s)", service.namespace,
		 service.name, addr_port_format(&backend->address, ntohs(backend->port), address),
		 names.pod);
	return buf;
}

void tables_count_moved(struct tables *tables, uint32_t id, uint32_t generation, bool is_drain)
{
	struct gw_counters *counters = &tables->maps.counters[id];

	if (is_backend(tables, id, generation))
		__atomic_fetch_add(is_drain ? &counters->drained : &counters->rebalanced, 1,
				   __ATOMIC_RELAXED);
}

size_t tables_service_count(const struct tables *tables)
{
	return tables->maps.services_count - tables->service_ids.count;
}

size_t tables_backend_count(const struct tables *tables)
{
	return tables->maps.backends_count - tables->backend_ids.count;
}
