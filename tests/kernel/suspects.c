// SPDX-License-Identifier: Apache-2.0
#include "kernel/suspects.h"

#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/lab.h"
#include "kernel/maps.h"

#define SUSPECTS_MAX 256

struct entry {
	struct gw_suspect_key key;
	struct gw_suspect value;
};

static int open_map(void)
{
	int fd = maps_open_one(LAB_PINS, "gw_suspects");

	assert_true(fd >= 0);
	return fd;
}

static size_t read_all(struct entry known[SUSPECTS_MAX])
{
	struct gw_suspect_key *previous = NULL;
	int fd = open_map();
	size_t count = 0;

	while (!bpf_map_get_next_key(fd, previous, &known[count].key)) {
		assert_int_equal(bpf_map_lookup_elem(fd, &known[count].key, &known[count].value),
				 0);
		previous = &known[count].key;
		assert_in_range(++count, 1, SUSPECTS_MAX - 1);
	}
	close(fd);
	return count;
}

bool suspects_find(const char *backend, struct gw_suspect *ret)
{
	struct entry known[SUSPECTS_MAX];
	size_t count = read_all(known);
	struct view *view = lab_view();
	uint32_t id = lab_backend(view, backend)->id;

	view_close(view);
	for (size_t i = 0; i < count; i++) {
		if (known[i].key.backend != id)
			continue;
		*ret = known[i].value;
		return true;
	}
	return false;
}

struct gw_suspect suspects_of(const char *backend)
{
	struct gw_suspect suspect;

	assert_true(suspects_find(backend, &suspect));
	return suspect;
}

void suspects_expire(void)
{
	struct entry known[SUSPECTS_MAX];
	size_t count = read_all(known);
	int fd = open_map();

	for (size_t i = 0; i < count; i++) {
		known[i].value.until_ns = 1;
		bpf_map_update_elem(fd, &known[i].key, &known[i].value, BPF_EXIST);
	}
	close(fd);
}
