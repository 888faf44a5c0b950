/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What earlier versions kept of a connection, as far as this one goes on with it. */
#ifndef GWBPF_TAKEOVER_H
#define GWBPF_TAKEOVER_H

#include <gwbpf/abi.h>

/* gw_conns of ABI 2. */
struct gw_conn_2 {
	__u32 service;
	__u32 backend;
	__u32 backend_generation;
	__u8 state; /* enum gw_conn_state */
	__u8 flags;
	__be16 port;
	struct gw_addr vip;
	__u64 start_ns;
	__u64 established_ns;
	__u64 netns_cookie;
	__u64 cgroup_id;
	__u32 tgid;
	__u32 rest[11];
};
_Static_assert(sizeof(struct gw_conn_2) == 112, "as it was");

#endif
