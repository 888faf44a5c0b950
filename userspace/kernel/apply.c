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
#include "base/clock.h"
#include "kernel/registry.h"
#include "kernel/sets.h"

/* What there is no room for, whose it is, and the limit to raise. */
static void describe_lack(const struct tables *tables, const struct share *share,
			  enum share_kind kind, uint32_t wanted, char message[GW_MESSAGE_MAX])
{
	static const struct {
		const char *what;
		const char *remedy;
	} words[] = {
		[SHARE_SERVICES] = {"Services", "raise --max-services"},
		[SHARE_BACKENDS] = {"backends", "raise --max-backends"},
		[SHARE_TABLES] = {"slots of policy tables", "raise --max-services"},
		[SHARE_EXCEPTED] = {"pods of clients-except, which are balanced", "name fewer"},
	};

	snprintf(
		message, GW_MESSAGE_MAX,
		"no room is left for %u more %s: namespace '%s' has %u of %u at most, of the limit "
		"of %u: %s",
		wanted, words[kind].what, share->namespace, share->used[kind],
		shares_most(&tables->shares, share, kind), tables->shares.limit[kind],
		words[kind].remedy);
}

static void refuse(const struct tables_job *job, const struct gw_addr *vip, uint16_t port,
		   const char *text)
{
	char message[GW_MESSAGE_MAX + ADDR_PORT_TEXT_MAX];
	char address[ADDR_PORT_TEXT_MAX];

	snprintf(message, sizeof(message), "%s: %s", addr_port_format(vip, port, address), text);
	job->refuse(message, job->arg);
}

static int write_service_names(struct tables *tables, const struct tables_job *job,
			       const struct table_entry *entry)
{
	struct gw_service_names names = {0};

	copy_text(names.namespace, sizeof(names.namespace), job->namespace);
	copy_text(names.name, sizeof(names.name), job->name);
	copy_text(names.port_name, sizeof(names.port_name), entry->port_name);
	copy_text(names.message, sizeof(names.message), entry->shown);
	/* At once: an entry without a name could not be adopted. */
	return bpf_map_update_elem(tables->maps.service_names_fd, &entry->index, &names, BPF_ANY)
		       ? -errno
		       : 0;
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
	if (err)
		return err;
	tables_filter_add(tables, &key);
	if (bpf_map_update_elem(tables->maps.vips_fd, &key, &entry->index, BPF_NOEXIST))
		err = -errno;
	if (err)
		tables_filter_remove(tables, &key);
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
	tables_filter_remove(tables, &key);
	entry->published = false;
	entry->unpublished_ns = clock_now_ns();
	tables->vip_deleted = true;
	return 0;
}

static uint32_t flags_of(const struct table_entry *entry)
{
	return (entry->withdrawn ? GW_SERVICE_WITHDRAWN : 0) |
	       (entry->message[0] ? GW_SERVICE_INVALID : 0) |
	       (entry_is_without_room(entry) ? GW_SERVICE_NO_ROOM : 0) |
	       (entry->settings.moves_down ? GW_SERVICE_MOVE_DOWN : 0) |
	       (entry->excepted_count ? GW_SERVICE_EXCEPTS : 0);
}

static void write_settings(struct tables *tables, const struct table_entry *entry)
{
	struct gw_service *service = &tables->maps.services[entry->index];

	service->flags = flags_of(entry) | (service->flags & GW_SERVICE_LOOK);
	service->connect_timeout_ms = entry->settings.connect_timeout_ms;
	service->dead_peer_timeout_ms = entry->settings.dead_peer_timeout_ms;
	service->eject_base_ms = entry->settings.eject_base_ms;
	service->eject_max_ms = entry->settings.eject_max_ms;
	service->affinity_timeout_s = entry->affinity_timeout_s;
	service->rebalance_ms = entry->settings.rebalance_ms;
	service->drain_deadline_ms = entry->settings.drain_deadline_ms;
	tables->maps.tls[entry->index] = entry->settings.tls;
	tables->maps.checks[entry->index] = entry->settings.check;
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

/* Say what the entry lacks, to whoever asked for it and to people. The numbers may be those of an
 * earlier try: the names are written anew only if what it lacks is another thing. */
static int note_lack(struct tables *tables, const struct tables_job *job, struct table_entry *entry,
		     const struct choice *want, enum lack lack)
{
	char text[GW_MESSAGE_MAX] = "";
	const char *shown = lack < LACK_BACKENDS && entry->message[0] ? entry->message : text;
	bool is_known = lack && lack == entry->lack && shown == text;
	int err = 0;

	if (lack == LACK_BACKENDS)
		describe_lack(tables, entry->share, SHARE_BACKENDS,
			      tables_count_new_backends(entry, want), text);
	else if (lack)
		describe_lack(tables, entry->share, SHARE_TABLES,
			      table_slots(GW_TABLE_MAX) - entry->table_slots, text);
	if (lack)
		refuse(job, &entry->vip, entry->port, text);
	entry->lack = lack;
	if (is_known || !strcmp(entry->shown, shown))
		return 0;
	err = replace_text(&entry->shown, shown);
	if (!err)
		err = write_service_names(tables, job, entry);
	return err;
}

static void refuse_missing(const struct tables *tables, const struct tables_job *job,
			   const struct table_entry *entry, uint32_t missing)
{
	char text[GW_MESSAGE_MAX];

	describe_lack(tables, entry->share, SHARE_EXCEPTED, missing, text);
	refuse(job, &entry->vip, entry->port, text);
}

/* The settings, and connects find it or do not. Whom it excepts is known before they find it, and
 * forgotten after. */
static int put_in_force(struct tables *tables, const struct tables_job *job,
			const struct plan_step *step, struct table_entry *entry)
{
	struct stale_excepted stale;
	uint32_t missing;
	int err = tables_add_excepted(tables, entry, step->want, &stale, &missing);

	if (err)
		return err;
	write_settings(tables, entry);
	if (step->publish && !entry_is_without_room(entry))
		err = publish(tables, entry);
	else
		err = unpublish(tables, entry);
	tables_remove_excepted(tables, entry, &stale);
	if (missing)
		refuse_missing(tables, job, entry, missing);
	return err || !missing ? err : -ENOSPC;
}

/* In force as wanted, or left to kube-proxy: a set that was wanted once may name pods that are gone
 * and addresses that are somebody else's by now. */
static int change(struct tables *tables, const struct tables_job *job, const struct plan_step *step,
		  struct table_entry *entry)
{
	const struct service *service = step->want->service;
	const struct settings before = entry->settings;
	const uint32_t affinity_before = entry->affinity_timeout_s;
	enum lack lack = LACK_NOTHING;
	int err;

	err = replace_text(&entry->message, service->invalid);
	if (err)
		return err;
	entry->settings = service->settings;
	entry->affinity_timeout_s = service_affinity_s(service);
	entry->withdrawn = false;
	err = tables_write_set(tables, entry, step->want, &lack);
	if (!err)
		err = note_lack(tables, job, entry, step->want, lack);
	if (err) {
		/* The next plan must find what it wants different. */
		entry->settings = before;
		entry->affinity_timeout_s = affinity_before;
		return err;
	}
	err = put_in_force(tables, job, step, entry);
	/* Until tables_collect() has emptied it. */
	tables->leaving += entry_is_without_room(entry);
	return err || !lack ? err : -ENOSPC;
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
	entry->shown = strdup("");
	err = entry->port_name && entry->message && entry->shown ? 0 : -ENOMEM;
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
	memset(&tables->maps.tls[entry->index], 0, sizeof(struct gw_tls));
	memset(&tables->maps.checks[entry->index], 0, sizeof(struct gw_check));
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
	char text[GW_MESSAGE_MAX];
	struct group *group;
	int err;

	err = group_make(tables, job->namespace, job->name, &group);
	if (err)
		return err;
	if (!shares_may_take(&tables->shares, group->share, SHARE_SERVICES, 1)) {
		describe_lack(tables, group->share, SHARE_SERVICES, 1, text);
		refuse(job, &step->want->vip, step->want->port, text);
		group_drop_if_empty(tables, group);
		return -ENOSPC;
	}
	err = make_entry(tables, step->want, &entry);
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
	shares_take(&tables->shares, entry->share, SHARE_SERVICES, 1);
	take_service(tables, entry);
	return change(tables, job, step, entry);
fail:
	if (entry)
		ids_give(&tables->service_ids, entry->index);
	entry_free(entry);
	group_drop_if_empty(tables, group);
	return err;
}

static struct table_entry *find_entry(struct tables *tables, const struct tables_job *job,
				      uint32_t index)
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
	/* What is refused is planned again each second, and mostly to no effect. */
	if (job->plan->count)
		tables->maps.meta->change_ns = clock_now_ns();
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
