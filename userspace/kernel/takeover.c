// SPDX-License-Identifier: Apache-2.0
#include "kernel/takeover.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gwbpf/takeover.h>
#include <takeover.skel.h>

#include "kernel/iterate.h"
#include "kernel/maps.h"
#include "kernel/netns.h"

int takeover_find(const char *pin_dir, uint32_t abi)
{
	struct bpf_map_info info;
	int fd;

	if (abi != TAKEOVER_ABI)
		return -ENOENT;
	fd = maps_open_pin(pin_dir, "gw_conns", &info);
	if (fd < 0)
		return fd;
	if (info.type == BPF_MAP_TYPE_SK_STORAGE && info.value_size == sizeof(struct gw_conn_2))
		return fd;
	close(fd);
	return -ENOENT;
}

/* The sockets of the network namespace that this thread is in. */
static int copy_namespace(void *arg)
{
	return iterate(arg);
}

static int copy_all(const struct takeover_bpf *object)
{
	struct bpf_link *link = bpf_program__attach_iter(object->progs.gw_take_over, NULL);
	size_t unseen; /* what may not be looked into is not taken over */
	int err;

	if (!link)
		return -errno;
	err = netns_visit_all(copy_namespace, link, &unseen);
	bpf_link__destroy(link);
	return err;
}

int takeover_run(int from_fd, int to_fd)
{
	struct takeover_bpf *object = takeover_bpf__open();
	int err;

	if (!object)
		return -errno;
	err = bpf_map__reuse_fd(object->maps.gw_conns_2, from_fd);
	if (!err)
		err = bpf_map__reuse_fd(object->maps.gw_conns, to_fd);
	if (!err)
		err = takeover_bpf__load(object);
	if (!err)
		err = copy_all(object);
	takeover_bpf__destroy(object);
	return err;
}
