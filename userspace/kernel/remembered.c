// SPDX-License-Identifier: Apache-2.0
#include "kernel/remembered.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/maps.h"
#include "kernel/view_parts.h"

static const struct {
	const char *name;
	const char *text;
} kinds[] = {
#define KIND(id, name, text) [DOUBT_##id] = {name, text},
	DOUBT_KINDS(KIND)
#undef KIND
};

struct reading {
	const struct view *view;
	const struct maps *maps;
	uint64_t now_ns;
	struct doubt *doubts;
	size_t count;
	size_t room;
};

static int add(struct reading *reading, const struct doubt *doubt)
{
	struct doubt *doubts;

	if (reading->count == reading->room) {
		reading->room = reading->room ? 2 * reading->room : 64;
		doubts = reallocarray(reading->doubts, reading->room, sizeof(*doubts));
		if (!doubts)
			return -ENOMEM;
		reading->doubts = doubts;
	}
	reading->doubts[reading->count++] = *doubt;
	return 0;
}

static double seconds_until(const struct reading *reading, uint64_t until_ns)
{
	return (double)(until_ns - reading->now_ns) / 1e9;
}

static enum doubt_kind kind_of(const struct gw_suspect *suspect)
{
	switch (suspect->kind) {
	case GW_SUSPICION_SILENT:
		return DOUBT_SILENT;
	case GW_SUSPICION_GAVE_UP:
		return DOUBT_GAVE_UP;
	default:
		return DOUBT_FAILED;
	}
}

static int read_suspects(struct reading *reading, int fd, size_t most, bool is_user)
{
	struct gw_suspect_key key, *previous = NULL;
	const struct view_backend *backend;
	struct gw_suspect suspect;
	int err = 0;

	/* An LRU map may go round in circles while it changes: it holds no more than this. */
	for (size_t i = 0; i < 2 * most && !err; i++) {
		if (bpf_map_get_next_key(fd, previous, &key))
			break;
		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, &suspect) || suspect.until_ns <= reading->now_ns)
			continue;
		backend = view_find_backend(reading->view, key.backend, key.backend_generation);
		if (!backend)
			continue;
		err = add(reading,
			  &(struct doubt){
				  .netns_cookie = key.netns_cookie,
				  .backend = backend,
				  .kind = kind_of(&suspect),
				  .is_user = is_user,
				  .failures = suspect.failures,
				  .remaining_seconds = seconds_until(reading, suspect.until_ns),
			  });
	}
	return err;
}

/* Those of its Service that have one of the bits. */
static int add_by_bits(struct reading *reading, const struct gw_client_key *key, uint64_t bits,
		       const struct doubt *like)
{
	const struct view_backend *backends;
	size_t count = view_backends(reading->view, &backends);
	struct doubt doubt = *like;
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		if (backends[i].service_index != key->service ||
		    !(bits >> GW_CLIENT_BIT(backends[i].generation) & 1))
			continue;
		doubt.backend = &backends[i];
		err = add(reading, &doubt);
	}
	return err;
}

static int read_client(struct reading *reading, const struct gw_client_key *key,
		       const struct gw_client *client)
{
	struct doubt doubt = {.netns_cookie = key->netns_cookie};
	int err = 0;

	if (client->until_ns > reading->now_ns && client->again) {
		doubt.kind = DOUBT_SHORT;
		doubt.failures = client->shorts;
		doubt.remaining_seconds = seconds_until(reading, client->until_ns);
		err = add_by_bits(reading, key, client->again, &doubt);
	}
	if (!err && client->is_next && (client->unsent | client->once)) {
		doubt.kind = DOUBT_NEXT;
		doubt.failures = 0;
		doubt.remaining_seconds = -1;
		err = add_by_bits(reading, key, client->unsent | client->once, &doubt);
	}
	return err;
}

static int read_clients(struct reading *reading)
{
	int fd = reading->maps->clients_fd, err = 0;
	struct gw_client_key key, *previous = NULL;
	struct gw_client client;

	for (size_t i = 0; i < 2 * GW_CLIENTS_MAX && !err; i++) {
		if (bpf_map_get_next_key(fd, previous, &key))
			break;
		previous = &key;
		if (!bpf_map_lookup_elem(fd, &key, &client))
			err = read_client(reading, &key, &client);
	}
	return err;
}

int remembered_doubts(const char *pin_dir, const struct view *view, struct doubt **ret,
		      size_t *count)
{
	struct maps maps;
	int err = maps_open(pin_dir, false, &maps);
	struct reading reading = {.view = view, .maps = &maps, .now_ns = clock_now_ns()};

	if (err)
		return err;
	err = read_suspects(&reading, maps.suspects_fd, GW_SUSPECTS_MAX, false);
	if (!err)
		err = read_suspects(&reading, maps.user_suspects_fd, GW_USER_SUSPECTS_MAX, true);
	if (!err)
		err = read_clients(&reading);
	maps_close(&maps);
	if (err) {
		free(reading.doubts);
		return err;
	}
	*ret = reading.doubts;
	*count = reading.count;
	return 0;
}

const struct view_backend *remembered_affinity(const char *pin_dir, const struct view *view,
					       const struct view_service *service,
					       uint64_t netns_cookie, double *age_seconds)
{
	const struct gw_affinity_key key = {netns_cookie, service->index, 0};
	struct gw_affinity affinity;
	struct maps maps;
	bool is_found;

	if (!service->affinity_timeout_s || maps_open(pin_dir, false, &maps))
		return NULL;
	is_found = !bpf_map_lookup_elem(maps.affinity_fd, &key, &affinity) ||
		   !bpf_map_lookup_elem(maps.user_affinity_fd, &key, &affinity);
	maps_close(&maps);
	if (!is_found)
		return NULL;
	*age_seconds = view_age_seconds(clock_now_ns(), affinity.used_ns);
	if (*age_seconds > service->affinity_timeout_s)
		return NULL;
	return view_find_backend(view, affinity.backend, affinity.backend_generation);
}

const char *doubt_name(enum doubt_kind kind)
{
	return kinds[kind].name;
}

const char *doubt_text(enum doubt_kind kind)
{
	return kinds[kind].text;
}
