// SPDX-License-Identifier: Apache-2.0
#include "kernel/waits.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <waits.skel.h>

#include "kernel/conns.h"

struct waits {
	struct waits_bpf *object;
	int fd; /* of gw_waits, the object's */
};

/* What the map holds. */
struct held {
	uint32_t count;
	uint64_t *cookies;
	uint32_t *longest_ms;
};

int waits_open(struct waits **ret)
{
	struct waits *waits = calloc(1, sizeof(*waits));
	int err = -ENOMEM;

	if (!waits)
		return err;
	waits->object = waits_bpf__open();
	if (waits->object) {
		waits->object->rodata->jiffies_per_second = conns_jiffies_per_second();
		err = waits_bpf__load(waits->object);
		if (!err)
			err = waits_bpf__attach(waits->object);
	}
	if (err) {
		waits_close(waits);
		return err;
	}
	waits->fd = bpf_map__fd(waits->object->maps.gw_waits);
	*ret = waits;
	return 0;
}

void waits_close(struct waits *waits)
{
	if (!waits)
		return;
	waits_bpf__destroy(waits->object);
	free(waits);
}

/* At once: the map is given no more than there is room for. */
static int read_held(int fd, struct held *held)
{
	uint32_t place;
	int err;

	*held = (struct held){
		.count = GW_WAITS_MAX,
		.cookies = calloc(GW_WAITS_MAX, sizeof(*held->cookies)),
		.longest_ms = calloc(GW_WAITS_MAX, sizeof(*held->longest_ms)),
	};
	if (!held->cookies || !held->longest_ms)
		return -ENOMEM;
	err = bpf_map_lookup_batch(fd, NULL, &place, held->cookies, held->longest_ms, &held->count,
				   NULL);
	/* The end was reached. */
	return err == -ENOENT ? 0 : err;
}

static void held_done(struct held *held)
{
	free(held->cookies);
	free(held->longest_ms);
}

int waits_compare(const void *a, const void *b)
{
	const struct wait *left = a, *right = b;

	return (left->cookie > right->cookie) - (left->cookie < right->cookie);
}

/* A longer wait that ends between the look and the write is lost: some microseconds of each second
 * in which a wait ended. */
static int take(int fd, struct wait *item, uint64_t cookie, uint32_t longest_ms)
{
	const uint32_t none = 0;

	if (!item)
		return bpf_map_delete_elem(fd, &cookie);
	item->is_followed = true;
	item->longest_ms = longest_ms;
	return longest_ms ? bpf_map_update_elem(fd, &cookie, &none, BPF_EXIST) : 0;
}

static int follow(int fd, struct wait *item)
{
	const uint32_t none = 0;
	int err;

	if (item->is_followed)
		return 0;
	err = bpf_map_update_elem(fd, &item->cookie, &none, BPF_NOEXIST);
	item->is_followed = !err;
	return err == -E2BIG ? 0 : err;
}

int waits_exchange(const struct waits *waits, struct wait *items, size_t count)
{
	struct held held;
	int err = read_held(waits->fd, &held);

	for (size_t i = 0; i < count; i++) {
		items[i].longest_ms = 0;
		items[i].is_followed = false;
	}
	for (uint32_t i = 0; i < held.count && !err; i++) {
		struct wait key = {.cookie = held.cookies[i]};

		err = take(waits->fd, bsearch(&key, items, count, sizeof(key), waits_compare),
			   held.cookies[i], held.longest_ms[i]);
	}
	held_done(&held);
	/* What others have left makes room first. */
	for (size_t i = 0; i < count && !err; i++)
		err = follow(waits->fd, &items[i]);
	return err;
}
