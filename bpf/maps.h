/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps (keys and values: gwbpf/abi.h). Sizes of 1 are set by the user side before loading.
 */
#ifndef GWBPF_MAPS_H
#define GWBPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include <gwbpf/abi.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct gw_vip_key);
	__type(value, __u32);
} gw_vips SEC(".maps");

/* What the user side writes or reads as plain memory. */
#define GW_SHARED_ARRAY(name, value_type)                                                          \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, value_type);                                                         \
	} name SEC(".maps")

GW_SHARED_ARRAY(gw_filter, __u64);
GW_SHARED_ARRAY(gw_services, struct gw_service);
GW_SHARED_ARRAY(gw_sets, __u64);
GW_SHARED_ARRAY(gw_slots, struct gw_slot);
GW_SHARED_ARRAY(gw_backends, struct gw_backend);
GW_SHARED_ARRAY(gw_loads, __u64);
GW_SHARED_ARRAY(gw_counters, struct gw_counters);
GW_SHARED_ARRAY(gw_retired, struct gw_retired);
GW_SHARED_ARRAY(gw_reasons, struct gw_reason_counts);
GW_SHARED_ARRAY(gw_meta, struct gw_meta);
GW_SHARED_ARRAY(gw_notes, struct gw_note); /* no program reads these five */
GW_SHARED_ARRAY(gw_checks, struct gw_check);
GW_SHARED_ARRAY(gw_checked, struct gw_checked);
GW_SHARED_ARRAY(gw_tls, struct gw_tls);
GW_SHARED_ARRAY(gw_certificates, struct gw_certificate);

/* A map with a lock cannot be mmap'ed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gw_health);
} gw_health SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gw_cursor);
} gw_cursors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GW_SUSPECTS_MAX);
	__type(key, struct gw_suspect_key);
	__type(value, struct gw_suspect);
} gw_suspects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GW_USER_SUSPECTS_MAX);
	__type(key, struct gw_suspect_key);
	__type(value, struct gw_suspect);
} gw_user_suspects SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GW_CLIENTS_MAX);
	__type(key, struct gw_client_key);
	__type(value, struct gw_client);
} gw_clients SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GW_AFFINITY_MAX);
	__type(key, struct gw_affinity_key);
	__type(value, struct gw_affinity);
} gw_affinity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GW_USER_AFFINITY_MAX);
	__type(key, struct gw_affinity_key);
	__type(value, struct gw_affinity);
} gw_user_affinity SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, GW_HINTS_MAX);
	__type(key, struct gw_hint_key);
	__type(value, struct gw_hint);
} gw_hints SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, GW_EXCEPTED_MAX);
	__type(key, struct gw_excepted_key);
	__type(value, __u8);
} gw_excepted SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct gw_conn);
} gw_conns SEC(".maps");

/* Only people read these two. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gw_service_names);
} gw_service_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct gw_backend_names);
} gw_backend_names SEC(".maps");

#endif
