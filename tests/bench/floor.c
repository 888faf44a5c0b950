// SPDX-License-Identifier: Apache-2.0
#include "bench/floor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <floor.skel.h>

#include "kernel/lab.h"
#include "kernel/maps.h"

#define LINKS_MAX 8

static struct floor_bpf *object;
static struct bpf_link *links[LINKS_MAX];
static size_t link_count;

static struct bpf_program *program_of(enum floor floor)
{
	struct bpf_program *const programs[FLOOR_MAX] = {
		[FLOOR_CONNECT_NOTHING] = object->progs.floor_connect_nothing,
		[FLOOR_SOCKOPS_NOTHING] = object->progs.floor_sockops_nothing,
		[FLOOR_RELEASE_NOTHING] = object->progs.floor_release_nothing,
		[FLOOR_LOOK] = object->progs.floor_look,
		[FLOOR_RECORD] = object->progs.floor_record,
		[FLOOR_LOADS] = object->progs.floor_loads,
		[FLOOR_OPTIONS] = object->progs.floor_options,
	};

	return programs[floor];
}

/* Those that are pinned are the datapath's. */
static void use_map(struct bpf_map *map)
{
	int fd = maps_open_one(LAB_PINS, bpf_map__name(map));

	if (fd < 0)
		return;
	assert_return_code(bpf_map__reuse_fd(map, fd), errno);
	close(fd);
}

void floor_open(const char *peer)
{
	char address[INET_ADDRSTRLEN];
	struct in_addr ipv4;
	struct bpf_map *map;
	uint16_t port;

	object = floor_bpf__open();
	assert_non_null(object);
	assert_int_equal(sscanf(peer, "%15[^:]:%hu", address, &port), 2);
	assert_int_equal(inet_pton(AF_INET, address, &ipv4), 1);
	object->rodata->peer_ipv4 = ipv4.s_addr;
	object->rodata->peer_port = htons(port);
	bpf_object__for_each_map(map, object->obj) {
		use_map(map);
	}
	assert_return_code(floor_bpf__load(object), errno);
}

void floor_attach(enum floor floor, const char *cgroup)
{
	int fd = open(cgroup, O_RDONLY | O_CLOEXEC);

	assert_return_code(fd, errno);
	assert_true(link_count < LINKS_MAX);
	links[link_count] = bpf_program__attach_cgroup(program_of(floor), fd);
	assert_non_null(links[link_count++]);
	close(fd);
}

void floor_close(void)
{
	while (link_count)
		bpf_link__destroy(links[--link_count]);
	floor_bpf__destroy(object);
}

struct runs floor_runs(enum floor floor)
{
	return runs_of_program(bpf_program__fd(program_of(floor)));
}
