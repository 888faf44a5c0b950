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
#include "monitor.h"

/* A connection that ends sooner may not have worked, whoever ended it: a TLS handshake failed. */
#define SHORT_NS SECOND_NS

/* The first packet leaves. */
static __always_inline void conn_count(struct gw_conn *conn)
{
	struct gw_counters *counters;

	if (conn->state != GW_CONN_PICKED)
		return;
	set_life(conn, GW_CONN_COUNTED, present_epoch());
	monitor_tell(conn, GW_SIGHT_CONNECT, 0, 0);
	if (conn->flags & GW_CONN_USER_NETNS)
		return;
	counters = counters_of(conn);
	if (!counters)
		return;
	add_load(conn);
	count_up(&counters->attempts);
}

/* A connection in a user's namespace proves nothing: what answers there may be anybody. */
static __always_inline void conn_establish(struct gw_conn *conn, __u64 now_ns)
{
	struct gw_counters *counters;

	if (conn->state != GW_CONN_COUNTED || conn->established_ns)
		return;
	conn->established_ns = now_ns;
	monitor_tell(conn, GW_SIGHT_ESTABLISHED, 0, now_ns - conn->start_ns);
	counters = counters_of(conn);
	if (!counters)
		return;
	trust_own(conn);
	if (conn->flags & GW_CONN_USER_NETNS)
		return;
	count_up(&counters->established);
	count_connect_time(counters, now_ns - conn->start_ns);
	note_reached(conn, now_ns);
	trust(conn, now_ns);
}

/* A route error learnt from ICMP takes the place of ETIMEDOUT when the kernel gives up. */
static __always_inline int is_unreachable(int error)
{
	return error == EHOSTUNREACH || error == ENETUNREACH;
}

/* Its own client passes the backend over for a while; whether others do is for judge(). */
static __always_inline void hold_against(const struct gw_conn *conn, int error)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 until_ns = suspect(conn, GW_SUSPICION_FAILED, now_ns);

	if (conn->flags & GW_CONN_USER_NETNS)
		return;
	forget_short(conn);
	judge(conn, error ? error : ETIMEDOUT, until_ns, now_ns);
}

/* It ended before it was established. A close by the application after a repeated SYN is an
 * application that waited in vain. */
static __always_inline void count_failure(struct gw_counters *counters, int error,
					  __u32 retransmits)
{
	if (!error && !retransmits)
		count_up(&counters->canceled);
	else if (!error || error == ETIMEDOUT)
		count_up(&counters->timed_out);
	else if (error == ECONNREFUSED)
		count_up(&counters->refused);
	else if (is_unreachable(error))
		count_up(&counters->unreachable);
	else
		count_up(&counters->other_failed);
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
	/* While a failure is in force a short one says nothing of its own: when a backend dies,
	 * connections of every age end around the first one that it refuses. */
	if (now_ns - conn->established_ns >= SHORT_NS)
		forget_short(conn);
	else if (!is_failing(conn, now_ns))
		note_short(conn, now_ns);
}

static __always_inline void count_end(struct gw_counters *counters, int error)
{
	count_up(&counters->closed);
	if (error == ECONNRESET || error == EPIPE)
		count_up(&counters->reset);
	else if (error == ETIMEDOUT || is_unreachable(error))
		count_up(&counters->lost);
}

/* error and retransmits as in count_failure(). */
static __always_inline void tell_end(const struct gw_conn *conn, int error, __u32 retransmits)
{
	__u64 since_ns = conn->established_ns ? conn->established_ns : conn->start_ns;

	if (!is_watched_now())
		return;
	if (!conn->established_ns && !error)
		error = retransmits ? ETIMEDOUT : GW_SIGHT_CANCELED;
	monitor_write(conn, conn->established_ns ? GW_SIGHT_CLOSED : GW_SIGHT_FAILED, error,
		      bpf_ktime_get_ns() - since_ns);
}

static __always_inline void conn_close(struct gw_conn *conn, int error, __u32 retransmits)
{
	struct gw_counters *counters;

	if (conn->state != GW_CONN_COUNTED)
		return;
	conn->state = GW_CONN_CLOSED;
	tell_end(conn, error, retransmits);
	counters = counters_of(conn);
	if (!counters)
		return;
	if (!(conn->flags & GW_CONN_USER_NETNS)) {
		subtract_load(conn);
		if (conn->established_ns)
			count_end(counters, error);
		else
			count_failure(counters, error, retransmits);
	}
	if (conn->established_ns)
		return;
	if (error || retransmits)
		hold_against(conn, error);
	else
		end_trial(conn);
}

/*
 * A connect that never sent a SYN, such as for want of a route or of a free port: no attempt. It is
 * mostly the client's own trouble, and says nothing of the backend; but if it is the way to this
 * one, the client's next connect takes another one.
 */
static __always_inline void conn_forget_picked(struct gw_conn *conn)
{
	if (conn->state != GW_CONN_PICKED)
		return;
	conn->state = GW_CONN_IDLE;
	count_reason(GW_REASON_NO_SYN);
	monitor_tell(conn, GW_SIGHT_FAILED, GW_SIGHT_NO_SYN, 0);
	end_trial(conn);
	if (!(conn->flags & GW_CONN_USER_NETNS))
		note_unsent(conn, bpf_ktime_get_ns());
}

/* The socket connects anew: whatever the record stood for is over. */
static __always_inline void conn_end_old(struct gw_conn *conn)
{
	conn_forget_picked(conn);
	/* Not subtracted here: a recount since then may have left it out already. */
	if (conn->state == GW_CONN_COUNTED) {
		count_reason(GW_REASON_MISSED_CLOSE);
		if (!conn->established_ns)
			end_trial(conn);
	}
	conn->state = GW_CONN_IDLE;
}

#endif
