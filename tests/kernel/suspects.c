// SPDX-License-Identifier: Apache-2.0
#include "kernel/suspects.h"

#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/lab.h"
#include "kernel/maps.h"

#define SUSPECTS_MAX 256

static int open_map(void)
{
	int fd = maps_open_one(LAB_PINS, "gw_suspects");

	assert_true(fd >= 0);
	return fd;
}

static size_t read_all(struct suspects_entry known[SUSPECTS_MAX])
{
	struct gw_suspect_key *previous = NULL;
	int fd = open_map();
	size_t count = 0;

	while (!bpf_map_get_next_key(fd, previous, &known[count].key)) {
		assert_int_equal(bpf_map_lookup_elem(fd, &known[count].key, &known[count].value), 0);
		previous = &known[count].key;
		assert_in_range(++count, 1, SUSPECTS_MAX - 1);
	}
	close(fd);
	return count;
}

static bool find(const char *backend, struct suspects_entry *ret)
{
	struct suspects_entry known[SUSPECTS_MAX];
	size_t count = read_all(known);
	struct view *view = lab_view();
	uint32_t id = lab_backend(view, backend)->id;

	view_close(view);
	for (size_t i = 0; i < count; i++) {
		if (known[i].key.backend != id)
			continue;
		*ret = known[i];
		return true;
	}
	return false;
}

bool suspects_find(const char *backend, struct gw_suspect *ret)
{
	struct suspects_entry entry;

	if (!find(backend, &entry))
		return false;
	*ret = entry.value;
	return true;
}

struct suspects_entry suspects_entry_of(const char *backend)
{
	struct suspects_entry entry;

	assert_true(find(backend, &entry));
	return entry;
}

struct gw_suspect suspects_of(const char *backend)
{
	return suspects_entry_of(backend).value;
}

void suspects_put(const struct suspects_entry *entry)
{
	int fd = open_map();

	assert_int_equal(bpf_map_update_elem(fd, &entry->key, &entry->value, BPF_ANY), 0);
	close(fd);
}

void suspects_expire(void)
{
	struct suspects_entry known[SUSPECTS_MAX];
	size_t count = read_all(known);
	int fd = open_map();

	for (size_t i = 0; i < count; i++) {
		known[i].value.until_ns = 1;
		bpf_map_update_elem(fd, &known[i].key, &known[i].value, BPF_EXIST);
	}
	close(fd);
}
