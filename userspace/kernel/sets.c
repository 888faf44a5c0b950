// SPDX-License-Identifier: Apache-2.0
/*
 * Replacing the set of a Service: backends for new members, a free range filled with members and
 * the policy's table, and then the one word that readers take.
 */
#include "kernel/sets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/addr.h"
#include "base/clock.h"
#include "kernel/compact.h"
#include "model/policy_table.h"

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
	shares_take(&tables->shares, entry->share, SHARE_BACKENDS, 1);
	backend = &tables->maps.backends[id];
	backend->address = member->address;
	backend->port = htons(member->port);
	backend->service = entry->index;
	backend->generation = tables->maps.meta->next_generation++;
	backend->drain_ns = 0;
	backend->steered_ns = 0;
	backend->steered_deadline_ms = 0;
	backend->steered_weight = 0;
	backend->wanted_weight = 0;
	backend->is_named = false;
	backend->down_until_ns = 0;
	__atomic_store_n(&backend->use, GW_USE_TAKEN, __ATOMIC_RELEASE);
	return 0;
}

static struct backend_ref *find_backend(const struct table_entry *entry,
					const struct member *member)
{
	size_t low = 0, high = entry->backend_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		struct backend_ref *ref = &entry->backends[middle];
		int order =
			addr_port_compare(&member->address, member->port, &ref->address, ref->port);

		if (!order)
			return ref;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

uint32_t tables_count_new_backends(const struct table_entry *entry, const struct choice *want)
{
	uint32_t count = 0;

	for (size_t i = 0; i < want->member_count; i++)
		count += !find_backend(entry, &want->members[i]);
	return count;
}

/* Make sure that every wanted member has a backend of this entry. There are ids enough. */
static int make_backends(struct tables *tables, struct table_entry *entry,
			 const struct choice *want)
{
	size_t known = entry->backend_count, count = known;
	struct backend_ref *refs, *ref;
	int err = 0;

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
	}
	entry->backend_count = count;
	if (count != known)
		qsort(refs, count, sizeof(*refs), backend_compare_refs);
	return err;
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
	if (err == -ENOSPC && range.length <= ranges_left(&tables->ranges)) {
		err = tables_compact(tables);
		if (!err)
			err = ranges_take(&tables->ranges, range.length, &range.base);
	}
	if (!err)
		*ret = range;
	return err == -ENOSPC ? -ENOBUFS : err;
}

/* A set on its way: those wanted that have a backend, and the policy's table over them. */
struct new_set {
	struct member *members; /* with the weights that they get */
	uint16_t *wanted;       /* for each, the weight that the Service asks for */
	size_t *refs;           /* and its place among the backends of the entry */
	size_t count;
	enum gw_policy policy;
	uint16_t table[GW_TABLE_MAX];
	size_t table_length;
	struct range range;
	uint16_t generation;
};

static void choose_members(const struct tables *tables, const struct table_entry *entry,
			   const struct choice *want, struct new_set *set)
{
	size_t place = 0;

	/* Both are in the same order. */
	for (size_t i = 0; i < want->member_count; i++) {
		const struct member *member = &want->members[i];
		int order = 1;

		while (place < entry->backend_count && order > 0) {
			const struct backend_ref *ref = &entry->backends[place];

			order = addr_port_compare(&member->address, member->port, &ref->address,
						  ref->port);
			place += order > 0;
		}
		if (order)
			continue;
		set->refs[set->count] = place;
		set->wanted[set->count] = member->weight;
		set->members[set->count] = *member;
		set->members[set->count++].weight =
			tables_weight(tables, entry->backends[place].id, member->weight);
	}
}

/* Fill a range that nobody reads yet. */
static void fill_range(struct tables *tables, const struct table_entry *entry,
		       const struct new_set *set)
{
	struct gw_set_header header = {
		.policy = set->policy,
		.keep_percent = entry->settings.keep_percent,
		.generation = set->generation,
		.table_length = (uint16_t)set->table_length,
	};
	struct gw_slot *slots = &tables->maps.slots[set->range.base];

	for (size_t i = 0; i < set->count; i++)
		if (header.most_weight < set->members[i].weight)
			header.most_weight = set->members[i].weight;
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

/* An endpoint that is away for less only moved, such as from one slice to another. */
#define AWAY_NS 1000000000u

static bool was_away(const struct tables *tables, const struct backend_ref *ref, uint64_t now)
{
	uint64_t drain_ns = tables->maps.backends[ref->id].drain_ns;

	return drain_ns && now - drain_ns >= AWAY_NS;
}

/* What this node found out about a backend is not true of one that has become ready since: it was
 * restarted, or mended. What clients suspect stays theirs, and the counters only rise. */
static int forget_health(struct tables *tables, uint32_t id, uint64_t now)
{
	struct gw_health health;

	tables->maps.backends[id].down_until_ns = 0;
	tables->maps.certificates[id].excluded_until_ns = 0;
	tables->maps.checked[id].is_down = 0;
	tables->maps.checked[id].in_a_row = 0;
	if (bpf_map_lookup_elem_flags(tables->maps.health_fd, &id, &health, BPF_F_LOCK))
		return -errno;
	if (!health.is_ejected && !health.failed_until_ns && !health.doublings && !health.failures)
		return 0;
	health.is_ejected = 0;
	health.ejected_until_ns = 0;
	health.lease_until_ns = 0;
	health.failed_until_ns = 0;
	health.failed_client = 0;
	health.doublings = 0;
	health.failures = 0;
	/* What was on its way before says nothing either. */
	health.changed_ns = now;
	health.changed_client = 0;
	return bpf_map_update_elem(tables->maps.health_fd, &id, &health, BPF_F_LOCK) ? -errno : 0;
}

/* Before anybody can choose them. */
static int forget_returning(struct tables *tables, const struct table_entry *entry,
			    const struct new_set *set)
{
	uint64_t now = clock_now_ns();
	int err = 0;

	for (size_t i = 0; i < set->count && !err; i++) {
		const struct backend_ref *ref = &entry->backends[set->refs[i]];

		if (!ref->is_member && was_away(tables, ref, now))
			err = forget_health(tables, ref->id, now);
	}
	return err;
}

/* All other backends are leaving. */
static int note_members(struct tables *tables, struct table_entry *entry, const struct new_set *set)
{
	struct present_member *members;
	uint64_t now = clock_now_ns();

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
			.weight = set->wanted[i],
			.is_named = set->members[i].is_named,
			.names = ref->names,
		};
	}
	tables->leaving += entry->backend_count - entry->member_count;
	return 0;
}

/* What session affinity asks of a backend that is not looked for in a set; and what the Service asks
 * for, by which the next agent tells what is in force. */
static void write_weights(struct tables *tables, const struct table_entry *entry)
{
	const struct present_member *member = entry->members;

	for (size_t i = 0; i < entry->backend_count; i++) {
		const struct backend_ref *ref = &entry->backends[i];
		struct gw_backend *backend = &tables->maps.backends[ref->id];

		if (!ref->is_member) {
			tables_set_weight(tables, ref->id, 0);
			continue;
		}
		tables_set_weight(tables, ref->id, tables_weight(tables, ref->id, member->weight));
		backend->wanted_weight = member->weight;
		backend->is_named = member->is_named;
		member++;
	}
}

static void account_table(struct tables *tables, struct table_entry *entry, uint32_t slots)
{
	if (slots < entry->table_slots)
		tables->releases++;
	shares_give(&tables->shares, entry->share, SHARE_TABLES, entry->table_slots);
	shares_take(&tables->shares, entry->share, SHARE_TABLES, slots);
	entry->table_slots = slots;
}

static int put_set(struct tables *tables, struct table_entry *entry, struct new_set *set)
{
	struct range old;
	int err = 0;

	if (set->count)
		err = take_range(tables, set_slots(set->count, set->table_length), &set->range);
	if (err)
		return err;
	/* Only now: it may just have been moved. */
	old = entry->range;
	set->generation = (uint16_t)(entry->generation + 1);
	err = forget_returning(tables, entry, set);
	if (!err)
		err = note_members(tables, entry, set);
	if (err) {
		ranges_release(&tables->ranges, &set->range);
		return err;
	}
	if (set->count)
		fill_range(tables, entry, set);
	entry->generation = set->generation;
	entry->range = set->range;
	account_table(tables, entry, table_slots(set->table_length));
	__atomic_store_n(&tables->maps.sets[entry->index],
			 GW_SET_WORD(set->range.base, set->generation, set->count),
			 __ATOMIC_RELEASE);
	write_weights(tables, entry);
	return tables_retire_range(tables, old);
}

/* The policy's table, if the namespace has room for it, or the policy that comes nearest. Returns
 * whether there is room. */
static bool make_table(const struct tables *tables, const struct table_entry *entry,
		       struct new_set *set)
{
	uint32_t slots;

	set->policy = entry->settings.policy;
	set->table_length = policy_table_fill(set->policy, set->members, set->count, set->table);
	slots = table_slots(set->table_length);
	if (slots <= entry->table_slots ||
	    shares_may_take(&tables->shares, entry->share, SHARE_TABLES,
			    slots - entry->table_slots))
		return true;
	set->policy = policy_without_table(set->policy);
	set->table_length = 0;
	return false;
}

/* A set without a table has room, but for maps that an older version made and filled. */
static int put_set_somehow(struct tables *tables, struct table_entry *entry, struct new_set *set,
			   enum lack *lack)
{
	int err;

	*lack = make_table(tables, entry, set) ? LACK_NOTHING : LACK_TABLE;
	err = put_set(tables, entry, set);
	if (err == -ENOBUFS && set->table_length) {
		set->policy = policy_without_table(set->policy);
		set->table_length = 0;
		*lack = LACK_TABLE;
		err = put_set(tables, entry, set);
	}
	if (err != -ENOBUFS)
		return err;
	*lack = LACK_SET;
	return 0;
}

static void free_set(struct new_set *set)
{
	free(set->members);
	free(set->wanted);
	free(set->refs);
	free(set);
}

static struct new_set *make_set(size_t most)
{
	struct new_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->members = calloc(most + 1, sizeof(*set->members));
	set->wanted = calloc(most + 1, sizeof(*set->wanted));
	set->refs = calloc(most + 1, sizeof(*set->refs));
	if (set->members && set->wanted && set->refs)
		return set;
	free_set(set);
	return NULL;
}

int tables_write_set(struct tables *tables, struct table_entry *entry, const struct choice *want,
		     enum lack *lack)
{
	struct new_set *set;
	int err;

	if (!shares_may_take(&tables->shares, entry->share, SHARE_BACKENDS,
			     tables_count_new_backends(entry, want))) {
		tables->is_short = true;
		*lack = LACK_BACKENDS;
		return 0;
	}
	set = make_set(want->member_count);
	if (!set)
		return -ENOMEM;
	err = make_backends(tables, entry, want);
	if (!err) {
		choose_members(tables, entry, want, set);
		err = put_set_somehow(tables, entry, set, lack);
	}
	free_set(set);
	return err;
}

int tables_write_set_again(struct tables *tables, struct table_entry *entry, enum lack *lack)
{
	struct choice want = {.member_count = entry->member_count};
	struct new_set *set = make_set(entry->member_count);
	int err = -ENOMEM;

	want.members = calloc(entry->member_count + 1, sizeof(*want.members));
	if (!set || !want.members)
		goto out;
	for (size_t i = 0; i < entry->member_count; i++)
		want.members[i] = (struct member){
			.address = entry->members[i].address,
			.port = entry->members[i].port,
			.weight = entry->members[i].weight,
			.is_named = entry->members[i].is_named,
		};
	choose_members(tables, entry, &want, set);
	err = put_set_somehow(tables, entry, set, lack);
out:
	if (set)
		free_set(set);
	free(want.members);
	return err;
}
