/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a client goes whose connection was just moved: to the backend for whose sake it was. */
#ifndef GWBPF_HINT_H
#define GWBPF_HINT_H

#include "affinity.h"
#include "maps.h"

/* Take the hint for this process, if there is one that is still good, and not to a backend that this
 * client passes over. */
static __always_inline bool pick_hinted(struct gw_conn *conn, __u32 service, __u64 hints_until_ns,
					__u64 avoided)
{
	struct gw_hint_key key = {
		.netns_cookie = conn->netns_cookie,
		.tgid = conn->tgid,
		.service = service,
	};
	const struct gw_hint *hint;
	__u64 until_ns;

	if (conn->start_ns >= hints_until_ns)
		return false;
	hint = bpf_map_lookup_elem(&gw_hints, &key);
	if (!hint)
		return false;
	until_ns = hint->until_ns;
	conn->best_backend = hint->backend;
	conn->best_generation = hint->backend_generation;
	bpf_map_delete_elem(&gw_hints, &key);
	return conn->start_ns < until_ns &&
	       !(avoided >> GW_CLIENT_BIT(conn->best_generation) & 1) &&
	       is_still_good(conn, service, conn->best_backend, conn->best_generation);
}

#endif
