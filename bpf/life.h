/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of a balanced connection: picked, counted, closed (gwbpf/abi.h). Only a counted record
 * is ever subtracted, and only once, whatever happens around it.
 */
#ifndef GWBPF_LIFE_H
#define GWBPF_LIFE_H

#include <linux/errno.h>

#include "count.h"
#include "health.h"

/* A connection that ends sooner did not work, whoever ended it: a TLS handshake that failed. */
#define SHORT_NS SECOND_NS

/* The first packet leaves. */
static __always_inline void conn_count(struct gw_conn *conn)
{
	struct gw_counters *counters;

	if (conn->state != GW_CONN_PICKED)
		return;
	set_life(conn, GW_CONN_COUNTED, present_epoch());
	counters = counters_of(conn);
	if (!counters)
		return;
	add_load(conn);
	count_up(&counters->attempts);
}

static __always_inline void conn_establish(struct gw_conn *conn, __u64 now_ns)
{
	struct gw_counters *counters;

	if (conn->state != GW_CONN_COUNTED || conn->established_ns)
		return;
	conn->established_ns = now_ns;
	counters = counters_of(conn);
	if (!counters)
		return;
	count_up(&counters->established);
	count_connect_time(counters, now_ns - conn->start_ns);
	trust_reachable(conn);
	restore(conn, now_ns);
}

/* A route error learnt from ICMP takes the place of ETIMEDOUT when the kernel gives up. */
static __always_inline int is_unreachable(int error)
{
	return error == EHOSTUNREACH || error == ENETUNREACH;
}

static __always_inline void hold_against(const struct gw_conn *conn)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 until_ns = suspect(conn, GW_SUSPICION_FAILED, now_ns);

	forget_short(conn);
	judge(conn, until_ns, now_ns);
}

/* It ended before it was established. A close by the application after a repeated SYN is an
 * application that waited in vain. */
static __always_inline void count_failure(struct gw_conn *conn, struct gw_counters *counters,
					  int error, __u32 retransmits)
{
	if (!error && !retransmits) {
		count_up(&counters->canceled);
		return;
	}
	if (!error || error == ETIMEDOUT)
		count_up(&counters->timed_out);
	else if (error == ECONNREFUSED)
		count_up(&counters->refused);
	else if (is_unreachable(error))
		count_up(&counters->unreachable);
	else
		count_up(&counters->other_failed);
	hold_against(conn);
}

/* The first end of the two sends its last packet, or a reset: by then it shows whether the
 * connection lasted. When it is over depends on both, and may be later than the next connect of a
 * client that met a peer which hangs up. */
static __always_inline void conn_begin_to_end(const struct gw_conn *conn)
{
	__u64 now_ns = bpf_ktime_get_ns();

	if (conn->state != GW_CONN_COUNTED || !conn->established_ns ||
	    !follows_load(HOW_POLICY(conn->how)) || !backend_is_there(conn))
		return;
	if (now_ns - conn->established_ns < SHORT_NS)
		suspect_short(conn, now_ns);
	else
		forget_short(conn);
}

static __always_inline void count_end(struct gw_counters *counters, int error)
{
	count_up(&counters->closed);
	if (error == ECONNRESET || error == EPIPE)
		count_up(&counters->reset);
	else if (error == ETIMEDOUT || is_unreachable(error))
		count_up(&counters->lost);
}

static __always_inline void conn_close(struct gw_conn *conn, int error, __u32 retransmits)
{
	struct gw_counters *counters;

	if (conn->state != GW_CONN_COUNTED)
		return;
	conn->state = GW_CONN_CLOSED;
	counters = counters_of(conn);
	if (!counters)
		return;
	subtract_load(conn);
	if (conn->established_ns)
		count_end(counters, error);
	else
		count_failure(conn, counters, error, retransmits);
}

/* A connect that never sent a SYN, such as for want of a route: no attempt, but a failure that
 * this client must not meet again and again. */
static __always_inline void conn_forget_picked(struct gw_conn *conn)
{
	if (conn->state != GW_CONN_PICKED)
		return;
	conn->state = GW_CONN_IDLE;
	count_reason(GW_REASON_NO_SYN);
	hold_against(conn);
}

/* The socket connects anew: whatever the record stood for is over. */
static __always_inline void conn_end_old(struct gw_conn *conn)
{
	conn_forget_picked(conn);
	/* Not subtracted here: a recount since then may have left it out already. */
	if (conn->state == GW_CONN_COUNTED)
		count_reason(GW_REASON_MISSED_CLOSE);
	conn->state = GW_CONN_IDLE;
}

#endif
