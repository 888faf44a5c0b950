// SPDX-License-Identifier: Apache-2.0
#include "kernel/maps.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "kernel/mounts.h"

#define SLOTS_PER_SERVICE 16 /* beside its backends: the header, and its share of the tables */

/* What a pinned map must be before anything is read from it. */
struct shape {
	const char *name;
	enum maps_size size;
	__u32 type;
	__u32 key;
	__u32 value;
	__u32 flags;
};

static const struct shape shapes[] = {
#define MAPPED(name, type, size)                                                                   \
	{"gw_" #name, MAPS_##size, BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(type), BPF_F_MMAPABLE},
	MAPS_MAPPED(MAPPED)
#undef MAPPED
#define PLAIN(name, kind, key, value, flags, size)                                                 \
	{"gw_" #name, MAPS_##size, BPF_MAP_TYPE_##kind, sizeof(key), sizeof(value), flags},
		MAPS_PLAIN(PLAIN)
#undef PLAIN
};

static const struct shape *find_shape(const char *name)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		if (!strcmp(shapes[i].name, name))
			return &shapes[i];
	return NULL;
}

/* Two halves (compact.c), in each of which all sets have room, and one more of the largest: a new
 * one, while the one that it replaces is still in force. */
static uint32_t slot_count(uint32_t services, uint32_t backends)
{
	uint32_t largest = 1 + GW_SET_MAX + GW_TABLE_MAX / GW_TABLE_PER_SLOT;

	return 2 * (SLOTS_PER_SERVICE * services + backends + largest);
}

uint32_t maps_entries(const char *name, uint32_t max_services, uint32_t max_backends)
{
	const struct shape *shape = find_shape(name);
	int cpus = libbpf_num_possible_cpus();

	switch (shape ? shape->size : MAPS_PER_SOCKET) {
	case MAPS_ONE:
		return 1;
	case MAPS_PER_SERVICE:
		return max_services;
	case MAPS_PER_BACKEND:
		return max_backends;
	case MAPS_OF_SLOTS:
		return slot_count(max_services, max_backends);
	case MAPS_PER_CPU:
		return cpus > 0 ? (uint32_t)cpus : 1;
	case MAPS_OF_SUSPECTS:
		return GW_SUSPECTS_MAX;
	case MAPS_OF_USER_SUSPECTS:
		return GW_USER_SUSPECTS_MAX;
	case MAPS_OF_FILTER:
		return GW_FILTER_WORDS;
	case MAPS_OF_CLIENTS:
		return GW_CLIENTS_MAX;
	case MAPS_OF_AFFINITY:
		return GW_AFFINITY_MAX;
	case MAPS_OF_USER_AFFINITY:
		return GW_USER_AFFINITY_MAX;
	case MAPS_OF_NOTES:
		return GW_NOTES_MAX;
	case MAPS_OF_HINTS:
		return GW_HINTS_MAX;
	case MAPS_OF_EXCEPTED:
		return GW_EXCEPTED_MAX;
	default:
		return 0;
	}
}

int maps_open_pin(const char *pin_dir, const char *name, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);
	char path[PATH_MAX];
	int fd;

	if (snprintf(path, sizeof(path), "%s/maps/%s", pin_dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return -errno;
	memset(info, 0, sizeof(*info));
	if (!bpf_obj_get_info_by_fd(fd, info, &size))
		return fd;
	close(fd);
	return -EPROTO;
}

/* The same, if it has the shape that a map of this name must have. */
static int open_shaped(const char *pin_dir, const char *name, struct bpf_map_info *info)
{
	const struct shape *shape = find_shape(name);
	int fd = maps_open_pin(pin_dir, name, info);

	if (fd < 0)
		return fd;
	if (shape && info->type == shape->type && info->key_size == shape->key &&
	    info->value_size == shape->value && info->map_flags == shape->flags)
		return fd;
	close(fd);
	return -EPROTO;
}

/* Whether others could change the maps under our hands. */
static bool is_doubtful(const char *pin_dir)
{
	char message[256];

	return mounts_check_pin_dir(pin_dir, message, sizeof(message)) == -EXDEV;
}

int maps_open_one(const char *pin_dir, const char *name)
{
	struct bpf_map_info info;

	if (is_doubtful(pin_dir))
		return -EPROTO;
	return open_shaped(pin_dir, name, &info);
}

/* The same, if it also has as many entries as these limits ask for. */
static int open_sized(const char *pin_dir, const char *name, const struct maps_identity *limits,
		      size_t *count)
{
	struct bpf_map_info info;
	int fd = open_shaped(pin_dir, name, &info);

	if (fd < 0)
		return fd;
	*count = info.max_entries;
	if (info.max_entries == maps_entries(name, limits->max_services, limits->max_backends))
		return fd;
	close(fd);
	return -EPROTO;
}

static size_t mapped_bytes(size_t count, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (count * size + page - 1) / page * page;
}

/* Open one map of an array and map its memory. */
struct mapping {
	const char *name;
	size_t size; /* of an element */
	size_t *count;
	void **memory;
};

static int map_array(const char *pin_dir, const struct maps_identity *limits, int protection,
		     const struct mapping *mapping)
{
	size_t count;
	int fd = open_sized(pin_dir, mapping->name, limits, &count);
	void *memory;

	if (fd < 0)
		return fd;
	memory = mmap(NULL, mapped_bytes(count, mapping->size), protection, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return -errno;
	*mapping->count = count;
	*mapping->memory = memory;
	return 0;
}

static void unmap_array(void *memory, size_t count, size_t size)
{
	if (memory)
		munmap(memory, mapped_bytes(count, size));
}

void maps_close(struct maps *maps)
{
#define UNMAP(name, type, size) unmap_array(maps->name, maps->name##_count, sizeof(type));
	MAPS_MAPPED(UNMAP)
#undef UNMAP
#define CLOSE(name, ...)                                                                           \
	if (maps->name##_fd >= 0)                                                                  \
		close(maps->name##_fd);
	MAPS_PLAIN(CLOSE)
#undef CLOSE
}

static int open_all(const char *pin_dir, const struct maps_identity *limits, int protection,
		    struct maps *maps)
{
	size_t count;
	int err;

#define MAP(name, type, entries)                                                                   \
	err = map_array(pin_dir, limits, protection,                                               \
			&(struct mapping){"gw_" #name, sizeof(type), &maps->name##_count,          \
					  (void **)&maps->name});                                  \
	if (err)                                                                                   \
		return err;
	MAPS_MAPPED(MAP)
#undef MAP
#define OPEN(name, ...)                                                                            \
	maps->name##_fd = open_sized(pin_dir, "gw_" #name, limits, &count);                        \
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

#define CLOSED(name, ...) maps.name##_fd = -1;
	MAPS_PLAIN(CLOSED)
#undef CLOSED
	if (is_doubtful(pin_dir))
		return -EPROTO;
	err = maps_identify(pin_dir, &identity);
	if (err)
		return err;
	if (identity.abi != GW_ABI_VERSION)
		return -EPROTO;
	err = open_all(pin_dir, &identity, writable ? PROT_READ | PROT_WRITE : PROT_READ, &maps);
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

/* magic and abi are at their places in every version; all else of gw_meta may be another. */
static bool can_be_meta(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_ARRAY && info->key_size == sizeof(__u32) &&
	       info->max_entries == 1 &&
	       info->value_size >= offsetof(struct gw_meta, abi) + sizeof(__u32);
}

int maps_identify(const char *pin_dir, struct maps_identity *ret)
{
	struct bpf_map_info info;
	struct gw_meta *meta = NULL;
	__u32 key = 0;
	int err, fd;

	fd = maps_open_pin(pin_dir, "gw_meta", &info);
	if (fd < 0)
		return fd;
	err = -EPROTO;
	if (!can_be_meta(&info))
		goto out;
	err = -ENOMEM;
	meta = calloc(1, info.value_size > sizeof(*meta) ? info.value_size : sizeof(*meta));
	if (!meta)
		goto out;
	err = bpf_map_lookup_elem(fd, &key, meta) ? -errno : 0;
	if (err)
		goto out;
	err = -EPROTO;
	if (meta->magic != GW_MAGIC)
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
