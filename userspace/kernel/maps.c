// SPDX-License-Identifier: Apache-2.0
#include "kernel/maps.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

int maps_open_one(const char *pin_dir, const char *name)
{
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/maps/%s", pin_dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

static int map_info(int fd, struct bpf_map_info *ret)
{
	__u32 size = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return bpf_obj_get_info_by_fd(fd, ret, &size) ? -errno : 0;
}

static size_t mapped_bytes(size_t count, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (count * size + page - 1) / page * page;
}

static int map_array(const char *pin_dir, const char *name, size_t size, int protection,
		     size_t *count, void **ret)
{
	struct bpf_map_info info;
	int err, fd;
	void *memory;

	fd = maps_open_one(pin_dir, name);
	if (fd < 0)
		return fd;
	err = map_info(fd, &info);
	if (!err && info.value_size != size)
		err = -EPROTO;
	if (err)
		goto out;
	memory = mmap(NULL, mapped_bytes(info.max_entries, size), protection, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		err = -errno;
		goto out;
	}
	*count = info.max_entries;
	*ret = memory;
out:
	close(fd);
	return err;
}

static void unmap_array(void *memory, size_t count, size_t size)
{
	if (memory)
		munmap(memory, mapped_bytes(count, size));
}

void maps_close(struct maps *maps)
{
#define UNMAP(name, type) unmap_array(maps->name, maps->name##_count, sizeof(type));
	MAPS_MAPPED(UNMAP)
#undef UNMAP
#define CLOSE(name)                                                                                \
	if (maps->name##_fd >= 0)                                                                  \
		close(maps->name##_fd);
	MAPS_PLAIN(CLOSE)
#undef CLOSE
}

static int open_all(const char *pin_dir, int protection, struct maps *maps)
{
	int err;

#define MAP(name, type)                                                                            \
	err = map_array(pin_dir, "gw_" #name, sizeof(type), protection, &maps->name##_count,       \
			(void **)&maps->name);                                                     \
	if (err)                                                                                   \
		return err;
	MAPS_MAPPED(MAP)
#undef MAP
#define OPEN(name)                                                                                 \
	maps->name##_fd = maps_open_one(pin_dir, "gw_" #name);                                     \
	if (maps->name##_fd < 0)                                                                   \
		return maps->name##_fd;
	MAPS_PLAIN(OPEN)
#undef OPEN
	return 0;
}

int maps_open(const char *pin_dir, bool writable, struct maps *ret)
{
	struct maps_identity identity;
	struct maps maps = {0};
	int err;

#define CLOSED(name) maps.name##_fd = -1;
	MAPS_PLAIN(CLOSED)
#undef CLOSED
	err = maps_identify(pin_dir, &identity);
	if (err)
		return err;
	if (identity.abi != GW_ABI_VERSION)
		return -EPROTO;
	err = open_all(pin_dir, writable ? PROT_READ | PROT_WRITE : PROT_READ, &maps);
	if (err) {
		maps_close(&maps);
		return err;
	}
	*ret = maps;
	return 0;
}

void counters_add(struct gw_counters *sum, const struct gw_counters *part)
{
	uint64_t *to = (uint64_t *)sum;
	const uint64_t *from = (const uint64_t *)part;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

int maps_identify(const char *pin_dir, struct maps_identity *ret)
{
	struct bpf_map_info info;
	struct gw_meta *meta = NULL;
	__u32 key = 0;
	int err, fd;

	fd = maps_open_one(pin_dir, "gw_meta");
	if (fd < 0)
		return fd;
	err = map_info(fd, &info);
	if (err)
		goto out;
	err = -ENOMEM;
	meta = calloc(1, info.value_size > sizeof(*meta) ? info.value_size : sizeof(*meta));
	if (!meta)
		goto out;
	err = bpf_map_lookup_elem(fd, &key, meta) ? -errno : 0;
	if (err)
		goto out;
	err = -EPROTO;
	if (info.type != BPF_MAP_TYPE_ARRAY || meta->magic != GW_MAGIC)
		goto out;
	memset(ret, 0, sizeof(*ret));
	ret->abi = meta->abi;
	if (meta->abi == GW_ABI_VERSION) {
		ret->max_services = meta->max_services;
		ret->max_backends = meta->max_backends;
	}
	err = 0;
out:
	free(meta);
	close(fd);
	return err;
}
