/* SPDX-License-Identifier: Apache-2.0 */
/* The pinned maps of one pin directory, as memory where they can be mmap'ed. */
#ifndef GWBPF_KERNEL_MAPS_H
#define GWBPF_KERNEL_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

/* X(name, type of an element): arrays that are plain memory here. */
#define MAPS_MAPPED(X)                                                                             \
	X(services, struct gw_service)                                                             \
	X(sets, __u64)                                                                             \
	X(slots, struct gw_slot)                                                                   \
	X(backends, struct gw_backend)                                                             \
	X(loads, __u64)                                                                            \
	X(counters, struct gw_counters)                                                            \
	X(retired, struct gw_retired)                                                              \
	X(reasons, struct gw_reason_counts)                                                        \
	X(meta, struct gw_meta)

/* X(name): reached by system calls. */
#define MAPS_PLAIN(X)                                                                              \
	X(vips)                                                                                    \
	X(health)                                                                                  \
	X(cursors)                                                                                 \
	X(suspects)                                                                                \
	X(affinity)                                                                                \
	X(hints)                                                                                   \
	X(conns)                                                                                   \
	X(service_names)                                                                           \
	X(backend_names)

struct maps {
#define MAPS_POINTER(name, type) type *name;
	MAPS_MAPPED(MAPS_POINTER)
#undef MAPS_POINTER
#define MAPS_COUNT(name, type) size_t name##_count;
	MAPS_MAPPED(MAPS_COUNT)
#undef MAPS_COUNT
#define MAPS_DESCRIPTOR(name) int name##_fd;
	MAPS_PLAIN(MAPS_DESCRIPTOR)
#undef MAPS_DESCRIPTOR
};

/*
 * Open all maps pinned below pin_dir. -ENOENT: nothing is pinned, or not all of it; -EPROTO:
 * another ABI version; -EPERM, -EACCES; -ENOMEM. On success maps_close() undoes it.
 */
int maps_open(const char *pin_dir, bool writable, struct maps *ret);
void maps_close(struct maps *maps);

/* A descriptor of one pinned map ("gw_conns"), or -errno. */
int maps_open_one(const char *pin_dir, const char *name);

/* sum += part */
void counters_add(struct gw_counters *sum, const struct gw_counters *part);

/* What the pins say of themselves, readable for every version. -ENOENT: no pins; -EPROTO: the
 * map there is not gwbpf's. */
struct maps_identity {
	uint32_t abi;
	uint32_t max_services; /* 0 where the ABI is another */
	uint32_t max_backends;
};

int maps_identify(const char *pin_dir, struct maps_identity *ret);

#endif
