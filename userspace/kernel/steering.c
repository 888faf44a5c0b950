// SPDX-License-Identifier: Apache-2.0
/*
 * What commands ask of backends. It is written beside the backend first and into the set then: an
 * agent that finds the first without the second completes it (adopt.c).
 */
#include "kernel/tables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <search.h>

#include "base/addr.h"
#include "base/clock.h"
#include "kernel/registry.h"
#include "kernel/sets.h"

bool tables_find_service(const struct tables *tables, const struct gw_addr *vip, uint16_t port,
			 uint32_t *ret)
{
	for (size_t i = 0; i < tables->maps.services_count; i++) {
		const struct gw_service *service = &tables->maps.services[i];

		if (service->use != GW_USE_TAKEN || service->flags & GW_SERVICE_WITHDRAWN ||
		    ntohs(service->port) != port || addr_compare(&service->vip, vip))
			continue;
		*ret = (uint32_t)i;
		return true;
	}
	return false;
}

bool tables_find_backend(const struct tables *tables, const struct tables_endpoint *endpoint,
			 struct backend_id *ret)
{
	uint32_t service;

	if (!tables_find_service(tables, &endpoint->vip, endpoint->vip_port, &service))
		return false;
	for (size_t i = 0; i < tables->maps.backends_count; i++) {
		const struct gw_backend *backend = &tables->maps.backends[i];

		if (backend->use != GW_USE_TAKEN || backend->service != service ||
		    ntohs(backend->port) != endpoint->port ||
		    addr_compare(&backend->address, &endpoint->address))
			continue;
		*ret = (struct backend_id){(uint32_t)i, backend->generation};
		return true;
	}
	return false;
}

static struct gw_backend *find(const struct tables *tables, struct backend_id id)
{
	struct gw_backend *backend;

	if (id.id >= tables->maps.backends_count)
		return NULL;
	backend = &tables->maps.backends[id.id];
	return backend->use == GW_USE_TAKEN && backend->generation == id.generation ? backend
										    : NULL;
}

int tables_steering(const struct tables *tables, struct backend_id backend, struct steering *ret)
{
	const struct gw_backend *entry = find(tables, backend);

	if (!entry)
		return -ESTALE;
	*ret = (struct steering){
		.weight = entry->steered_weight,
		.is_drained = entry->steered_ns,
		.deadline_ms = entry->steered_deadline_ms,
	};
	return 0;
}

struct search {
	uint32_t service;
	struct table_entry *found;
};

static void look_at_group(const void *node, VISIT which, void *closure)
{
	const struct group *group = *(struct group *const *)node;
	struct search *search = closure;

	if (which != postorder && which != leaf)
		return;
	for (size_t i = 0; i < group->count; i++)
		if (group->entries[i]->index == search->service)
			search->found = group->entries[i];
}

static struct table_entry *entry_of(const struct tables *tables, const struct gw_backend *backend)
{
	struct search search = {.service = backend->service};

	twalk_r(tables->groups, look_at_group, &search);
	return search.found;
}

static bool is_timed(const struct gw_backend *backend)
{
	return backend->steered_ns && backend->steered_deadline_ms;
}

/* The time last: without it the rest says nothing. */
static void write_steering(struct tables *tables, struct gw_backend *backend,
			   const struct steering *want)
{
	tables->timed -= is_timed(backend);
	backend->steered_weight = want->weight;
	backend->steered_deadline_ms = want->is_drained ? want->deadline_ms : 0;
	__atomic_store_n(&backend->steered_ns, want->is_drained ? clock_now_ns() : 0,
			 __ATOMIC_RELEASE);
	tables->timed += is_timed(backend);
}

/* Back to what it was; of a set that could not be written nothing was replaced. */
static void take_back(struct tables *tables, struct gw_backend *backend,
		      const struct gw_backend *before)
{
	tables->timed -= is_timed(backend);
	backend->steered_weight = before->steered_weight;
	backend->steered_deadline_ms = before->steered_deadline_ms;
	backend->steered_ns = before->steered_ns;
	tables->timed += is_timed(backend);
}

int tables_steer(struct tables *tables, struct backend_id id, const struct steering *want)
{
	struct gw_backend *backend = find(tables, id);
	struct table_entry *entry = backend ? entry_of(tables, backend) : NULL;
	enum lack lack = LACK_NOTHING;
	struct gw_backend before;
	int err;

	if (!entry)
		return -ESTALE;
	before = *backend;
	write_steering(tables, backend, want);
	err = entry->member_count ? tables_write_set_again(tables, entry, &lack) : 0;
	if (!err && lack >= LACK_BACKENDS)
		err = -ENOSPC;
	if (err) {
		take_back(tables, backend, &before);
		return err;
	}
	/* It is planned again with the next change, and gets its table if there is room by then. */
	if (lack && !entry->lack)
		entry->lack = lack;
	tables->maps.meta->change_ns = clock_now_ns();
	return 0;
}

bool tables_has_timed_drain(const struct tables *tables)
{
	return tables->timed;
}

size_t tables_takers(const struct tables *tables, struct backend_id id)
{
	const struct gw_backend *backend = find(tables, id);
	const struct table_entry *entry = backend ? entry_of(tables, backend) : NULL;
	size_t count = 0;

	for (size_t i = 0; entry && i < entry->backend_count; i++)
		count += entry->backends[i].is_member &&
			 tables->maps.backends[entry->backends[i].id].weight > 0;
	return count;
}
