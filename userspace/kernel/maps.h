/* SPDX-License-Identifier: Apache-2.0 */
/* The pinned maps of one pin directory, as memory where they can be mmap'ed. */
#ifndef GWBPF_KERNEL_MAPS_H
#define GWBPF_KERNEL_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

/* What decides how many entries a map has. */
enum maps_size {
	MAPS_ONE,
	MAPS_PER_SERVICE,
	MAPS_PER_BACKEND,
	MAPS_OF_SLOTS,
	MAPS_OF_FILTER,
	MAPS_PER_CPU,
	MAPS_OF_SUSPECTS,
	MAPS_OF_USER_SUSPECTS,
	MAPS_OF_CLIENTS,
	MAPS_OF_AFFINITY,
	MAPS_OF_USER_AFFINITY,
	MAPS_OF_NOTES,
	MAPS_OF_HINTS,
	MAPS_OF_EXCEPTED,
	MAPS_PER_SOCKET, /* grows by itself */
};

/* X(name, type of an element, size): arrays that are plain memory here. */
#define MAPS_MAPPED(X)                                                                             \
	X(filter, __u64, OF_FILTER)                                                                \
	X(services, struct gw_service, PER_SERVICE)                                                \
	X(sets, __u64, PER_SERVICE)                                                                \
	X(slots, struct gw_slot, OF_SLOTS)                                                         \
	X(backends, struct gw_backend, PER_BACKEND)                                                \
	X(loads, __u64, PER_BACKEND)                                                               \
	X(counters, struct gw_counters, PER_BACKEND)                                               \
	X(retired, struct gw_retired, PER_SERVICE)                                                 \
	X(reasons, struct gw_reason_counts, PER_CPU)                                               \
	X(checks, struct gw_check, PER_SERVICE)                                                    \
	X(checked, struct gw_checked, PER_BACKEND)                                                 \
	X(tls, struct gw_tls, PER_SERVICE)                                                         \
	X(certificates, struct gw_certificate, PER_BACKEND)                                        \
	X(notes, struct gw_note, OF_NOTES)                                                         \
	X(meta, struct gw_meta, ONE)

/* X(name, BPF_MAP_TYPE_, key, value, flags, size): reached by system calls. */
#define MAPS_PLAIN(X)                                                                              \
	X(vips, HASH, struct gw_vip_key, __u32, BPF_F_NO_PREALLOC, PER_SERVICE)                    \
	X(health, ARRAY, __u32, struct gw_health, 0, PER_BACKEND)                                  \
	X(cursors, ARRAY, __u32, struct gw_cursor, 0, PER_SERVICE)                                 \
	X(suspects, LRU_HASH, struct gw_suspect_key, struct gw_suspect, 0, OF_SUSPECTS)            \
	X(user_suspects, LRU_HASH, struct gw_suspect_key, struct gw_suspect, 0, OF_USER_SUSPECTS)  \
	X(clients, LRU_HASH, struct gw_client_key, struct gw_client, 0, OF_CLIENTS)                \
	X(affinity, LRU_HASH, struct gw_affinity_key, struct gw_affinity, 0, OF_AFFINITY)          \
	X(user_affinity, LRU_HASH, struct gw_affinity_key, struct gw_affinity, 0,                  \
	  OF_USER_AFFINITY)                                                                        \
	X(hints, LRU_HASH, struct gw_hint_key, struct gw_hint, 0, OF_HINTS)                        \
	X(excepted, HASH, struct gw_excepted_key, __u8, BPF_F_NO_PREALLOC, OF_EXCEPTED)            \
	X(conns, SK_STORAGE, int, struct gw_conn, BPF_F_NO_PREALLOC, PER_SOCKET)                   \
	X(service_names, HASH, __u32, struct gw_service_names, BPF_F_NO_PREALLOC, PER_SERVICE)     \
	X(backend_names, HASH, __u32, struct gw_backend_names, BPF_F_NO_PREALLOC, PER_BACKEND)

struct maps {
#define MAPS_POINTER(name, type, size) type *name;
	MAPS_MAPPED(MAPS_POINTER)
#undef MAPS_POINTER
#define MAPS_COUNT(name, type, size) size_t name##_count;
	MAPS_MAPPED(MAPS_COUNT)
#undef MAPS_COUNT
#define MAPS_DESCRIPTOR(name, ...) int name##_fd;
	MAPS_PLAIN(MAPS_DESCRIPTOR)
#undef MAPS_DESCRIPTOR
};

/*
 * Open all maps pinned below pin_dir, each of which is first compared with the tables above: nothing
 * is read from a map of another shape. -ENOENT: nothing is pinned, or not all of it; -EPROTO:
 * another ABI version, a map of another shape, or a directory that others may write to
 * (mounts_check_pin_dir()); -EPERM, -EACCES; -ENOMEM. On success maps_close() undoes it.
 */
int maps_open(const char *pin_dir, bool writable, struct maps *ret);
void maps_close(struct maps *maps);

/* A descriptor of one pinned map ("gw_conns") whose type, key, value and flags are ours, or -errno:
 * -EPROTO if they are not. How many entries it has is the caller's to compare. */
int maps_open_one(const char *pin_dir, const char *name);

/* A descriptor of whatever is pinned under this name, and what it is: for maps of other versions. The
 * caller looks at info before it reads anything. */
struct bpf_map_info;
int maps_open_pin(const char *pin_dir, const char *name, struct bpf_map_info *info);

/* How many entries a map of this name has with these limits; 0: it is not ours, or grows by itself. */
uint32_t maps_entries(const char *name, uint32_t max_services, uint32_t max_backends);

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
