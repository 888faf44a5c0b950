// SPDX-License-Identifier: Apache-2.0
#include "kernel/view.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/addr.h"
#include "base/clock.h"
#include "kernel/batch.h"
#include "kernel/maps.h"
#include "kernel/view_parts.h"
#include "kernel/words.h"
#include "model/tls_names.h"

#define READS_MAX 4 /* of everything, if a backend came or went meanwhile */

struct view {
	struct maps maps;
	uint64_t now_ns;
	struct view_meta meta;
	struct gw_meta meta_copy;
	struct gw_service_names *service_names; /* by service index */
	struct words words;                     /* the names of backends */
	int err;                                /* the first one that a reading of names met */
	struct view_service *services;
	size_t service_count;
	struct view_backend *backends;
	size_t backend_count;
	struct view_backend **by_id;
	uint64_t reasons[GW_REASON_MAX_];
	struct gw_note note_copies[GW_NOTES_MAX];
	struct view_note notes[GW_NOTES_MAX];
	size_t note_count;
};

static void read_reasons(struct view *view)
{
	for (size_t cpu = 0; cpu < view->maps.reasons_count; cpu++)
		for (int i = 0; i < GW_REASON_MAX_; i++)
			view->reasons[i] += view->maps.reasons[cpu].count[i];
}

static enum view_service_state service_state(const struct view *view,
					     const struct gw_service *service, size_t members)
{
	if (view->meta.suspended || service->suspended)
		return VIEW_SERVICE_SUSPENDED;
	if (service->flags & GW_SERVICE_NO_ROOM)
		return VIEW_SERVICE_NO_ROOM;
	if (service->flags & GW_SERVICE_INVALID)
		return VIEW_SERVICE_INVALID;
	if (view->meta.stepped_aside)
		return VIEW_SERVICE_STEPPED_ASIDE;
	return members ? VIEW_SERVICE_READY : VIEW_SERVICE_NO_BACKENDS;
}

static bool is_in_force(const struct view *view, const struct gw_service *service, uint32_t index)
{
	struct gw_vip_key key = {
		.address = service->vip,
		.port = service->port,
		.protocol = service->protocol,
	};
	uint32_t found;

	return !bpf_map_lookup_elem(view->maps.vips_fd, &key, &found) && found == index;
}

static void add_service(struct view *view, uint32_t index)
{
	const struct gw_service *from = &view->maps.services[index];
	const struct gw_retired *retired = &view->maps.retired[index];
	struct gw_service_names *names = &view->service_names[index];
	struct gw_set_header header;
	size_t members = view_read_set(&view->maps, index, &header, NULL);

	if (!*names->name || from->flags & GW_SERVICE_WITHDRAWN)
		return;
	view->services[view->service_count++] = (struct view_service){
		.index = index,
		.namespace = names->namespace,
		.name = names->name,
		.port_name = names->port_name,
		.address = from->vip,
		.port = ntohs(from->port),
		.policy = members ? header.policy : GW_POLICY_LC,
		.affinity_timeout_s = from->affinity_timeout_s,
		.connect_timeout_ms = from->connect_timeout_ms,
		.dead_peer_timeout_ms = from->dead_peer_timeout_ms,
		.eject_base_ms = from->eject_base_ms,
		.eject_max_ms = from->eject_max_ms,
		.keep_percent = members ? header.keep_percent : 0,
		.rebalance_ms = from->rebalance_ms,
		.drain_deadline_ms = from->drain_deadline_ms,
		.moves_down = from->flags & GW_SERVICE_MOVE_DOWN,
		.check = &view->maps.checks[index],
		.learnt_quiet_ms = retired->learnt_quiet_ms,
		.longest_wait_ms = retired->longest_wait_ms,
		.state = service_state(view, from, members),
		.message = names->message,
		.counters = view_gone(&view->maps, &view->meta_copy, index),
		.no_backends = retired->no_backends,
		.refused_age_seconds = view_age_seconds(view->now_ns, retired->refused_ns),
		.is_refusing = retired->no_backends != retired->dated,
		.is_in_force = !(from->flags & GW_SERVICE_INVALID) ||
			       is_in_force(view, from, index),
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

/* Whether the id still has the owner that was read. */
static bool is_same(const struct view *view, const struct view_backend *backend)
{
	return __atomic_load_n(&view->maps.backends[backend->id].generation, __ATOMIC_ACQUIRE) ==
	       backend->generation;
}

/* A deadline of a command counts from the command; any other one from the begin of the drain. */
static void mark_drain(const struct view *view, struct view_backend *backend,
		       const struct gw_backend *from, const struct gw_service *service)
{
	bool is_timed = from->steered_ns && from->steered_deadline_ms;
	uint64_t since_ns = is_timed ? from->steered_ns : from->drain_ns;

	if (!from->drain_ns)
		return;
	backend->drain_seconds = view->now_ns > since_ns ? (double)(view->now_ns - since_ns) / 1e9
							 : 1e-9;
	backend->drain_deadline_ms = is_timed ? from->steered_deadline_ms
					      : service->drain_deadline_ms;
	if (from->steered_ns)
		backend->drained_by = VIEW_DRAIN_COMMAND;
	else
		backend->drained_by = from->is_named ? VIEW_DRAIN_ANNOTATION : VIEW_DRAIN_WEIGHT;
}

/* What the agent saw of its certificate, if that was compared with the names that are wanted now. */
static void mark_certificate(const struct view *view, struct view_backend *backend)
{
	const struct gw_certificate seen = view->maps.certificates[backend->id];

	if (seen.generation != backend->generation || !seen.time_ns || !*backend->tls->names ||
	    seen.wanted != tls_names_fingerprint(backend->tls->names))
		return;
	backend->certificate = seen;
	backend->certificate.issuer[GW_ISSUER_MAX - 1] = '\0';
	backend->certificate_age_seconds = view_age_seconds(view->now_ns, seen.time_ns);
	backend->is_excluded = seen.excluded_until_ns > view->now_ns;
}

/* What the agent saw of it, if it ever looked. */
static void mark_checked(const struct view *view, struct view_backend *backend)
{
	const struct gw_checked *checked = &view->maps.checked[backend->id];

	if (checked->generation != backend->generation || !checked->time_ns)
		return;
	backend->checked = *checked;
	backend->checked.text[GW_SEEN_TEXT_MAX - 1] = '\0';
	backend->checked_age_seconds = view_age_seconds(view->now_ns, checked->time_ns);
}

static void add_backend(struct view *view, uint32_t id)
{
	uint32_t generation =
		__atomic_load_n(&view->maps.backends[id].generation, __ATOMIC_ACQUIRE);
	const struct gw_backend from = view->maps.backends[id];
	struct view_backend *backend = &view->backends[view->backend_count];
	const struct gw_service_names *service_names;
	const struct gw_service *service;

	if (from.use != GW_USE_TAKEN || from.service >= view->maps.services_count ||
	    view_has_ended(&view->meta_copy, id))
		return;
	service = &view->maps.services[from.service];
	service_names = &view->service_names[from.service];
	*backend = (struct view_backend){
		.id = id,
		.generation = generation,
		.service_index = from.service,
		.namespace = service_names->namespace,
		.service = service_names->name,
		.service_port_name = service_names->port_name,
		.service_address = service->vip,
		.service_port = ntohs(service->port),
		.address = from.address,
		.port = ntohs(from.port),
		.pod = "",
		.node = "",
		.zone = "",
		.wanted_weight = from.wanted_weight,
		.steered_weight = from.steered_weight,
		.state = VIEW_BACKEND_LEAVING,
		.state_seconds = view_age_seconds(view->now_ns, from.drain_ns),
		.error_age_seconds = -1,
		.tls = &view->maps.tls[from.service],
		.certificate_age_seconds = -1,
		.checked_age_seconds = -1,
		.check = &view->maps.checks[from.service],
		.active = GW_LOAD_ACTIVE(view->maps.loads[id]),
		.counters = view->maps.counters[id],
	};
	mark_drain(view, backend, &from, service);
	mark_certificate(view, backend);
	mark_checked(view, backend);
	if (!is_same(view, backend))
		return;
	view->by_id[id] = backend;
	view->backend_count++;
}

static struct view_backend *find_backend(const struct view *view, uint32_t id, uint32_t generation)
{
	struct view_backend *backend = id < view->maps.backends_count ? view->by_id[id] : NULL;

	return backend && backend->generation == generation ? backend : NULL;
}

/* By what a map says of an id: NULL also if that may be of its next owner. */
static struct view_backend *find_same(const struct view *view, uint32_t id)
{
	struct view_backend *backend = id < view->maps.backends_count ? view->by_id[id] : NULL;

	return backend && is_same(view, backend) ? backend : NULL;
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
	struct view_backend *backend = find_same(view, id);
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
		add_backend(view, (uint32_t)i);
	err = batch_read(view->maps.backend_names_fd, sizeof(struct gw_backend_names),
			 put_backend_names, view);
	return err ? err : view->err;
}

static uint64_t max_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Once its time is over it waits for a connection that tries it. */
static enum view_backend_state ejected_state(const struct gw_health *health, uint64_t now_ns)
{
	if (health->lease_until_ns > now_ns)
		return VIEW_BACKEND_PROBING;
	return health->ejected_until_ns > now_ns ? VIEW_BACKEND_EJECTED : VIEW_BACKEND_RETURNING;
}

/* Since when it is in this state; 0: not known. A trial that was given up leaves no time. */
static uint64_t state_since_ns(enum view_backend_state state, const struct gw_health *health,
			       uint64_t now_ns)
{
	bool was_suspect = health->suspect_until_ns && health->suspect_until_ns <= now_ns;
	bool was_put_off = health->failed_client && health->failed_client != health->changed_client;

	switch (state) {
	case VIEW_BACKEND_EJECTED:
		/* By a trial of one that may not eject it: that was no earlier than the last error. */
		return was_put_off ? max_ns(health->changed_ns, health->error_ns)
				   : health->changed_ns;
	case VIEW_BACKEND_PROBING:
		return health->lease_until_ns - GW_LEASE_NS;
	case VIEW_BACKEND_RETURNING:
		return max_ns(max_ns(health->ejected_until_ns, health->lease_until_ns),
			      health->error_ns);
	case VIEW_BACKEND_USABLE:
		return max_ns(health->changed_ns, was_suspect ? health->suspect_until_ns : 0);
	default:
		return 0;
	}
}

static void mark_health(uint32_t id, const void *value, void *arg)
{
	struct view *view = arg;
	struct view_backend *backend = find_same(view, id);
	const struct gw_health *health = value;

	if (!backend)
		return;
	backend->ejections = health->ejections;
	backend->consecutive_failures = health->failures;
	backend->error = health->error;
	backend->error_age_seconds = view_age_seconds(view->now_ns, health->error_ns);
	if (backend->state != VIEW_BACKEND_USABLE)
		return;
	/* That is known; how clients fared is only concluded from. */
	if (view->maps.backends[id].down_until_ns > view->now_ns) {
		backend->state = VIEW_BACKEND_DOWN;
		backend->state_seconds =
			view_age_seconds(view->now_ns, backend->checked.changed_ns);
		return;
	}
	if (health->is_ejected)
		backend->state = ejected_state(health, view->now_ns);
	backend->state_seconds =
		view_age_seconds(view->now_ns,
				 state_since_ns(backend->state, health, view->now_ns));
	if (health->is_ejected && health->ejected_until_ns > view->now_ns)
		backend->ejected_remaining_seconds =
			(double)(health->ejected_until_ns - view->now_ns) / 1e9;
}

/* Those in the set of a Service are in use; the rest are leaving. */
static void mark_members(struct view *view, const struct view_service *service,
			 struct gw_slot members[GW_SET_MAX])
{
	struct gw_set_header header;
	size_t count = view_read_set(&view->maps, service->index, &header, members);

	for (size_t i = 0; i < count; i++) {
		struct view_backend *backend =
			find_backend(view, members[i].backend, members[i].backend_generation);

		if (!backend)
			continue;
		backend->weight = members[i].weight;
		backend->state = backend->weight ? VIEW_BACKEND_USABLE : VIEW_BACKEND_DRAINING;
	}
}

/* By one client or several: for as long as the first of them. */
static void mark_suspect(struct view_backend *backend, double age_seconds)
{
	if (backend->state == VIEW_BACKEND_USABLE) {
		backend->state = VIEW_BACKEND_SUSPECT;
		backend->state_seconds = age_seconds;
	} else if (backend->state == VIEW_BACKEND_SUSPECT && backend->state_seconds < age_seconds) {
		backend->state_seconds = age_seconds;
	}
}

static void mark_suspects(struct view *view)
{
	struct gw_suspect_key key, *previous = NULL;
	struct view_backend *backend;
	struct gw_suspect suspect;

	/* An LRU map may go round in circles while it changes: it holds no more than this. */
	for (size_t i = 0; i < 2 * GW_SUSPECTS_MAX; i++) {
		if (bpf_map_get_next_key(view->maps.suspects_fd, previous, &key))
			return;
		previous = &key;
		if (bpf_map_lookup_elem(view->maps.suspects_fd, &key, &suspect))
			continue;
		backend = find_backend(view, key.backend, key.backend_generation);
		if (!backend)
			continue;
		if (suspect.until_ns > view->now_ns)
			mark_suspect(backend, view_age_seconds(view->now_ns, suspect.changed_ns));
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
		struct view_service *service = by_index[backend->service_index];

		if (backend->state == VIEW_BACKEND_LEAVING)
			backend->drained_by = VIEW_DRAIN_REMOVED;

		if (!service)
			continue;
		service->backends++;
		service->usable += backend->state == VIEW_BACKEND_USABLE ||
				   backend->state == VIEW_BACKEND_SUSPECT ||
				   backend->state == VIEW_BACKEND_RETURNING;
		service->active += backend->active;
		counters_add(&service->counters, &backend->counters);
	}
	free(by_index);
	return 0;
}

/* In the order in which people read them. */
static int compare_services(const void *a, const void *b)
{
	const struct view_service *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	if (!order)
		order = strcmp(x->name, y->name);
	if (!order)
		order = (x->port > y->port) - (x->port < y->port);
	return order ? order : addr_compare(&x->address, &y->address);
}

static int compare_backends(const void *a, const void *b)
{
	const struct view_backend *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	if (!order)
		order = strcmp(x->service, y->service);
	if (!order)
		order = (x->service_port > y->service_port) - (x->service_port < y->service_port);
	if (!order)
		order = addr_compare(&x->service_address, &y->service_address);
	return order ? order : addr_port_compare(&x->address, x->port, &y->address, y->port);
}

static int arrange(struct view *view)
{
	struct gw_slot *members = calloc(GW_SET_MAX, sizeof(*members));
	int err;

	if (!members)
		return -ENOMEM;
	qsort(view->services, view->service_count, sizeof(*view->services), compare_services);
	qsort(view->backends, view->backend_count, sizeof(*view->backends), compare_backends);
	for (size_t i = 0; i < view->backend_count; i++)
		view->by_id[view->backends[i].id] = &view->backends[i];
	for (size_t i = 0; i < view->service_count; i++)
		mark_members(view, &view->services[i], members);
	free(members);
	err = batch_read(view->maps.health_fd, sizeof(struct gw_health), mark_health, view);
	if (err)
		return err;
	mark_suspects(view);
	return sum_up(view);
}

static int read_all(const char *pin_dir, struct view **ret)
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
	view->now_ns = clock_now_ns();
	view_read_meta(&view->maps, view->now_ns, &view->meta_copy, &view->meta);
	view->note_count =
		view_read_notes(&view->maps, view->now_ns, view->note_copies, view->notes);
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

int view_open(const char *pin_dir, struct view **ret)
{
	struct view *view = NULL;
	int err;

	for (int i = 0; i < READS_MAX; i++) {
		view_close(view);
		err = read_all(pin_dir, &view);
		if (err)
			return err;
		if (view_is_of_one_moment(&view->maps, &view->meta_copy))
			break;
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

size_t view_notes(const struct view *view, const struct view_note **ret)
{
	*ret = view->notes;
	return view->note_count;
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
	return find_backend(view, id, generation);
}

const uint64_t *view_reasons(const struct view *view)
{
	return view->reasons;
}
