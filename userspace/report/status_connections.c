// SPDX-License-Identifier: Apache-2.0
/*
 * What connections show without a check: a peer whose kernel answers while its process does not, a
 * way on which packets get lost, and clients that cannot reach a peer. All of it is read when somebody
 * asks, and at no other time.
 */
#include "report/status_judge.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <netinet/tcp.h>

#include "base/addr.h"
#include "base/clock.h"
#include "kernel/conns.h"
#include "kernel/remembered.h"
#include "report/format.h"
#include "report/status_texts.h"

#define WALK_MS 2000 /* it may take: some ms for each network namespace on some kernels */
#define PAUSE_NS 5000000

/*
 * An answer is late after so long. What a client sends at once after it has received something is
 * mostly no question, but belongs to the protocol: HTTP/2 has such frames.
 */
#define LATE_MS 10000
#define REPLY_MS 20
#define HUNG_MIN 2 /* connections, or all that the backend has */

/* So much is no chance: a way that is well sends fewer than one of a hundred again. */
#define LOSS_PERCENT 10
#define LOSS_MIN 10 /* segments */

/* The connections of one backend. */
struct sum {
	uint32_t count;
	uint32_t late; /* that wait for an answer */
	uint32_t least_late_ms;
	uint32_t heard;    /* that received something lately */
	uint32_t answered; /* that ever received something */
	uint32_t lossy;    /* that had to send something again */
	uint64_t sent;     /* segments */
	uint64_t retransmits;
	uint32_t avoiders; /* clients that could not reach it */
};

/* Its kernel has taken what was sent, and its process says nothing. */
static bool is_late(const struct gw_walk_conn *walk)
{
	if (walk->tcp_state != TCP_ESTABLISHED || walk->unacked || !walk->segments_sent ||
	    walk->sent_ms < LATE_MS)
		return false;
	return !walk->segments_received || walk->received_ms >= walk->sent_ms + REPLY_MS;
}

static void add(struct sum *sum, const struct gw_walk_conn *walk)
{
	if (is_late(walk)) {
		if (!sum->late || walk->sent_ms < sum->least_late_ms)
			sum->least_late_ms = walk->sent_ms;
		sum->late++;
	}
	sum->count++;
	sum->heard += walk->segments_received && walk->received_ms < LATE_MS;
	sum->answered += walk->segments_received != 0;
	sum->lossy += walk->retransmits != 0;
	sum->sent += walk->segments_sent;
	sum->retransmits += walk->retransmits;
}

/* In a child where it takes long; -ETIMEDOUT: it took too long, and nothing is said. */
static int walk_in_time(const char *pin_dir, struct gw_walk_conn **ret, size_t *count)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t until_ms = clock_now_ms() + WALK_MS;
	struct conns *conns;
	int err = conns_open(pin_dir, &conns);

	if (err)
		return err;
	err = conns_walk_start(conns);
	if (!err)
		err = conns_walk_finish(conns, false, ret, count);
	while (err == -EAGAIN && clock_now_ms() < until_ms) {
		nanosleep(&pause, NULL);
		err = conns_walk_finish(conns, false, ret, count);
	}
	conns_close(conns);
	return err == -EAGAIN ? -ETIMEDOUT : err;
}

static void sum_up_walk(const struct status *status, const char *pin_dir, struct sum *sums)
{
	const struct view_backend *backends, *backend;
	struct gw_walk_conn *walk;
	size_t count;

	view_backends(status->view, &backends);
	if (walk_in_time(pin_dir, &walk, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		backend = view_find_backend(status->view, walk[i].conn.backend,
					    walk[i].conn.backend_generation);
		if (backend && walk[i].conn.state == GW_CONN_COUNTED &&
		    !(walk[i].conn.flags & GW_CONN_USER_NETNS))
			add(&sums[backend - backends], &walk[i]);
	}
	free(walk);
}

static void sum_up_doubts(const struct status *status, const char *pin_dir, struct sum *sums)
{
	const struct view_backend *backends;
	struct doubt *doubts;
	size_t count;

	view_backends(status->view, &backends);
	if (remembered_doubts(pin_dir, status->view, &doubts, &count))
		return;
	for (size_t i = 0; i < count; i++)
		sums[doubts[i].backend - backends].avoiders += doubts[i].kind == DOUBT_FAILED &&
							       !doubts[i].is_user;
	free(doubts);
}

/* "10.1.0.1:7051 (pod 'peer1') of service 'fabric/gateway'" */
#define WHO_MAX 288
static const char *who(const struct view_backend *backend, char buf[WHO_MAX])
{
	char address[ADDR_PORT_TEXT_MAX];

	addr_port_format(&backend->address, backend->port, address);
	snprintf(buf, WHO_MAX, "%s%s%.60s%s of service '%s/%s'", address,
		 *backend->pod ? " (pod '" : "", backend->pod, *backend->pod ? "')" : "",
		 backend->namespace, backend->service);
	return buf;
}

/* A peer of the same Service answers all that it is asked: then silence is not its protocol. */
static bool has_one_that_answers(const struct view_backend *backends, const struct sum *sums,
				 size_t count, size_t but)
{
	for (size_t i = 0; i < count; i++)
		if (i != but && backends[i].service_index == backends[but].service_index &&
		    sums[i].answered && !sums[i].late)
			return true;
	return false;
}

static void judge_hung(struct status *status, const struct sum *sums, size_t i)
{
	const struct view_backend *backends;
	size_t count = view_backends(status->view, &backends);
	const struct sum *sum = &sums[i];
	char text[WHO_MAX], address[ADDR_PORT_TEXT_MAX], age[FORMAT_MAX];

	if (!sum->late || sum->heard || (sum->late < HUNG_MIN && sum->late < sum->count) ||
	    !has_one_that_answers(backends, sums, count, i))
		return;
	addr_port_format(&backends[i].address, backends[i].port, address);
	status_add_warning(status,
			   "backend %s may hang: bytes sent, none received for %s on %u of %u "
			   "connections: unless they wait for events, see its log; 'gwbpf drain "
			   "%s --deadline 10s' moves them; gwbpf.io/check finds such by itself",
			   who(&backends[i], text), format_age(sum->least_late_ms / 1e3, age),
			   sum->late, sum->count, address);
}

static void judge_loss(struct status *status, const struct view_backend *backend,
		       const struct sum *sum)
{
	char text[WHO_MAX], address[ADDR_PORT_TEXT_MAX];

	if (sum->retransmits < LOSS_MIN || sum->retransmits * 100 < sum->sent * LOSS_PERCENT)
		return;
	addr_port_format(&backend->address, backend->port, address);
	status_add_warning(status,
			   "packets to backend %s get lost: %llu segments had to be sent again, "
			   "of %llu, on %u of %u connections: see the network between the nodes; "
			   "'gwbpf drain %s' keeps new connections away",
			   who(backend, text), (unsigned long long)sum->retransmits,
			   (unsigned long long)sum->sent, sum->lossy, sum->count, address);
}

/* Of one that is ejected as much is told elsewhere. */
static void judge_avoided(struct status *status, const struct view_backend *backend,
			  const struct sum *sum)
{
	char text[WHO_MAX], address[ADDR_PORT_TEXT_MAX];

	if (!sum->avoiders || backend->state != VIEW_BACKEND_SUSPECT)
		return;
	addr_port_format(&backend->address, backend->port, address);
	status_add_warning(status,
			   "backend %s is avoided by %u client%s of this node that could not "
			   "reach it: 'gwbpf explain %s/%s' names them; 'gwbpf drain %s' keeps "
			   "all away from it",
			   who(backend, text), sum->avoiders, sum->avoiders == 1 ? "" : "s",
			   backend->namespace, backend->service, address);
}

void status_judge_connections(struct status *status, const char *pin_dir)
{
	const struct view_backend *backends;
	size_t count = view_backends(status->view, &backends);
	struct sum *sums = calloc(count + 1, sizeof(*sums));
	uint64_t active = 0;

	if (!sums)
		return;
	for (size_t i = 0; i < count; i++)
		active += backends[i].active;
	if (active)
		sum_up_walk(status, pin_dir, sums);
	sum_up_doubts(status, pin_dir, sums);
	for (size_t i = 0; i < count; i++) {
		judge_avoided(status, &backends[i], &sums[i]);
		judge_hung(status, sums, i);
		judge_loss(status, &backends[i], &sums[i]);
	}
	free(sums);
}
