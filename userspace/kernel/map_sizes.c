// SPDX-License-Identifier: Apache-2.0
#include "kernel/map_sizes.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "kernel/maps.h"

static int compare(const void *a, const void *b)
{
	const struct map_size *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static void add(const char *pin_dir, const char *name, struct map_size *sizes, size_t *count)
{
	struct bpf_map_info info;
	int fd = maps_open_pin(pin_dir, name, &info);

	if (fd < 0)
		return;
	close(fd);
	sizes[*count] = (struct map_size){
		.entries = info.max_entries,
		.value_bytes = info.value_size,
		.bytes = (uint64_t)info.max_entries * (info.key_size + info.value_size),
	};
	snprintf(sizes[(*count)++].name, sizeof(sizes->name), "%.31s", name);
}

int map_sizes_read(const char *pin_dir, struct map_size ret[MAP_SIZES_MAX], size_t *count)
{
	char path[PATH_MAX];
	struct dirent *pin;
	DIR *pins;

	*count = 0;
	snprintf(path, sizeof(path), "%s/maps", pin_dir);
	pins = opendir(path);
	if (!pins)
		return -errno;
	while (*count < MAP_SIZES_MAX && (pin = readdir(pins)))
		if (pin->d_name[0] != '.')
			add(pin_dir, pin->d_name, ret, count);
	closedir(pins);
	qsort(ret, *count, sizeof(*ret), compare);
	return 0;
}
