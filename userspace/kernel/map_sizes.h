/* SPDX-License-Identifier: Apache-2.0 */
/* How large the pinned maps are. */
#ifndef GWBPF_KERNEL_MAP_SIZES_H
#define GWBPF_KERNEL_MAP_SIZES_H

#include <stddef.h>
#include <stdint.h>

#define MAP_SIZES_MAX 64

struct map_size {
	char name[32];
	uint32_t entries; /* that it has room for; 0: it grows by itself */
	uint32_t value_bytes;
	uint64_t bytes; /* of keys and values, were it full; the kernel adds its own */
};

/* Of all maps that are there. -ENOENT: nothing is pinned; -EPERM, -EACCES. */
int map_sizes_read(const char *pin_dir, struct map_size ret[MAP_SIZES_MAX], size_t *count);

#endif
