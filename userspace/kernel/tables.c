// SPDX-License-Identifier: Apache-2.0
#include "kernel/tables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/addr.h"
#include "base/clock.h"
#include "kernel/adopt.h"
#include "kernel/recount.h"
#include "kernel/registry.h"

static int make_grace_maps(struct tables *tables)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	tables->grace_inner_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "gw_grace_inner", sizeof(__u32),
						sizeof(__u32), 1, NULL);
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

/* Of a half of gw_slots tables may have what all Services, all backends and one set more do not need
 * for themselves: so a set without a table always has room. */
static void limit_shares(struct tables *tables)
{
	size_t plain = tables->maps.services_count + tables->maps.backends_count +
		       set_slots(GW_SET_MAX, GW_TABLE_MAX);
	size_t half = tables->maps.slots_count / 2;

	tables->shares.limit[SHARE_SERVICES] = (uint32_t)tables->maps.services_count;
	tables->shares.limit[SHARE_BACKENDS] = (uint32_t)tables->maps.backends_count;
	tables->shares.limit[SHARE_TABLES] = half > plain ? (uint32_t)(half - plain) : 0;
	tables->shares.limit[SHARE_EXCEPTED] = GW_EXCEPTED_MAX;
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
	limit_shares(tables);
	tables->pin_dir = strdup(pin_dir);
	err = tables->pin_dir ? make_grace_maps(tables) : -ENOMEM;
	if (!err)
		err = make_batches(tables);
	if (!err)
		err = tables_filter_open(tables);
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
	tables_end_audit(tables);
	maps_close(&tables->maps);
	tdestroy(tables->groups, group_free);
	shares_done(&tables->shares);
	ranges_done(&tables->ranges);
	free(tables->filtered);
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
		.is_lacking = entry->lack != LACK_NOTHING,
		.settings = entry->settings,
		.affinity_timeout_s = entry->affinity_timeout_s,
		.message = entry->message,
		.members = entry->members,
		.member_count = entry->member_count,
		.excepted = entry->excepted,
		.excepted_count = entry->excepted_count,
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

uint64_t tables_releases(const struct tables *tables)
{
	return tables->releases;
}

struct gw_meta *tables_meta(struct tables *tables)
{
	return tables->maps.meta;
}

int tables_own_socket(struct tables *tables, int fd)
{
	const struct gw_conn own = {.backend = GW_OWN_BACKEND};

	return bpf_map_update_elem(tables->maps.conns_fd, &fd, &own, BPF_ANY) ? -errno : 0;
}

int tables_ask_socket(struct tables *tables, int fd)
{
	const struct gw_conn ask = {.backend = GW_PROOF_BACKEND};

	return bpf_map_update_elem(tables->maps.conns_fd, &fd, &ask, BPF_ANY) ? -errno : 0;
}

bool tables_is_answered(struct tables *tables, int fd)
{
	struct gw_conn conn;

	return !bpf_map_lookup_elem(tables->maps.conns_fd, &fd, &conn) &&
	       conn.backend == GW_CANARY_BACKEND;
}

static bool has_stepped_aside(const struct gw_meta *meta)
{
	return meta->suspended ||
	       (meta->stale_after_ns && clock_now_ns() - meta->heartbeat_ns > meta->stale_after_ns);
}

bool tables_is_balanced(struct tables *tables, uint32_t index, struct gw_vip_key *key)
{
	const struct gw_service *service = &tables->maps.services[index];
	uint32_t found;

	if (service->use != GW_USE_TAKEN || service->suspended ||
	    has_stepped_aside(tables->maps.meta))
		return false;
	*key = (struct gw_vip_key){
		.address = service->vip,
		.port = service->port,
		.protocol = service->protocol,
	};
	return !bpf_map_lookup_elem(tables->maps.vips_fd, key, &found) && found == index;
}

const char *tables_service_text(const struct tables *tables, uint32_t index,
				char buf[TABLES_SERVICE_TEXT_MAX])
{
	struct gw_service_names names = {0};

	bpf_map_lookup_elem(tables->maps.service_names_fd, &index, &names);
	snprintf(buf, TABLES_SERVICE_TEXT_MAX, "%.62s/%.63s", names.namespace, names.name);
	return buf;
}

size_t tables_services(const struct tables *tables, struct gw_service **ret)
{
	*ret = tables->maps.services;
	return tables->maps.services_count;
}

void tables_tell_learnt(struct tables *tables, uint32_t service, uint32_t quiet_ms,
			uint32_t longest_wait_ms)
{
	if (service >= tables->maps.retired_count)
		return;
	tables->maps.retired[service].learnt_quiet_ms = quiet_ms;
	tables->maps.retired[service].longest_wait_ms = longest_wait_ms;
}

static bool is_backend(const struct tables *tables, uint32_t id, uint32_t generation)
{
	return id < tables->maps.backends_count && tables->maps.backends[id].use == GW_USE_TAKEN &&
	       tables->maps.backends[id].generation == generation;
}

bool tables_name_service(const struct tables *tables, uint32_t index, struct tables_names *ret)
{
	const struct gw_service *service;

	*ret = (struct tables_names){0};
	if (index >= tables->maps.services_count)
		return false;
	service = &tables->maps.services[index];
	ret->vip = service->vip;
	ret->vip_port = ntohs(service->port);
	return service->use == GW_USE_TAKEN &&
	       !bpf_map_lookup_elem(tables->maps.service_names_fd, &index, &ret->service);
}

bool tables_name_backend(const struct tables *tables, uint32_t id, uint32_t generation,
			 struct tables_names *ret)
{
	const struct gw_backend *backend;

	*ret = (struct tables_names){0};
	if (!is_backend(tables, id, generation))
		return false;
	backend = &tables->maps.backends[id];
	tables_name_service(tables, backend->service, ret);
	bpf_map_lookup_elem(tables->maps.backend_names_fd, &id, &ret->backend);
	ret->address = backend->address;
	ret->port = ntohs(backend->port);
	return true;
}

const char *tables_backend_text(const struct tables *tables, uint32_t id, uint32_t generation,
				char buf[TABLES_BACKEND_TEXT_MAX])
{
	char address[ADDR_PORT_TEXT_MAX];
	struct tables_names names;
	bool has_pod;

	if (!tables_name_backend(tables, id, generation, &names)) {
		snprintf(buf, TABLES_BACKEND_TEXT_MAX, "a backend that is gone");
		return buf;
	}
	has_pod = *names.backend.pod;
	snprintf(buf, TABLES_BACKEND_TEXT_MAX, "%.64s/%.64s %s%s%.253s%s", names.service.namespace,
		 names.service.name, addr_port_format(&names.address, names.port, address),
		 has_pod ? " (" : "", names.backend.pod, has_pod ? ")" : "");
	return buf;
}

void tables_count_moved(struct tables *tables, uint32_t id, uint32_t generation, bool is_drain)
{
	struct gw_counters *counters = &tables->maps.counters[id];

	if (is_backend(tables, id, generation))
		__atomic_fetch_add(is_drain ? &counters->drained : &counters->rebalanced, 1,
				   __ATOMIC_RELAXED);
}
