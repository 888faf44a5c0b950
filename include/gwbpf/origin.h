/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who the clients are to whom the health of a backend owes its last changes (bpf/origin.h). Health
 * knows them by their network namespaces; people know them by their pods and processes. Not pinned,
 * so not part of the ABI: an agent reads what its own programs write.
 */
#ifndef GWBPF_ORIGIN_H
#define GWBPF_ORIGIN_H

#include <linux/bpf.h> /* struct bpf_spin_lock */
#include <linux/types.h>

/* Places: backends whose ids differ by a multiple of it share one, and the last to change has it. */
#define GW_ORIGINS_MAX 2048

enum gw_origin_kind {
	GW_ORIGIN_ACCUSED, /* the last one that accused it, */
	GW_ORIGIN_EJECTED, /* whose failure ejected it, */
	GW_ORIGIN_REACHED, /* that contradicted, or brought it back */
	GW_ORIGIN_KIND_MAX_,
};

struct gw_origin {
	__u64 netns_cookie; /* 0: nobody yet */
	__u64 cgroup_id;    /* of the process that connected */
	__u32 tgid;
	__u32 backend;
	__u32 backend_generation;
	__u32 pad;
};

struct gw_origins {
	struct bpf_spin_lock lock;
	__u32 pad;
	struct gw_origin all[GW_ORIGIN_KIND_MAX_];
};
_Static_assert(sizeof(struct gw_origins) == 104, "200 KB for all places");

#endif
