// SPDX-License-Identifier: Apache-2.0
#include "kernel/conns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <walk.skel.h>

#include "kernel/maps.h"

#define WALK_ROOM 4096 /* sockets in a first walk; grows to what there is */

/* CLOCK_MONOTONIC_COARSE ticks once a jiffy. */
uint32_t conns_jiffies_per_second(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec)
		return 250;
	return (uint32_t)(1000000000 / tick.tv_nsec);
}

static int open_walk(size_t room, struct walk_bpf **ret)
{
	struct walk_bpf *walk = walk_bpf__open();
	int err;

	if (!walk)
		return -errno;
	walk->rodata->jiffies_per_second = conns_jiffies_per_second();
	bpf_map__set_max_entries(walk->maps.gw_walk, (__u32)room);
	err = walk_bpf__load(walk);
	if (err) {
		walk_bpf__destroy(walk);
		return err;
	}
	*ret = walk;
	return 0;
}

/* One read() runs the program over every socket; there is no text to read. */
static int run_walk(struct walk_bpf *walk, int conns_fd)
{
	union bpf_iter_link_info info = {.map = {.map_fd = (__u32)conns_fd}};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));
	struct bpf_link *link;
	int err = 0, fd;
	char byte;

	link = bpf_program__attach_iter(walk->progs.gw_walk_conns, &options);
	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0 || read(fd, &byte, sizeof(byte)) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

static int copy_walk(struct walk_bpf *walk, size_t count, struct gw_walk_conn **ret)
{
	size_t bytes = bpf_map__max_entries(walk->maps.gw_walk) * sizeof(**ret);
	struct gw_walk_conn *copy;
	void *memory;

	copy = calloc(count + 1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	memory = mmap(NULL, bytes, PROT_READ, MAP_SHARED, bpf_map__fd(walk->maps.gw_walk), 0);
	if (memory == MAP_FAILED) {
		free(copy);
		return -errno;
	}
	memcpy(copy, memory, count * sizeof(*copy));
	munmap(memory, bytes);
	*ret = copy;
	return 0;
}

/* -E2BIG: there are more; count tells how many. */
static int walk_once(int conns_fd, size_t room, struct gw_walk_conn **ret, size_t *count)
{
	struct walk_bpf *walk;
	int err;

	err = open_walk(room, &walk);
	if (err)
		return err;
	err = run_walk(walk, conns_fd);
	if (err)
		goto out;
	*count = walk->bss->walked;
	err = *count > room ? -E2BIG : copy_walk(walk, *count, ret);
out:
	walk_bpf__destroy(walk);
	return err;
}

int conns_walk(const char *pin_dir, struct gw_walk_conn **ret, size_t *count)
{
	size_t room = WALK_ROOM;
	int err, fd;

	fd = maps_open_one(pin_dir, "gw_conns");
	if (fd < 0)
		return fd;
	do {
		err = walk_once(fd, room, ret, count);
		room = 2 * *count;
	} while (err == -E2BIG);
	close(fd);
	return err;
}
