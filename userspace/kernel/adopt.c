// SPDX-License-Identifier: Apache-2.0
/*
 * Reading back what an earlier agent left in the maps. It may have been killed between any two
 * stores of apply.c and collect.c.
 */
#include "kernel/adopt.h"

#include <errno.h>
#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/collect.h"
#include "kernel/compact.h"
#include "kernel/sets.h"

struct adoption {
	struct tables *tables;
	struct table_entry **entries; /* by service index; NULL: not in use */
};

static int adopt_names(struct adoption *adoption, struct table_entry *entry)
{
	struct gw_service_names names;
	struct group *group;
	int err;

	if (bpf_map_lookup_elem(adoption->tables->maps.service_names_fd, &entry->index, &names))
		return -errno;
	entry->port_name = strdup(names.port_name);
	entry->shown = strdup(names.message);
	entry->message = strdup(entry->lack ? "" : names.message);
	if (!entry->port_name || !entry->message || !entry->shown)
		return -ENOMEM;
	err = group_make(adoption->tables, names.namespace, names.name, &group);
	if (!err)
		err = group_add(group, entry);
	if (!err)
		shares_take(&adoption->tables->shares, entry->share, SHARE_SERVICES, 1);
	return err;
}

static int adopt_service(struct adoption *adoption, uint32_t index)
{
	const struct gw_service *service = &adoption->tables->maps.services[index];
	struct table_entry *entry = calloc(1, sizeof(*entry));
	int err;

	if (!entry)
		return -ENOMEM;
	entry->index = index;
	entry->vip = service->vip;
	entry->port = ntohs(service->port);
	entry->withdrawn = service->flags & GW_SERVICE_WITHDRAWN;
	entry->lack = service->flags & GW_SERVICE_NO_ROOM ? LACK_BACKENDS : LACK_NOTHING;
	entry->affinity_timeout_s = service->affinity_timeout_s;
	settings_init(&entry->settings);
	entry->settings.connect_timeout_ms = service->connect_timeout_ms;
	entry->settings.dead_peer_timeout_ms = service->dead_peer_timeout_ms;
	entry->settings.rebalance_ms = service->rebalance_ms;
	entry->settings.drain_deadline_ms = service->drain_deadline_ms;
	entry->settings.tls = adoption->tables->maps.tls[index];
	entry->settings.moves_down = service->flags & GW_SERVICE_MOVE_DOWN;
	entry->settings.check = adoption->tables->maps.checks[index];
	entry->settings.eject_base_ms = service->eject_base_ms;
	entry->settings.eject_max_ms = service->eject_max_ms;
	err = adopt_names(adoption, entry);
	if (err) {
		entry_free(entry);
		return err;
	}
	adoption->entries[index] = entry;
	return 0;
}

/* Downwards, so that the lowest free id is on top of the stack. */
static int adopt_services(struct adoption *adoption)
{
	struct tables *tables = adoption->tables;
	int err = 0;

	for (size_t i = tables->maps.services_count; i-- > 0 && !err;) {
		if (tables->maps.services[i].use == GW_USE_TAKEN)
			err = adopt_service(adoption, (uint32_t)i);
		else
			ids_give(&tables->service_ids, (uint32_t)i);
	}
	return err;
}

static int adopt_backend(struct adoption *adoption, uint32_t id)
{
	struct tables *tables = adoption->tables;
	const struct gw_backend *backend = &tables->maps.backends[id];
	struct table_entry *entry = adoption->entries[backend->service];
	struct gw_backend_names names = {0};
	struct backend_ref *refs;

	refs = reallocarray(entry->backends, entry->backend_count + 1, sizeof(*refs));
	if (!refs)
		return -ENOMEM;
	entry->backends = refs;
	bpf_map_lookup_elem(tables->maps.backend_names_fd, &id, &names);
	shares_take(&tables->shares, entry->share, SHARE_BACKENDS, 1);
	tables->timed += backend->steered_ns && backend->steered_deadline_ms;
	refs[entry->backend_count++] = (struct backend_ref){
		.address = backend->address,
		.port = ntohs(backend->port),
		.id = id,
		.names = endpoint_names_hash(names.pod, names.node, names.zone),
		.left_ns = clock_now_ns(),
	};
	return 0;
}

/* A backend without a Service was made by an agent that was killed before it made the Service:
 * nothing can have used it. */
static int adopt_backends(struct adoption *adoption)
{
	struct tables *tables = adoption->tables;
	int err = 0;

	for (size_t i = tables->maps.backends_count; i-- > 0 && !err;) {
		struct gw_backend *backend = &tables->maps.backends[i];

		if (backend->use == GW_USE_TAKEN &&
		    backend->service < tables->maps.services_count &&
		    adoption->entries[backend->service]) {
			err = adopt_backend(adoption, (uint32_t)i);
			continue;
		}
		backend->use = GW_USE_FREE;
		ids_give(&tables->backend_ids, (uint32_t)i);
	}
	return err;
}

static struct backend_ref *find_id(struct table_entry *entry, uint32_t id)
{
	for (size_t i = 0; i < entry->backend_count; i++)
		if (entry->backends[i].id == id)
			return &entry->backends[i];
	return NULL;
}

/* The earlier agent may have been killed between the set's word and the weights. None changes that
 * is right: connects read them meanwhile. */
static void adopt_weights(struct tables *tables, const struct table_entry *entry)
{
	for (size_t i = 0; i < entry->backend_count; i++)
		if (!entry->backends[i].is_member)
			tables_set_weight(tables, entry->backends[i].id, 0);
}

static bool is_steered(const struct gw_backend *backend)
{
	return backend->steered_ns || backend->steered_weight;
}

static int adopt_members(struct tables *tables, struct table_entry *entry,
			 const struct gw_slot *slots, size_t count)
{
	const struct gw_backend *backend;
	struct backend_ref *ref;

	entry->members = calloc(count + 1, sizeof(*entry->members));
	if (!entry->members)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		ref = find_id(entry, slots[i].backend);
		if (!ref)
			return -EPROTO;
		ref->is_member = true;
		tables_set_weight(tables, ref->id, slots[i].weight);
		backend = &tables->maps.backends[ref->id];
		entry->members[entry->member_count++] = (struct present_member){
			.address = ref->address,
			.port = ref->port,
			.weight = is_steered(backend) ? backend->wanted_weight : slots[i].weight,
			.is_named = backend->is_named,
			.names = ref->names,
		};
	}
	adopt_weights(tables, entry);
	tables->leaving += entry->backend_count - entry->member_count +
			   (entry->withdrawn || entry_is_without_room(entry));
	return 0;
}

static int adopt_set(struct tables *tables, struct table_entry *entry)
{
	uint64_t word = tables->maps.sets[entry->index];
	struct range range = {.base = GW_SET_BASE(word)};
	const struct gw_set_header *header;
	int err = 0;

	entry->generation = GW_SET_GENERATION(word);
	if (entry->backend_count)
		qsort(entry->backends, entry->backend_count, sizeof(*entry->backends),
		      backend_compare_refs);
	if (!GW_SET_COUNT(word))
		return adopt_members(tables, entry, NULL, 0);
	if (range.base >= tables->maps.slots_count)
		return -EPROTO;
	header = (const struct gw_set_header *)&tables->maps.slots[range.base];
	range.length = set_slots(GW_SET_COUNT(word), header->table_length);
	if (range.length > tables->maps.slots_count - range.base)
		return -EPROTO;
	if (tables_is_in_present_half(tables, range))
		err = ranges_reserve(&tables->ranges, &range);
	if (err)
		return err == -ENOMEM ? err : -EPROTO;
	entry->range = range;
	entry->table_slots = table_slots(header->table_length);
	shares_take(&tables->shares, entry->share, SHARE_TABLES, entry->table_slots);
	entry->settings.policy = header->policy;
	entry->settings.keep_percent = header->keep_percent;
	return adopt_members(tables, entry, &tables->maps.slots[range.base + 1],
			     GW_SET_COUNT(word));
}

/* Which entries connects can find. One that they cannot find, and that is not marked so, was just
 * being added or withdrawn. */
static int adopt_vips(struct adoption *adoption)
{
	struct tables *tables = adoption->tables;
	struct gw_vip_key key, *previous = NULL;
	struct table_entry *entry;
	uint32_t index;

	while (!bpf_map_get_next_key(tables->maps.vips_fd, previous, &key)) {
		previous = &key;
		tables_filter_add(tables, &key);
		if (bpf_map_lookup_elem(tables->maps.vips_fd, &key, &index))
			return -errno;
		entry = index < tables->maps.services_count ? adoption->entries[index] : NULL;
		if (entry)
			entry->published = true;
	}
	tables_filter_settle(tables);
	return 0;
}

/* What a command asked for of a member, the agent that it asked may not have lived to put in force. */
static bool is_overtaken(const struct tables *tables, const struct table_entry *entry)
{
	const struct present_member *member = entry->members;

	for (size_t i = 0; i < entry->backend_count; i++) {
		uint32_t id = entry->backends[i].id;

		if (!entry->backends[i].is_member)
			continue;
		if (tables->maps.backends[id].weight != tables_weight(tables, id, member->weight))
			return true;
		member++;
	}
	return false;
}

static int catch_up(struct adoption *adoption)
{
	struct tables *tables = adoption->tables;
	enum lack lack;
	int err = 0;

	for (size_t i = 0; i < tables->maps.services_count && !err; i++)
		if (adoption->entries[i] && is_overtaken(tables, adoption->entries[i]))
			err = tables_write_set_again(tables, adoption->entries[i], &lack);
	return err;
}

static int finish(struct adoption *adoption)
{
	struct tables *tables = adoption->tables;
	int err = 0;

	for (size_t i = 0; i < tables->maps.services_count && !err; i++) {
		struct table_entry *entry = adoption->entries[i];

		if (!entry)
			continue;
		if (!entry->published && !entry->shown[0]) {
			entry->withdrawn = true;
			tables->maps.services[i].flags |= GW_SERVICE_WITHDRAWN;
		}
		err = adopt_set(tables, entry);
	}
	return err;
}

int tables_adopt(struct tables *tables)
{
	struct adoption adoption = {.tables = tables};
	int err;

	adoption.entries = calloc(tables->maps.services_count, sizeof(*adoption.entries));
	if (!adoption.entries)
		return -ENOMEM;
	tables_replay(tables);
	err = adopt_services(&adoption);
	if (!err)
		err = adopt_backends(&adoption);
	if (!err)
		err = adopt_vips(&adoption);
	if (!err)
		err = tables_adopt_excepted(tables, adoption.entries);
	if (!err)
		err = finish(&adoption);
	if (!err)
		err = tables_move_stragglers(tables);
	if (!err)
		err = catch_up(&adoption);
	free(adoption.entries);
	/* Programs of the earlier agent's last moments may still read what it freed. */
	return err ? err : tables_grace(tables);
}
