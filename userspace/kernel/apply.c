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
#include "kernel/tables_state.h"

static void refuse(const struct tables_job *job, const struct table_entry *entry, const char *what,
		   const char *remedy)
{
	char address[ADDR_PORT_TEXT_MAX];
	char message[GW_MESSAGE_MAX];

	snprintf(message, sizeof(message), "%s at %s: %s: %s", what,
		 addr_port_format(&entry->vip, entry->port, address), "no room is left", remedy);
	job->refuse(message, job->arg);
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
	service->rebalance_ms = entry->settings.rebalance_ms;
	service->drain_deadline_ms = entry->settings.drain_deadline_ms;
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

/* What the set in force was made by: the next plan must find it different. */
static void restore_set_settings(struct table_entry *entry, const struct settings *before)
{
	entry->settings.policy = before->policy;
	entry->settings.keep_percent = before->keep_percent;
}

static int change(struct tables *tables, const struct tables_job *job,
		  const struct plan_step *step, struct table_entry *entry)
{
	const struct service *service = step->want->service;
	const struct settings before = entry->settings;
	const uint32_t affinity_before = entry->affinity_timeout_s;
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
		full = tables_write_set(tables, entry, step->want);
	if (!err && full && full != -ENOSPC && full != -ENOBUFS)
		err = full;
	if (err) {
		/* Nothing was written: the next plan must find what it wants different. */
		entry->settings = before;
		entry->affinity_timeout_s = affinity_before;
		return err;
	}
	if (full == -ENOBUFS)
		restore_set_settings(entry, &before);
	write_settings(tables, entry);
	/* Better kube-proxy's choice than none at all. */
	nothing_fits = full && !entry->member_count;
	err = step->publish && !nothing_fits ? publish(tables, entry) : unpublish(tables, entry);
	if (!err && full)
		refuse(job, entry, full == -ENOBUFS ? "its set" : "backends",
		       full == -ENOBUFS ? "raise --max-services" : "raise --max-backends");
	return err || !full ? err : -ENOSPC;
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
