// SPDX-License-Identifier: Apache-2.0
/*
 * Writing a plan. The order of the stores is the point of this file: what a program can reach is
 * complete before it can be reached, and changes by one store.
 */
#include "kernel/tables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/addr.h"
#include "kernel/tables_state.h"
#include "model/policy_table.h"

static void refuse(const struct tables_job *job, const struct table_entry *entry, const char *what,
		   const char *remedy)
{
	char address[ADDR_PORT_TEXT_MAX];
	char message[GW_MESSAGE_MAX];

	snprintf(message, sizeof(message), "%s at %s: %s: %s", what,
		 addr_port_format(&entry->vip, entry->port, address), "no room is left", remedy);
	job->refuse(message, job->arg);
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static int write_service_names(struct tables *tables, const struct tables_job *job,
			       const struct table_entry *entry)
{
	struct gw_service_names names = {0};

	copy_text(names.namespace, sizeof(names.namespace), job->namespace);
	copy_text(names.name, sizeof(names.name), job->name);
	copy_text(names.port_name, sizeof(names.port_name), entry->port_name);
	copy_text(names.message, sizeof(names.message), entry->message);
	/* At once: an entry without a name could not be adopted. */
	return bpf_map_update_elem(tables->maps.service_names_fd, &entry->index, &names, BPF_ANY)
		       ? -errno
		       : 0;
}

static int write_backend_names(struct tables *tables, const struct member *member,
			       struct backend_ref *ref)
{
	const struct endpoint *endpoint = member->endpoint;
	uint32_t hash = endpoint_names_hash(endpoint->pod, endpoint->node, endpoint->zone);
	struct gw_backend_names names = {0};
	int err;

	if (ref->names == hash)
		return 0;
	copy_text(names.pod, sizeof(names.pod), endpoint->pod);
	copy_text(names.node, sizeof(names.node), endpoint->node);
	copy_text(names.zone, sizeof(names.zone), endpoint->zone);
	err = batch_add(&tables->backend_names, ref->id, &names);
	if (!err)
		ref->names = hash;
	return err;
}

/* Give an id to an endpoint. `use` is written last: a half-made backend is a free one. */
static int make_backend(struct tables *tables, const struct table_entry *entry,
			const struct member *member, struct backend_ref *ret)
{
	struct gw_backend *backend;
	uint32_t id;
	int err;

	err = ids_take(&tables->backend_ids, &id);
	if (err)
		return err;
	*ret = (struct backend_ref){
		.address = member->address,
		.port = member->port,
		.id = id,
		.names = endpoint_names_hash("", "", ""),
	};
	err = write_backend_names(tables, member, ret);
	if (err) {
		ids_give(&tables->backend_ids, id);
		return err;
	}
	backend = &tables->maps.backends[id];
	backend->address = member->address;
	backend->port = htons(member->port);
	backend->service = entry->index;
	backend->generation = tables->maps.meta->next_generation++;
	__atomic_store_n(&backend->use, GW_USE_TAKEN, __ATOMIC_RELEASE);
	return 0;
}

static struct backend_ref *find_backend(const struct table_entry *entry, const struct member *member)
{
	size_t low = 0, high = entry->backend_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct backend_ref *ref = &entry->backends[middle];
		int order = backend_compare(&member->address, member->port, &ref->address, ref->port);

		if (!order)
			return ref;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int compare_refs(const void *a, const void *b)
{
	const struct backend_ref *x = a, *y = b;

	return backend_compare(&x->address, x->port, &y->address, y->port);
}

/* Make sure that every wanted member has a backend of this entry; those that got no id have none.
 * Returns how many got none, or -errno. */
static int make_backends(struct tables *tables, struct table_entry *entry, const struct choice *want)
{
	size_t known = entry->backend_count, count = known;
	struct backend_ref *refs, *ref;
	int missing = 0, err = 0;

	refs = reallocarray(entry->backends, known + want->member_count + 1, sizeof(*refs));
	if (!refs)
		return -ENOMEM;
	entry->backends = refs;
	for (size_t i = 0; i < want->member_count && !err; i++) {
		/* entry->backend_count stays: only the known ones are ordered. */
		ref = find_backend(entry, &want->members[i]);
		if (ref) {
			err = write_backend_names(tables, &want->members[i], ref);
			continue;
		}
		err = make_backend(tables, entry, &want->members[i], &refs[count]);
		if (!err)
			count++;
		if (err == -ENOSPC) {
			missing++;
			err = 0;
		}
	}
	entry->backend_count = count;
	if (count != known)
		qsort(refs, count, sizeof(*refs), compare_refs);
	return err ? err : missing;
}

static int take_range(struct tables *tables, uint32_t length, struct range *ret)
{
	struct range range = {.length = length};
	int err;

	err = ranges_take(&tables->ranges, range.length, &range.base);
	if (err == -ENOSPC && tables->retiring_count) {
		err = tables_release_ranges(tables);
		if (!err)
			err = ranges_take(&tables->ranges, range.length, &range.base);
	}
	if (!err)
		*ret = range;
	return err;
}

/* A set on its way: those wanted that have a backend, and the policy's table over them. */
struct new_set {
	struct member *members;
	size_t *refs; /* for each, its place among the backends of the entry */
	size_t count;
	uint16_t table[GW_TABLE_MAX];
	size_t table_length;
	struct range range;
	uint16_t generation;
};

static void choose_members(const struct table_entry *entry, const struct choice *want,
			   struct new_set *set)
{
	size_t place = 0;

	/* Both are in the same order. */
	for (size_t i = 0; i < want->member_count; i++) {
		const struct member *member = &want->members[i];
		int order = 1;

		while (place < entry->backend_count && order > 0) {
			const struct backend_ref *ref = &entry->backends[place];

			order = backend_compare(&member->address, member->port, &ref->address,
						ref->port);
			place += order > 0;
		}
		if (order)
			continue;
		set->refs[set->count] = place;
		set->members[set->count++] = *member;
	}
}

/* Fill a range that nobody reads yet. */
static void fill_range(struct tables *tables, const struct table_entry *entry,
		       const struct new_set *set)
{
	struct gw_set_header header = {
		.policy = entry->settings.policy,
		.keep_percent = entry->settings.keep_percent,
		.generation = set->generation,
		.table_length = (uint16_t)set->table_length,
	};
	struct gw_slot *slots = &tables->maps.slots[set->range.base];

	memcpy(slots, &header, sizeof(header));
	for (size_t i = 0; i < set->count; i++) {
		uint32_t id = entry->backends[set->refs[i]].id;

		slots[i + 1] = (struct gw_slot){
			.backend = id,
			.backend_generation = tables->maps.backends[id].generation,
			.generation = set->generation,
			.weight = set->members[i].weight,
		};
	}
	memcpy(&slots[set->count + 1], set->table, set->table_length * sizeof(*set->table));
}

/* All other backends are leaving. */
static int note_members(struct tables *tables, struct table_entry *entry,
			const struct new_set *set)
{
	struct present_member *members;
	uint64_t now = now_ns();

	members = reallocarray(entry->members, set->count + 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	entry->members = members;
	entry->member_count = set->count;
	for (size_t i = 0; i < entry->backend_count; i++) {
		if (entry->backends[i].is_member)
			entry->backends[i].left_ns = now;
		entry->backends[i].is_member = false;
	}
	for (size_t i = 0; i < set->count; i++) {
		struct backend_ref *ref = &entry->backends[set->refs[i]];

		ref->is_member = true;
		members[i] = (struct present_member){
			.address = ref->address,
			.port = ref->port,
			.weight = set->members[i].weight,
			.names = ref->names,
		};
	}
	tables->leaving += entry->backend_count - entry->member_count;
	return 0;
}

/* What session affinity asks of a backend that is not looked for in a set. */
static void write_weights(struct tables *tables, const struct table_entry *entry)
{
	const struct present_member *member = entry->members;

	for (size_t i = 0; i < entry->backend_count; i++) {
		const struct backend_ref *ref = &entry->backends[i];

		tables->maps.backends[ref->id].weight = ref->is_member ? member->weight : 0;
		member += ref->is_member;
	}
}

static int put_set(struct tables *tables, struct table_entry *entry, struct new_set *set)
{
	struct range old = entry->range;
	int err = 0;

	if (set->count)
		err = take_range(tables, set_slots(set->count, set->table_length), &set->range);
	if (err)
		return err;
	err = note_members(tables, entry, set);
	if (err) {
		ranges_release(&tables->ranges, &set->range);
		return err;
	}
	if (set->count)
		fill_range(tables, entry, set);
	entry->generation = set->generation;
	entry->range = set->range;
	__atomic_store_n(&tables->maps.sets[entry->index],
			 GW_SET_WORD(set->range.base, set->generation, set->count),
			 __ATOMIC_RELEASE);
	write_weights(tables, entry);
	return tables_retire_range(tables, old);
}

/* Replace the set. Returns -ENOSPC if not every wanted member found room. */
static int write_set(struct tables *tables, struct table_entry *entry, const struct choice *want)
{
	struct new_set *set = calloc(1, sizeof(*set));
	int missing, err = -ENOMEM;

	if (!set)
		return err;
	set->generation = (uint16_t)(entry->generation + 1);
	set->members = calloc(want->member_count + 1, sizeof(*set->members));
	set->refs = calloc(want->member_count + 1, sizeof(*set->refs));
	if (!set->members || !set->refs)
		goto out;
	missing = make_backends(tables, entry, want);
	err = missing < 0 ? missing : 0;
	if (err)
		goto out;
	choose_members(entry, want, set);
	set->table_length = policy_table_fill(entry->settings.policy, set->members, set->count,
					      set->table);
	err = put_set(tables, entry, set);
	if (!err && missing)
		err = -ENOSPC;
out:
	free(set->members);
	free(set->refs);
	free(set);
	return err;
}

static int replace_text(char **text, const char *with)
{
	char *copy = strdup(with);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

static int publish(struct tables *tables, struct table_entry *entry)
{
	struct gw_vip_key key = vip_key(entry);
	int err = 0;

	if (entry->published)
		return 0;
	/* The hash may give the element of a deleted entry, which a program may still read. */
	if (tables->vip_deleted)
		err = tables_grace(tables);
	if (!err && bpf_map_update_elem(tables->maps.vips_fd, &key, &entry->index, BPF_NOEXIST))
		err = -errno;
	entry->published = !err;
	return err;
}

static int unpublish(struct tables *tables, struct table_entry *entry)
{
	struct gw_vip_key key = vip_key(entry);

	if (!entry->published)
		return 0;
	if (bpf_map_delete_elem(tables->maps.vips_fd, &key) && errno != ENOENT)
		return -errno;
	entry->published = false;
	tables->vip_deleted = true;
	return 0;
}

static uint32_t flags_of(const struct table_entry *entry)
{
	return (entry->withdrawn ? GW_SERVICE_WITHDRAWN : 0) |
	       (entry->message[0] ? GW_SERVICE_INVALID : 0);
}

static void write_settings(struct tables *tables, const struct table_entry *entry)
{
	struct gw_service *service = &tables->maps.services[entry->index];

	service->flags = flags_of(entry);
	service->connect_timeout_ms = entry->settings.connect_timeout_ms;
	service->dead_peer_timeout_ms = entry->settings.dead_peer_timeout_ms;
	service->eject_base_ms = entry->settings.eject_base_ms;
	service->eject_max_ms = entry->settings.eject_max_ms;
	service->affinity_timeout_s = entry->affinity_timeout_s;
}

/* Connects stop finding it. Its set stays for those that have just found it; tables_collect()
 * empties it. */
static int withdraw(struct tables *tables, struct table_entry *entry)
{
	int err = unpublish(tables, entry);

	if (err)
		return err;
	entry->withdrawn = true;
	tables->maps.services[entry->index].flags = flags_of(entry);
	tables->leaving++;
	return 0;
}

static int change(struct tables *tables, const struct tables_job *job,
		  const struct plan_step *step, struct table_entry *entry)
{
	const struct service *service = step->want->service;
	bool nothing_fits;
	int full = 0, err;

	err = replace_text(&entry->message, service->invalid);
	if (err)
		return err;
	entry->settings = service->settings;
	entry->affinity_timeout_s = service_affinity_s(service);
	entry->withdrawn = false;
	err = write_service_names(tables, job, entry);
	if (!err)
		full = write_set(tables, entry, step->want);
	if (!err && full && full != -ENOSPC)
		err = full;
	if (err)
		return err;
	write_settings(tables, entry);
	/* Better kube-proxy's choice than none at all. */
	nothing_fits = full && !entry->member_count;
	err = step->publish && !nothing_fits ? publish(tables, entry) : unpublish(tables, entry);
	if (!err && full)
		refuse(job, entry, "backends", "raise --max-backends");
	return err ? err : full;
}

static int make_entry(struct tables *tables, const struct choice *want, struct table_entry **ret)
{
	struct table_entry *entry = calloc(1, sizeof(*entry));
	int err;

	if (!entry)
		return -ENOMEM;
	entry->vip = want->vip;
	entry->port = want->port;
	entry->port_name = strdup(want->port_name);
	entry->message = strdup("");
	err = entry->port_name && entry->message ? 0 : -ENOMEM;
	if (!err)
		err = ids_take(&tables->service_ids, &entry->index);
	if (err) {
		entry_free(entry);
		return err;
	}
	entry->generation = GW_SET_GENERATION(tables->maps.sets[entry->index]);
	*ret = entry;
	return 0;
}

/* Nodes and Services must not all begin with the same backend. */
static int scatter_cursor(struct tables *tables, uint32_t index)
{
	struct gw_cursor cursor = {0};

	tables->scatter += 0x9e3779b9u; /* the golden ratio: no two are near each other */
	cursor.next = tables->scatter;
	return batch_add(&tables->cursors, index, &cursor);
}

static void take_service(struct tables *tables, const struct table_entry *entry)
{
	struct gw_service *service = &tables->maps.services[entry->index];
	struct gw_vip_key key = vip_key(entry);

	memset(&tables->maps.retired[entry->index], 0, sizeof(struct gw_retired));
	service->vip = key.address;
	service->port = key.port;
	service->protocol = key.protocol;
	service->flags = 0;
	service->suspended = 0;
	__atomic_store_n(&service->use, GW_USE_TAKEN, __ATOMIC_RELEASE);
}

static int add(struct tables *tables, const struct tables_job *job, const struct plan_step *step)
{
	struct table_entry *entry = NULL;
	struct group *group;
	int err;

	err = group_make(tables, job->namespace, job->name, &group);
	if (err)
		return err;
	err = make_entry(tables, step->want, &entry);
	if (err == -ENOSPC) {
		struct table_entry unmade = {.vip = step->want->vip, .port = step->want->port};

		refuse(job, &unmade, "the Service", "raise --max-services");
	}
	if (!err)
		err = group_add(group, entry);
	if (err)
		goto fail;
	err = write_service_names(tables, job, entry);
	if (!err)
		err = scatter_cursor(tables, entry->index);
	if (err) {
		ids_give(&tables->service_ids, entry->index);
		group_remove(tables, group, entry);
		return err;
	}
	take_service(tables, entry);
	return change(tables, job, step, entry);
fail:
	if (entry)
		ids_give(&tables->service_ids, entry->index);
	entry_free(entry);
	group_drop_if_empty(tables, group);
	return err;
}

static struct table_entry *find_entry(struct tables *tables, const struct tables_job *job, uint32_t index)
{
	struct group *group = group_find(tables, job->namespace, job->name);

	for (size_t i = 0; group && i < group->count; i++)
		if (group->entries[i]->index == index)
			return group->entries[i];
	return NULL;
}

static int apply_step(struct tables *tables, const struct tables_job *job,
		      const struct plan_step *step)
{
	struct table_entry *entry;

	if (step->kind == PLAN_ADD)
		return add(tables, job, step);
	entry = find_entry(tables, job, step->have->index);
	if (!entry)
		return -ENOENT;
	if (step->kind == PLAN_WITHDRAW)
		return withdraw(tables, entry);
	return change(tables, job, step, entry);
}

int tables_apply(struct tables *tables, const struct tables_job *job)
{
	int result = 0, err;

	for (size_t i = 0; i < job->plan->count; i++) {
		err = apply_step(tables, job, &job->plan->steps[i]);
		if (err && err != -ENOSPC)
			return err;
		if (err)
			result = err;
	}
	tables->maps.meta->change_ns = now_ns();
	if (!job->more) {
		err = tables_flush(tables);
		if (err)
			return err;
	}
	return result;
}

int tables_flush(struct tables *tables)
{
	int err = batch_flush(&tables->cursors);

	return err ? err : batch_flush(&tables->backend_names);
}
