// SPDX-License-Identifier: Apache-2.0
#include "kernel/conns.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <walk.skel.h>

#include "kernel/maps.h"
#include "kernel/netns.h"

#define WALK_ROOM 4096 /* sockets in a first walk; grows to what there is */

/* What it would say of a program that this kernel refuses is expected. */
static int be_silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

/* CLOCK_MONOTONIC_COARSE ticks once a jiffy. */
uint32_t conns_jiffies_per_second(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec)
		return 250;
	return (uint32_t)(1000000000 / tick.tv_nsec);
}

static int open_walk(size_t room, int conns_fd, bool by_records, struct walk_bpf **ret)
{
	struct walk_bpf *walk = walk_bpf__open();
	int err;

	if (!walk)
		return -errno;
	walk->rodata->jiffies_per_second = conns_jiffies_per_second();
	bpf_program__set_autoload(walk->progs.gw_walk_records, by_records);
	bpf_program__set_autoload(walk->progs.gw_walk_tcp, !by_records);
	err = bpf_map__set_max_entries(walk->maps.gw_walk, (__u32)room);
	if (!err && conns_fd >= 0)
		err = bpf_map__reuse_fd(walk->maps.gw_conns, conns_fd);
	if (!err)
		err = walk_bpf__load(walk);
	if (err) {
		walk_bpf__destroy(walk);
		return err;
	}
	*ret = walk;
	return 0;
}

/* One read() runs the program over every socket; there is no text to read. */
static int run_program(const struct bpf_program *program, const struct bpf_iter_attach_opts *options)
{
	struct bpf_link *link = bpf_program__attach_iter(program, options);
	int err = 0, fd;
	char byte;

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

/* The sockets of the network namespace that this thread is in. */
static int walk_namespace(void *arg)
{
	struct walk_bpf *walk = arg;

	return run_program(walk->progs.gw_walk_tcp, NULL);
}

static int run_walk(struct walk_bpf *walk, int conns_fd, bool by_records)
{
	union bpf_iter_link_info info = {.map = {.map_fd = (__u32)conns_fd}};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
		    .link_info_len = sizeof(info));

	if (by_records)
		return run_program(walk->progs.gw_walk_records, &options);
	return netns_visit_all(walk_namespace, walk);
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

static int open_any_walk(size_t room, int conns_fd, bool *by_records, struct walk_bpf **ret)
{
	/* A kernel that has refused it once is not asked again. */
	static bool is_refused;
	libbpf_print_fn_t print = libbpf_set_print(be_silent);
	int err = -ENOTSUP;

	*by_records = true;
	if (!is_refused)
		err = open_walk(room, conns_fd, true, ret);
	if (err) {
		is_refused = true;
		*by_records = false;
		err = open_walk(room, conns_fd, false, ret);
	}
	libbpf_set_print(print);
	return err;
}

int conns_probe(bool *by_records)
{
	struct walk_bpf *walk;
	int err = open_any_walk(1, -1, by_records, &walk);

	if (!err)
		walk_bpf__destroy(walk);
	return err;
}

/* -E2BIG: there are more; count tells how many. */
static int walk_once(int conns_fd, size_t room, struct gw_walk_conn **ret, size_t *count)
{
	struct walk_bpf *walk;
	bool by_records;
	int err;

	err = open_any_walk(room, conns_fd, &by_records, &walk);
	if (err)
		return err;
	err = run_walk(walk, conns_fd, by_records);
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
