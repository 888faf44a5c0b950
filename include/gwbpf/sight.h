/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the hooks tell of each connection while somebody watches (bpf/monitor.h). Not pinned, so not
 * part of the ABI: an agent reads what its own programs write.
 */
#ifndef GWBPF_SIGHT_H
#define GWBPF_SIGHT_H

#include <linux/types.h>

#define GW_SIGHTS_BYTES (512 * 1024) /* of the ring; what has no room is counted */

/* Kind: name in JSON and tables. The two that the user side adds come last. */
#define GW_SIGHT_KINDS(X)                                                                          \
	X(CONNECT, "connect")         /* its first packet leaves */                                \
	X(ESTABLISHED, "established") /* duration: since connect(2) */                             \
	X(FAILED, "failed")           /* error: why; duration likewise */                          \
	X(CLOSED, "closed")           /* error: why, or 0; duration: since it was established */   \
	X(EJECTED, "ejected")         /* the backend, by a failure of this client: for so long */  \
	X(RETURNED, "returned")       /* the backend, as this client has reached it */             \
	X(MOVED, "moved")                                                                          \
	X(LOST, "lost")

enum gw_sight_kind {
#define GW_SIGHT_ENUM(id, name) GW_SIGHT_##id,
	GW_SIGHT_KINDS(GW_SIGHT_ENUM)
#undef GW_SIGHT_ENUM
		GW_SIGHT_KIND_MAX_
};

/* Errors beside errno. */
#define GW_SIGHT_CANCELED 60001    /* the application closed before the answer */
#define GW_SIGHT_NO_SYN 60002      /* no packet left */
#define GW_SIGHT_NO_BACKENDS 60003 /* the Service has no usable backend */

struct gw_sight {
	__u64 time_ns;
	__u64 start_ns; /* of the connect(2): with the client it tells connections apart */
	__u64 netns_cookie;
	__u64 cgroup_id; /* of the process that connected */
	__u64 duration_ns;
	__u32 service;
	__u32 backend;
	__u32 backend_generation;
	__u32 tgid;
	__u16 kind;  /* enum gw_sight_kind */
	__u16 error; /* errno, or one of the above; 0: none */
	__u32 pad;
};
_Static_assert(sizeof(struct gw_sight) == 64, "7,200 of them fit into the ring");

#endif
