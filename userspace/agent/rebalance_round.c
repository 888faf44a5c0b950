// SPDX-License-Identifier: Apache-2.0
#include "agent/rebalance_round.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/conns.h"
#include "kernel/maps.h"
#include "kernel/view.h"
#include "model/balance.h"

#define SECOND_NS 1000000000ull
#define HINT_NS (5 * SECOND_NS)
#define STUCK_NS (5 * SECOND_NS)
#define CLIENT_REST_NS (60 * SECOND_NS) /* the same client is not moved twice in this time */
#define DRAIN_QUIET_MS 3000 /* where a drain has a deadline and the Service no time of its own */
#define DRAIN_QUIET_MIN_MS 200
#define DRAIN_PART 8 /* of what is left of a drain, this part leaves in one round */

struct round {
	const struct round_input *input;
	uint64_t now_ns;
	struct view *view;
	const struct view_service *services;
	size_t service_count;
	const struct view_backend *backends;
	size_t backend_count;
	struct gw_walk_conn *conns;
	size_t conn_count;
	struct moved *moves; /* that are decided */
	size_t move_count;
	struct evbuffer *waited;
	struct evbuffer *glances;
	unsigned short random[3];
};

static double draw(void *arg)
{
	struct round *round = arg;

	return erand48(round->random);
}

/* --- what is asked for ------------------------------------------------------------------- */

/* Policies that send a client to the same backend again move nobody. */
static bool can_spread(const struct view_service *service)
{
	switch (service->policy) {
	case GW_POLICY_SH:
	case GW_POLICY_MH:
	case GW_POLICY_FO:
	case GW_POLICY_OVF:
		return false;
	default:
		return !service->affinity_timeout_s;
	}
}

static bool is_asked_for(const struct round *round, const struct view_service *service)
{
	return round->input->only_service == service->index;
}

/* How long a connection must be quiet; 0: nothing is to be moved for balance. */
static uint32_t quiet_ms_of(const struct round *round, const struct view_service *service)
{
	if (service->state != VIEW_SERVICE_READY)
		return 0;
	if (service->rebalance_ms == GW_REBALANCE_AUTO)
		return service->index < round->input->service_count ?
			       round->input->learnt_quiet_ms[service->index] :
			       0;
	if (!service->rebalance_ms && is_asked_for(round, service))
		return DRAIN_QUIET_MS;
	return service->rebalance_ms;
}

/* Nearer to the deadline a shorter time must do; 0 at the deadline: then all that is left moves. */
static uint32_t drain_quiet_ms(const struct view_service *service, double drain_seconds,
			       uint32_t quiet_ms)
{
	double deadline = service->drain_deadline_ms / 1e3, left = deadline - drain_seconds;
	double ms;

	if (!quiet_ms)
		quiet_ms = DRAIN_QUIET_MS;
	if (!service->drain_deadline_ms)
		return quiet_ms;
	if (left <= 0)
		return 0;
	ms = quiet_ms * left / deadline;
	return ms > DRAIN_QUIET_MIN_MS ? (uint32_t)ms : DRAIN_QUIET_MIN_MS;
}

/* --- candidates -------------------------------------------------------------------------- */

static bool is_of(const struct gw_walk_conn *conn, const struct view_backend *backend)
{
	return conn->conn.state == GW_CONN_COUNTED && conn->conn.backend == backend->id &&
	       conn->conn.backend_generation == backend->generation &&
	       conn->tcp_state == TCP_ESTABLISHED;
}

static bool is_same_client(const struct moved *moved, const struct gw_walk_conn *conn)
{
	return moved->netns_cookie == conn->conn.netns_cookie && moved->tgid == conn->conn.tgid &&
	       moved->service == conn->conn.service;
}

static bool rests(const struct round *round, const struct gw_walk_conn *conn)
{
	for (size_t i = 0; i < round->input->moved_count; i++) {
		const struct moved *moved = &round->input->moved[i];

		if (moved->cookie == conn->cookie)
			return true;
		if (is_same_client(moved, conn) && round->now_ns - moved->time_ns < CLIENT_REST_NS)
			return true;
	}
	for (size_t i = 0; i < round->move_count; i++)
		if (is_same_client(&round->moves[i], conn))
			return true;
	return false;
}

static bool is_quiet(const struct gw_walk_conn *conn, uint32_t quiet_ms)
{
	return !quiet_ms || (conn->idle_ms >= quiet_ms && !conn->unacked && !conn->unread);
}

/* Up to `most` connections of a backend that are quiet, at random; how many were found. */
static size_t find_quiet(struct round *round, const struct view_backend *backend, uint32_t quiet_ms,
			 size_t most, const struct gw_walk_conn **ret)
{
	size_t seen = 0;

	for (size_t i = 0; i < round->conn_count; i++) {
		const struct gw_walk_conn *conn = &round->conns[i];
		size_t place;

		/* Another time for each, so that they do not fall into step with the application. */
		if (!is_of(conn, backend) ||
		    !is_quiet(conn, (uint32_t)(quiet_ms * (1 + draw(round) / 2))) ||
		    rests(round, conn))
			continue;
		place = seen < most ? seen : (size_t)(draw(round) * (double)(seen + 1));
		if (place < most)
			ret[place] = conn;
		seen++;
	}
	return seen < most ? seen : most;
}

static void decide_move(struct round *round, const struct gw_walk_conn *conn,
			const struct view_backend *to, uint32_t quiet_ms)
{
	round->moves[round->move_count++] = (struct moved){
		.cookie = conn->cookie,
		.netns_cookie = conn->conn.netns_cookie,
		.time_ns = round->now_ns,
		.tgid = conn->conn.tgid,
		.service = conn->conn.service,
		.from = conn->conn.backend,
		.from_generation = conn->conn.backend_generation,
		.to = to ? to->id : ROUND_NOWHERE,
		.to_generation = to ? to->generation : 0,
		.quiet_ms = quiet_ms,
		.is_drain = !to,
	};
}

/* --- decisions --------------------------------------------------------------------------- */

/* The backends of one Service port, in the order of the view. */
struct members {
	const struct view_backend *backends;
	size_t count;
	struct balance_backend *balance; /* one for each */
};

static struct members members_of(const struct round *round, const struct view_service *service)
{
	struct members members = {0};

	for (size_t i = 0; i < round->backend_count; i++) {
		if (round->backends[i].service_index != service->index)
			continue;
		if (!members.count++)
			members.backends = &round->backends[i];
	}
	return members;
}

static bool takes_connections(const struct view_backend *backend)
{
	return backend->state == VIEW_BACKEND_USABLE || backend->state == VIEW_BACKEND_SUSPECT;
}

static size_t place_of(const struct members *members, uint32_t id, uint32_t generation)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->backends[i].id == id && members->backends[i].generation == generation)
			return i;
	return members->count;
}

static bool is_open(const struct round *round, uint64_t cookie)
{
	for (size_t i = 0; i < round->conn_count; i++)
		if (round->conns[i].cookie == cookie)
			return true;
	return false;
}

/* Whether the client of a move has connected anew since. */
static bool has_returned(const struct round *round, const struct moved *moved)
{
	for (size_t i = 0; i < round->conn_count; i++)
		if (is_same_client(moved, &round->conns[i]) &&
		    round->conns[i].conn.start_ns > moved->time_ns)
			return true;
	return false;
}

static void shift(struct balance_backend *backend, int by)
{
	if (by < 0 && !backend->own)
		return;
	backend->own += (uint32_t)by;
	backend->active += (uint32_t)by;
}

/* A client that was told to move and has not come back yet is where it is expected: else it would
 * look as if there were fewer connections, and others would be moved for it. */
static void expect_moved(const struct round *round, const struct members *members,
			 uint32_t service)
{
	for (size_t i = 0; i < round->input->moved_count; i++) {
		const struct moved *moved = &round->input->moved[i];
		size_t from = place_of(members, moved->from, moved->from_generation);
		size_t to = place_of(members, moved->to, moved->to_generation);

		if (moved->service != service || moved->result != MOVE_MOVED ||
		    round->now_ns - moved->time_ns > CLIENT_REST_NS || has_returned(round, moved))
			continue;
		if (from < members->count && is_open(round, moved->cookie))
			shift(&members->balance[from], -1);
		if (to < members->count)
			shift(&members->balance[to], 1);
	}
}

static void level(struct round *round, const struct members *members, uint32_t quiet_ms)
{
	const struct gw_walk_conn **quiet;

	for (size_t from = 0; from < members->count; from++) {
		uint32_t leave = members->balance[from].leave;
		size_t found;

		quiet = leave ? calloc(leave, sizeof(*quiet)) : NULL;
		if (!quiet)
			continue;
		found = find_quiet(round, &members->backends[from], quiet_ms, leave, quiet);
		for (size_t i = 0; i < found; i++) {
			size_t to = balance_destination(members->balance, members->count, draw,
							round);

			if (to == members->count)
				break;
			decide_move(round, quiet[i], &members->backends[to], quiet_ms);
			shift(&members->balance[from], -1);
			shift(&members->balance[to], 1);
		}
		free(quiet);
	}
}

/* Those that take no new connections lose what they have, bit by bit; where they go, the policy
 * says. */
static void drain(struct round *round, const struct view_service *service,
		  const struct view_backend *backend, uint32_t quiet_ms)
{
	size_t most = (backend->active + DRAIN_PART - 1) / DRAIN_PART, found;
	const struct gw_walk_conn **quiet;

	quiet_ms = drain_quiet_ms(service, backend->drain_seconds, quiet_ms);
	if (!quiet_ms)
		most = backend->active;
	quiet = most ? calloc(most, sizeof(*quiet)) : NULL;
	if (!quiet)
		return;
	found = find_quiet(round, backend, quiet_ms, most, quiet);
	for (size_t i = 0; i < found; i++)
		decide_move(round, quiet[i], NULL, quiet_ms);
	free(quiet);
}

static bool has_destination(const struct members *members)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->balance[i].receives)
			return true;
	return false;
}

static int decide_service(struct round *round, const struct view_service *service)
{
	struct members members = members_of(round, service);
	uint32_t quiet_ms = quiet_ms_of(round, service);

	if (!quiet_ms && !service->drain_deadline_ms)
		return 0;
	members.balance = calloc(members.count + 1, sizeof(*members.balance));
	if (!members.balance)
		return -ENOMEM;
	for (size_t i = 0; i < members.count; i++) {
		const struct view_backend *backend = &members.backends[i];
		bool takes = takes_connections(backend);

		/* What is ejected keeps what it has: nobody knows whether that still works. */
		members.balance[i] = (struct balance_backend){
			.active = backend->active,
			.own = backend->active,
			.weight = takes ? (uint16_t)backend->weight : 0,
			.receives = takes,
		};
	}
	expect_moved(round, &members, service->index);
	for (size_t i = 0; i < members.count && has_destination(&members); i++)
		if (members.backends[i].drain_seconds > 0)
			drain(round, service, &members.backends[i], quiet_ms);
	if (quiet_ms && can_spread(service) &&
	    balance_decide(members.balance, members.count, draw, round))
		level(round, &members, quiet_ms);
	free(members.balance);
	return 0;
}

static int decide(struct round *round)
{
	uint32_t only = round->input->only_service;
	int err = 0;

	round->moves = calloc(round->conn_count + 1, sizeof(*round->moves));
	if (!round->moves)
		return -ENOMEM;
	for (size_t i = 0; i < round->service_count && !err; i++)
		if (only == ROUND_NOWHERE || only == round->services[i].index)
			err = decide_service(round, &round->services[i]);
	return err;
}

/* --- acting ------------------------------------------------------------------------------ */

/* The hint comes first: the client may be back at once. */
static int write_hints(const struct round *round)
{
	int fd = maps_open_one(round->input->pin_dir, "gw_hints"), err = 0;

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < round->move_count && !err; i++) {
		const struct moved *moved = &round->moves[i];
		const struct gw_hint_key key = {
			.netns_cookie = moved->netns_cookie,
			.tgid = moved->tgid,
			.service = moved->service,
		};
		const struct gw_hint hint = {
			.until_ns = clock_now_ns() + HINT_NS,
			.backend = moved->to,
			.backend_generation = moved->to_generation,
		};

		if (moved->to == ROUND_NOWHERE)
			continue;
		if (bpf_map_update_elem(fd, &key, &hint, BPF_ANY))
			err = -errno;
		__atomic_store_n(&round->input->services[moved->service].hints_until_ns,
				 hint.until_ns, __ATOMIC_RELEASE);
	}
	close(fd);
	return err;
}

static const struct gw_walk_conn *find_conn(const struct round *round, uint64_t cookie)
{
	for (size_t i = 0; i < round->conn_count; i++)
		if (round->conns[i].cookie == cookie)
			return &round->conns[i];
	return NULL;
}

static int act(struct round *round)
{
	struct move *moves = calloc(round->move_count + 1, sizeof(*moves));
	int err;

	if (!moves)
		return -ENOMEM;
	for (size_t i = 0; i < round->move_count; i++) {
		const struct gw_walk_conn *conn = find_conn(round, round->moves[i].cookie);

		moves[i] = (struct move){
			.cookie = conn->cookie,
			.inode = conn->inode,
			.holders = conn->holders,
			.tgid = conn->conn.tgid,
			.quiet_ms = round->moves[i].quiet_ms,
		};
		/* What was asked of it, and what it was: the second is for people. */
		if (conn->idle_ms > round->moves[i].quiet_ms)
			round->moves[i].quiet_ms = conn->idle_ms;
		/* Before it is told: it may be back before this returns. */
		round->moves[i].time_ns = clock_now_ns();
	}
	err = write_hints(round);
	if (!err)
		mover_run(moves, round->move_count); /* those not looked for are not found */
	for (size_t i = 0; i < round->move_count; i++)
		round->moves[i].result = moves[i].result;
	free(moves);
	return err;
}

/* --- what is learnt ---------------------------------------------------------------------- */

static int compare_glances(const void *a, const void *b)
{
	const struct glance *left = a, *right = b;

	return (left->cookie > right->cookie) - (left->cookie < right->cookie);
}

static struct glance glance_at(const struct round *round, const struct gw_walk_conn *conn)
{
	uint64_t now_ms = round->now_ns / 1000000;

	return (struct glance){
		.cookie = conn->cookie,
		.sent_ms = now_ms - conn->sent_ms,
		.received_ms = now_ms - conn->received_ms,
		.segments_sent = conn->segments_sent,
		.segments_received = conn->segments_received,
	};
}

/* The longest wait of one Service's connections since the last round. */
static int learn_service(struct round *round, const struct view_service *service)
{
	struct waited waited = {.service = service->index};
	bool any = false;

	for (size_t i = 0; i < round->conn_count; i++) {
		const struct gw_walk_conn *conn = &round->conns[i];
		const struct glance *before;
		struct glance now;
		uint32_t ms;

		if (conn->conn.service != service->index || conn->tcp_state != TCP_ESTABLISHED)
			continue;
		any = true;
		now = glance_at(round, conn);
		if (evbuffer_add(round->glances, &now, sizeof(now)))
			return -ENOMEM;
		before = bsearch(&now, round->input->glances, round->input->glance_count,
				 sizeof(now), compare_glances);
		ms = before ? silence_between(before, &now) : 0;
		waited.waited_ms = ms > waited.waited_ms ? ms : waited.waited_ms;
	}
	return any && evbuffer_add(round->waited, &waited, sizeof(waited)) ? -ENOMEM : 0;
}

static int learn(struct round *round)
{
	struct glance *glances;
	size_t length;
	int err = 0;

	for (size_t i = 0; i < round->service_count && !err; i++)
		if (round->services[i].rebalance_ms == GW_REBALANCE_AUTO)
			err = learn_service(round, &round->services[i]);
	length = evbuffer_get_length(round->glances);
	glances = err || !length ? NULL : (struct glance *)evbuffer_pullup(round->glances, -1);
	if (glances)
		qsort(glances, length / sizeof(*glances), sizeof(*glances), compare_glances);
	return err;
}

/* --- the answer -------------------------------------------------------------------------- */

/* Told long ago, and still open. */
static int find_stuck(const struct round *round, struct evbuffer *to)
{
	for (size_t i = 0; i < round->input->moved_count; i++) {
		const struct moved *moved = &round->input->moved[i];

		if (moved->result == MOVE_MOVED && round->now_ns - moved->time_ns > STUCK_NS &&
		    is_open(round, moved->cookie) && evbuffer_add(to, moved, sizeof(*moved)))
			return -ENOMEM;
	}
	return 0;
}

static int answer(const struct round *round, struct evbuffer *to)
{
	struct evbuffer *stuck = evbuffer_new();
	int err = stuck ? find_stuck(round, stuck) : -ENOMEM;

	if (!err) {
		const struct round_head head = {
			.moved_count = (uint32_t)round->move_count,
			.stuck_count = (uint32_t)(evbuffer_get_length(stuck) / sizeof(struct moved)),
			.waited_count = (uint32_t)(evbuffer_get_length(round->waited) /
						   sizeof(struct waited)),
			.glance_count = (uint32_t)(evbuffer_get_length(round->glances) /
						   sizeof(struct glance)),
		};

		if (evbuffer_add(to, &head, sizeof(head)) ||
		    evbuffer_add(to, round->moves, round->move_count * sizeof(*round->moves)) ||
		    evbuffer_add_buffer(to, stuck) || evbuffer_add_buffer(to, round->waited) ||
		    evbuffer_add_buffer(to, round->glances))
			err = -ENOMEM;
	}
	if (stuck)
		evbuffer_free(stuck);
	return err;
}

static int look(struct round *round)
{
	int err = conns_walk_once(round->input->pin_dir, &round->conns, &round->conn_count);

	if (!err)
		err = view_open(round->input->pin_dir, &round->view);
	if (err)
		return err;
	round->service_count = view_services(round->view, &round->services);
	round->backend_count = view_backends(round->view, &round->backends);
	round->now_ns = clock_now_ns();
	return 0;
}

static int run(struct round *round)
{
	int err = look(round);

	if (!err)
		err = learn(round);
	if (!err && round->input->decides)
		err = decide(round);
	if (!err && round->move_count && !round->input->is_dry)
		err = act(round);
	return err;
}

int rebalance_round(struct evbuffer *to, void *arg)
{
	const struct round_input *input = arg;
	struct round round = {
		.input = input,
		.waited = evbuffer_new(),
		.glances = evbuffer_new(),
	};
	int err = round.waited && round.glances ? 0 : -ENOMEM;

	memcpy(round.random, &input->seed, sizeof(round.random));
	if (!err)
		err = run(&round);
	if (!err)
		err = answer(&round, to);
	/* The rest goes with the child. */
	return err;
}
