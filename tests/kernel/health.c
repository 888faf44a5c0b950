// SPDX-License-Identifier: Apache-2.0
#include "kernel/health.h"

#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/lab.h"
#include "kernel/maps.h"

#define MS_NS 1000000u

static int open_map(const char *name)
{
	int fd = maps_open_one(LAB_PINS, name);

	assert_true(fd >= 0);
	return fd;
}

static struct view_backend known(const char *backend)
{
	struct view *view = lab_view();
	struct view_backend copy = *lab_backend(view, backend);

	view_close(view);
	return copy;
}

enum view_backend_state health_state(const char *backend)
{
	return known(backend).state;
}

uint64_t health_attempts(const char *backend)
{
	return known(backend).counters.attempts;
}

struct gw_health health_of(const char *backend)
{
	uint32_t id = known(backend).id;
	struct gw_health health;
	int fd = open_map("gw_health");

	assert_int_equal(bpf_map_lookup_elem_flags(fd, &id, &health, BPF_F_LOCK), 0);
	close(fd);
	return health;
}

static void write_health(const char *backend, const struct gw_health *health)
{
	uint32_t id = known(backend).id;
	int fd = open_map("gw_health");

	assert_int_equal(bpf_map_update_elem(fd, &id, health, BPF_F_LOCK), 0);
	close(fd);
}

uint64_t health_ejected_ms(const char *backend)
{
	struct gw_health health = health_of(backend);

	assert_true(health.is_ejected);
	return (health.ejected_until_ns - health.changed_ns) / MS_NS;
}

void health_expire(const char *backend)
{
	struct gw_health health = health_of(backend);

	health.ejected_until_ns = 1;
	health.lease_until_ns = 1;
	write_health(backend, &health);
}

void health_age(const char *backend, uint64_t ms)
{
	struct gw_health health = health_of(backend);

	health.changed_ns = clock_now_ns() - ms * MS_NS;
	write_health(backend, &health);
}

void health_lonely(const char *backend)
{
	struct gw_health health = health_of(backend);

	health.reached_ns = 1;
	write_health(backend, &health);
}

void health_calm(const char *service)
{
	int fd = open_map("gw_cursors");
	struct view *view = lab_view();
	uint32_t index = lab_find_service(view, service)->index;
	struct gw_cursor cursor;

	view_close(view);
	assert_int_equal(bpf_map_lookup_elem_flags(fd, &index, &cursor, BPF_F_LOCK), 0);
	cursor.trouble_until_ns = 0;
	assert_int_equal(bpf_map_update_elem(fd, &index, &cursor, BPF_F_LOCK), 0);
	close(fd);
}
