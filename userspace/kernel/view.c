// SPDX-License-Identifier: Apache-2.0
#include "kernel/view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/batch.h"
#include "kernel/maps.h"
#include "kernel/view_order.h"
#include "kernel/words.h"

struct view {
	struct maps maps;
	uint64_t now_ns;
	struct view_meta meta;
	struct gw_meta meta_copy;
	struct gw_service_names *service_names; /* by service index */
	struct words words; /* the names of backends */
	int err;            /* the first one that a reading of names met */
	struct view_service *services;
	size_t service_count;
	struct view_backend *backends;
	size_t backend_count;
	struct view_backend **by_id;
	uint64_t reasons[GW_REASON_MAX_];
};

static double age_seconds(const struct view *view, uint64_t then_ns)
{
	if (!then_ns)
		return -1;
	return then_ns < view->now_ns ? (double)(view->now_ns - then_ns) / 1e9 : 0;
}

static void read_meta(struct view *view)
{
	struct gw_meta *meta = &view->meta_copy;

	view->now_ns = clock_now_ns();
	*meta = *view->maps.meta;
	view->meta = (struct view_meta){
		.abi = meta->abi,
		.max_services = meta->max_services,
		.max_backends = meta->max_backends,
		.agent_pid = meta->agent_pid,
		.heartbeat_age_seconds = age_seconds(view, meta->heartbeat_ns),
		.change_age_seconds = age_seconds(view, meta->change_ns),
		.source = meta->source,
		.source_synced = meta->source_synced,
		.suspended = meta->suspended,
		.stepped_aside = meta->stale_after_ns && meta->heartbeat_ns < view->now_ns &&
				 view->now_ns - meta->heartbeat_ns > meta->stale_after_ns,
		.covers_pods = meta->covers_pods,
		.node = meta->node,
		.zone = meta->zone,
		.version = meta->version,
	};
}

static void read_live(struct view *view)
{
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		view->meta.live_age_seconds[i] = age_seconds(view, view->meta_copy.live_ns[i]);
}

static void read_reasons(struct view *view)
{
	for (size_t cpu = 0; cpu < view->maps.reasons_count; cpu++)
		for (int i = 0; i < GW_REASON_MAX_; i++)
			view->reasons[i] += view->maps.reasons[cpu].count[i];
}

static enum view_service_state service_state(const struct view *view,
					     const struct gw_service *service, uint64_t word)
{
	if (view->meta.suspended || service->suspended)
		return VIEW_SERVICE_SUSPENDED;
	if (service->flags & GW_SERVICE_INVALID)
		return VIEW_SERVICE_INVALID;
	if (view->meta.stepped_aside)
		return VIEW_SERVICE_STEPPED_ASIDE;
	return GW_SET_COUNT(word) ? VIEW_SERVICE_READY : VIEW_SERVICE_NO_BACKENDS;
}

static void add_service(struct view *view, uint32_t index)
{
	const struct gw_service *from = &view->maps.services[index];
	const struct gw_retired *retired = &view->maps.retired[index];
	struct gw_service_names *names = &view->service_names[index];
	uint64_t word = view->maps.sets[index];
	const struct gw_set_header *header;

	if (!*names->name || from->flags & GW_SERVICE_WITHDRAWN)
		return;
	header = (const struct gw_set_header *)&view->maps.slots[GW_SET_BASE(word)];
	view->services[view->service_count++] = (struct view_service){
		.index = index,
		.namespace = names->namespace,
		.name = names->name,
		.port_name = names->port_name,
		.address = from->vip,
		.port = ntohs(from->port),
		.policy = GW_SET_COUNT(word) ? header->policy : GW_POLICY_LC,
		.state = service_state(view, from, word),
		.message = names->message,
		.counters = retired->gone,
		.no_backends = retired->no_backends,
	};
}

static void put_service_names(uint32_t index, const void *names, void *arg)
{
	struct view *view = arg;

	if (index < view->maps.services_count)
		memcpy(&view->service_names[index], names, sizeof(*view->service_names));
}

static int read_services(struct view *view)
{
	size_t count = view->maps.services_count;
	int err;

	view->service_names = calloc(count, sizeof(*view->service_names));
	view->services = calloc(count, sizeof(*view->services));
	if (!view->service_names || !view->services)
		return -ENOMEM;
	err = batch_read(view->maps.service_names_fd, sizeof(*view->service_names),
			 put_service_names, view);
	if (err)
		return err;
	for (size_t i = 0; i < count; i++)
		if (view->maps.services[i].use == GW_USE_TAKEN)
			add_service(view, (uint32_t)i);
	return 0;
}

static void add_backend(struct view *view, uint32_t id)
{
	const struct gw_backend *from = &view->maps.backends[id];
	const struct gw_service *service = &view->maps.services[from->service];
	const struct gw_service_names *service_names = &view->service_names[from->service];

	view->by_id[id] = &view->backends[view->backend_count];
	view->backends[view->backend_count++] = (struct view_backend){
		.id = id,
		.generation = from->generation,
		.namespace = service_names->namespace,
		.service = service_names->name,
		.service_port_name = service_names->port_name,
		.service_address = service->vip,
		.service_port = ntohs(service->port),
		.address = from->address,
		.port = ntohs(from->port),
		.pod = "",
		.node = "",
		.zone = "",
		.state = VIEW_BACKEND_LEAVING,
		.active = GW_LOAD_ACTIVE(view->maps.loads[id]),
		.counters = view->maps.counters[id],
	};
}

static const char *keep_word(struct view *view, const char *text)
{
	const char *word = words_add(&view->words, text);

	if (word)
		return word;
	view->err = -ENOMEM;
	return "";
}

static void put_backend_names(uint32_t id, const void *value, void *arg)
{
	struct view *view = arg;
	struct view_backend *backend = id < view->maps.backends_count ? view->by_id[id] : NULL;
	const struct gw_backend_names *names = value;

	if (!backend)
		return;
	backend->pod = keep_word(view, names->pod);
	backend->node = keep_word(view, names->node);
	backend->zone = keep_word(view, names->zone);
}

static int read_backends(struct view *view)
{
	size_t used = 0;
	int err;

	for (size_t i = 0; i < view->maps.backends_count; i++)
		used += view->maps.backends[i].use == GW_USE_TAKEN;
	view->backends = calloc(used + 1, sizeof(*view->backends));
	view->by_id = calloc(view->maps.backends_count, sizeof(*view->by_id));
	if (!view->backends || !view->by_id)
		return -ENOMEM;
	for (size_t i = 0; i < view->maps.backends_count && view->backend_count < used; i++)
		if (view->maps.backends[i].use == GW_USE_TAKEN &&
		    view->maps.backends[i].service < view->maps.services_count)
			add_backend(view, (uint32_t)i);
	err = batch_read(view->maps.backend_names_fd, sizeof(struct gw_backend_names),
			 put_backend_names, view);
	return err ? err : view->err;
}

static void mark_health(uint32_t id, const void *value, void *arg)
{
	struct view *view = arg;
	struct view_backend *backend = id < view->maps.backends_count ? view->by_id[id] : NULL;
	const struct gw_health *health = value;

	if (!backend)
		return;
	backend->ejections = health->ejections;
	if (!health->is_ejected || backend->state != VIEW_BACKEND_USABLE)
		return;
	backend->state = health->lease_until_ns > view->now_ns ? VIEW_BACKEND_PROBING
								: VIEW_BACKEND_EJECTED;
	if (health->ejected_until_ns > view->now_ns)
		backend->ejected_remaining_seconds =
			(double)(health->ejected_until_ns - view->now_ns) / 1e9;
}

/* Those in the set of a Service are in use; the rest are leaving. */
static void mark_members(struct view *view, const struct view_service *service)
{
	uint64_t word = view->maps.sets[service->index];
	const struct gw_slot *slots = &view->maps.slots[GW_SET_BASE(word)];
	struct view_backend *backend;

	for (uint32_t i = 1; i <= GW_SET_COUNT(word); i++) {
		if (slots[i].backend >= view->maps.backends_count)
			continue;
		backend = view->by_id[slots[i].backend];
		if (!backend)
			continue;
		backend->weight = slots[i].weight;
		backend->state = backend->weight ? VIEW_BACKEND_USABLE : VIEW_BACKEND_DRAINING;
	}
}

static void mark_suspects(struct view *view)
{
	struct gw_suspect_key key, *previous = NULL;
	struct view_backend *backend;
	struct gw_suspect suspect;

	/* An LRU map may go round in circles while it changes: it holds no more than this. */
	for (size_t i = 0; i < 2 * 16384; i++) {
		if (bpf_map_get_next_key(view->maps.suspects_fd, previous, &key))
			return;
		previous = &key;
		if (bpf_map_lookup_elem(view->maps.suspects_fd, &key, &suspect))
			continue;
		backend = (struct view_backend *)view_find_backend(view, key.backend,
								   key.backend_generation);
		if (!backend)
			continue;
		if (suspect.failures > backend->consecutive_failures)
			backend->consecutive_failures = suspect.failures;
		if (suspect.until_ns > view->now_ns && backend->state == VIEW_BACKEND_USABLE)
			backend->state = VIEW_BACKEND_SUSPECT;
	}
}

static int sum_up(struct view *view)
{
	struct view_service **by_index = calloc(view->maps.services_count, sizeof(*by_index));

	if (!by_index)
		return -ENOMEM;
	for (size_t i = 0; i < view->service_count; i++)
		by_index[view->services[i].index] = &view->services[i];
	for (size_t i = 0; i < view->backend_count; i++) {
		struct view_backend *backend = &view->backends[i];
		struct view_service *service =
			by_index[view->maps.backends[backend->id].service];

		if (!service)
			continue;
		service->backends++;
		service->usable += backend->state == VIEW_BACKEND_USABLE ||
				   backend->state == VIEW_BACKEND_SUSPECT;
		service->active += backend->active;
		counters_add(&service->counters, &backend->counters);
	}
	free(by_index);
	return 0;
}

static int arrange(struct view *view)
{
	int err;

	view_order_services(view->services, view->service_count);
	view_order_backends(view->backends, view->backend_count);
	for (size_t i = 0; i < view->backend_count; i++)
		view->by_id[view->backends[i].id] = &view->backends[i];
	for (size_t i = 0; i < view->service_count; i++)
		mark_members(view, &view->services[i]);
	err = batch_read(view->maps.health_fd, sizeof(struct gw_health), mark_health, view);
	if (err)
		return err;
	mark_suspects(view);
	return sum_up(view);
}

int view_open(const char *pin_dir, struct view **ret)
{
	struct view *view = calloc(1, sizeof(*view));
	int err;

	if (!view)
		return -ENOMEM;
	err = maps_open(pin_dir, false, &view->maps);
	if (err) {
		free(view);
		return err;
	}
	read_meta(view);
	read_live(view);
	read_reasons(view);
	err = read_services(view);
	if (!err)
		err = read_backends(view);
	if (!err)
		err = arrange(view);
	if (err) {
		view_close(view);
		return err;
	}
	*ret = view;
	return 0;
}

void view_close(struct view *view)
{
	if (!view)
		return;
	maps_close(&view->maps);
	free(view->service_names);
	words_done(&view->words);
	free(view->services);
	free(view->backends);
	free(view->by_id);
	free(view);
}

const struct view_meta *view_meta(const struct view *view)
{
	return &view->meta;
}

size_t view_services(const struct view *view, const struct view_service **ret)
{
	*ret = view->services;
	return view->service_count;
}

size_t view_backends(const struct view *view, const struct view_backend **ret)
{
	*ret = view->backends;
	return view->backend_count;
}

const struct view_backend *view_find_backend(const struct view *view, uint32_t id,
					     uint32_t generation)
{
	const struct view_backend *backend = NULL;

	if (id < view->maps.backends_count)
		backend = view->by_id[id];
	return backend && backend->generation == generation ? backend : NULL;
}

const uint64_t *view_reasons(const struct view *view)
{
	return view->reasons;
}
