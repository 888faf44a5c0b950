// SPDX-License-Identifier: Apache-2.0
#include "agent/rebalance_round.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/conns.h"
#include "kernel/hints.h"
#include "kernel/mover_child.h"
#include "kernel/view.h"
#include "kernel/waits.h"
#include "model/balance.h"
#include "model/evenness.h"
#include "model/latest.h"
#include "report/backends.h"
#include "report/clients.h"

#define SECOND_NS 1000000000ull
#define HINT_NS (5 * SECOND_NS)
#define STUCK_NS (5 * SECOND_NS)
#define CLIENT_REST_NS (60 * SECOND_NS) /* the same client is not moved twice in this time */
#define DRAIN_QUIET_MS 3000 /* where a drain has a deadline and the Service no time of its own */
#define DRAIN_QUIET_MIN_MS 200
#define DRAIN_PART 8  /* of what is left of a drain, this part leaves in one round */
#define LOOK_MS 100   /* while some are still to leave, it looks again so often, */
#define LOOKS_MS 1500 /* and for so long, in which every move begins: the next round decides anew */
#define FOLLOW_MAX 1024 /* connections of one Service whose waits are looked at: the oldest */
#define HEARD_MS 1000   /* a round begins once a second */
#define LOOK_SHARE 9    /* so much longer than a walk takes is the time until the next */
#define FRESH_LOOKS 2   /* what becomes quiet between two looks is seen so, if one comes late too */
#define LONG_MS 10000   /* or as long as is asked for, where that is less */

/* The backends of one Service port, in the order of the view. */
struct members {
	const struct view_service *service;
	const struct view_backend *backends;
	size_t count;
	struct balance_backend *balance; /* one for each; what is to leave for balance */
	uint32_t *drain;                 /* one for each: how many are to leave by a drain */
	uint32_t quiet_ms;               /* for balance; 0: nothing moves for it */
};

struct span {
	const struct view_backend *first;
	size_t count;
};

struct round {
	const struct round_input *input;
	uint64_t now_ns;
	struct view *view;
	const struct view_service *services;
	size_t service_count;
	const struct view_backend *backends;
	size_t backend_count;
	struct span *spans; /* the backends of each Service, by its index */
	size_t span_count;
	struct gw_walk_conn *conns;
	size_t conn_count;
	struct latest open; /* begin of each connection, and of the newest of each client */
	struct latest told; /* when each connection, and each client, was last told to move */
	struct members *services_to_do;
	size_t to_do_count;
	struct moved *moves; /* that were tried */
	size_t move_count;
	struct evbuffer *waited;
	struct evbuffer *uneven;
	uint32_t busy_count; /* moves that were put off, as there was traffic again */
	uint64_t fresh_ms;   /* for so long what has become quiet has just become so */
	uint64_t end_ms;     /* no move begins later: the child must come to its answer */
	int hints_fd;
	struct mover_child *mover;
	struct clients *clients;
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
		return service->index < round->input->service_count
			       ? round->input->learnt_quiet_ms[service->index]
			       : 0;
	if (!service->rebalance_ms && is_asked_for(round, service))
		return DRAIN_QUIET_MS;
	return service->rebalance_ms;
}

static bool is_down(const struct view_backend *backend)
{
	return backend->state == VIEW_BACKEND_DOWN;
}

/* Nearer to the deadline a shorter time must do; 0 at the deadline: then all that is left moves. */
static uint32_t drain_quiet_ms(const struct view_backend *backend, uint32_t quiet_ms)
{
	double deadline = backend->drain_deadline_ms / 1e3;
	double left = deadline - backend->drain_seconds, ms;

	if (is_down(backend))
		return 0;
	if (!quiet_ms)
		quiet_ms = DRAIN_QUIET_MS;
	if (!backend->drain_deadline_ms)
		return quiet_ms;
	if (left <= 0)
		return 0;
	ms = quiet_ms * left / deadline;
	return ms > DRAIN_QUIET_MIN_MS ? (uint32_t)ms : DRAIN_QUIET_MIN_MS;
}

/* --- candidates -------------------------------------------------------------------------- */

static bool is_of(const struct gw_walk_conn *conn, const struct view_backend *backend)
{
	return conn->conn.state == GW_CONN_COUNTED && !(conn->conn.flags & GW_CONN_USER_NETNS) &&
	       conn->conn.backend == backend->id &&
	       conn->conn.backend_generation == backend->generation &&
	       conn->tcp_state == TCP_ESTABLISHED;
}

/* A client is a process in a network namespace, with the connections that it has to one Service. */
static struct latest_key client_key(uint64_t netns_cookie, uint32_t tgid, uint32_t service)
{
	return (struct latest_key){netns_cookie, (uint64_t)tgid << 32 | service};
}

/* No process has such an id. */
static struct latest_key cookie_key(uint64_t cookie)
{
	return (struct latest_key){cookie, UINT64_MAX};
}

/* Nor this one: it stands for all processes there. */
static struct latest_key netns_key(uint64_t netns_cookie)
{
	return (struct latest_key){netns_cookie, UINT64_MAX - 1};
}

static int note_open(struct round *round, const struct gw_walk_conn *conn)
{
	uint64_t start_ns = conn->conn.start_ns ? conn->conn.start_ns : 1;
	int err = latest_note(&round->open, cookie_key(conn->cookie), start_ns);

	if (err)
		return err;
	return latest_note(&round->open,
			   client_key(conn->conn.netns_cookie, conn->conn.tgid, conn->conn.service),
			   start_ns);
}

static int note_told(struct round *round, const struct moved *moved)
{
	int err = latest_note(&round->told, cookie_key(moved->cookie), moved->time_ns);

	if (!err && moved->result == MOVE_HUNG)
		err = latest_note(&round->told, netns_key(moved->netns_cookie), moved->time_ns);
	if (err)
		return err;
	return latest_note(&round->told,
			   client_key(moved->netns_cookie, moved->tgid, moved->service),
			   moved->time_ns);
}

/* Nobody waits on a peer that is down: a client has all its connections there moved. */
static bool rests(const struct round *round, const struct gw_walk_conn *conn, bool is_rescue)
{
	uint64_t told_ns;

	if (latest_of(&round->told, cookie_key(conn->cookie)) ||
	    latest_of(&round->told, netns_key(conn->conn.netns_cookie)))
		return true;
	if (is_rescue)
		return false;
	told_ns = latest_of(&round->told, client_key(conn->conn.netns_cookie, conn->conn.tgid,
						     conn->conn.service));
	return told_ns && told_ns + CLIENT_REST_NS > round->now_ns;
}

/* An application that calls at intervals does so least likely when its connection has just become
 * quiet: later it is left alone, until it has been quiet for so long that it hardly calls at all.
 * Who asks for a round of its own asks for now. */
static bool is_quiet(const struct round *round, const struct gw_walk_conn *conn, uint32_t quiet_ms)
{
	uint32_t long_ms = quiet_ms < LONG_MS ? quiet_ms : LONG_MS;

	if (!quiet_ms)
		return true;
	if (conn->idle_ms < quiet_ms || conn->unacked || conn->unread)
		return false;
	return conn->idle_ms < quiet_ms + round->fresh_ms || conn->idle_ms >= quiet_ms + long_ms ||
	       round->input->only_service != ROUND_NOWHERE;
}

/* Up to `most` connections of a backend that are quiet, at random; how many were found. */
static size_t find_quiet(struct round *round, const struct view_backend *backend, uint32_t quiet_ms,
			 size_t most, const struct gw_walk_conn **ret)
{
	size_t seen = 0;

	for (size_t i = 0; i < round->conn_count; i++) {
		const struct gw_walk_conn *conn = &round->conns[i];
		size_t place;

		if (!is_of(conn, backend) || !is_quiet(round, conn, quiet_ms) ||
		    rests(round, conn, is_down(backend)))
			continue;
		place = seen < most ? seen : (size_t)(draw(round) * (double)(seen + 1));
		if (place < most)
			ret[place] = conn;
		seen++;
	}
	return seen < most ? seen : most;
}

/* --- decisions --------------------------------------------------------------------------- */

/* Which backends each Service has: they stand together in the view. One look at each of them, as
 * there may be thousands of Services. */
static int group_backends(struct round *round)
{
	uint32_t last = 0;

	for (size_t i = 0; i < round->backend_count; i++)
		if (round->backends[i].service_index > last)
			last = round->backends[i].service_index;
	round->spans = calloc((size_t)last + 1, sizeof(*round->spans));
	if (!round->spans)
		return -ENOMEM;
	round->span_count = (size_t)last + 1;
	for (size_t i = 0; i < round->backend_count; i++) {
		struct span *span = &round->spans[round->backends[i].service_index];

		if (!span->count++)
			span->first = &round->backends[i];
	}
	return 0;
}

static struct members members_of(const struct round *round, const struct view_service *service)
{
	struct members members = {.service = service};

	if (service->index < round->span_count) {
		members.backends = round->spans[service->index].first;
		members.count = round->spans[service->index].count;
	}
	return members;
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
	return latest_of(&round->open, cookie_key(cookie));
}

/* Whether the client of a move has connected anew since. */
static bool has_returned(const struct round *round, const struct moved *moved)
{
	return latest_of(&round->open, client_key(moved->netns_cookie, moved->tgid,
						  moved->service)) > moved->time_ns;
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
static void expect_moved(const struct round *round, const struct members *members)
{
	for (size_t i = 0; i < round->input->moved_count; i++) {
		const struct moved *moved = &round->input->moved[i];
		size_t from = place_of(members, moved->from, moved->from_generation);
		size_t to = place_of(members, moved->to, moved->to_generation);

		if (moved->service != members->service->index || moved->result != MOVE_MOVED ||
		    round->now_ns - moved->time_ns > CLIENT_REST_NS || has_returned(round, moved))
			continue;
		if (from < members->count && is_open(round, moved->cookie))
			shift(&members->balance[from], -1);
		if (to < members->count)
			shift(&members->balance[to], 1);
	}
}

static bool has_destination(const struct members *members)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->balance[i].receives)
			return true;
	return false;
}

/* Whether what is down is passed over: else its connections would come back to it. */
static bool can_do_without(const struct members *members)
{
	size_t count = 0, left = 0;

	for (size_t i = 0; i < members->count; i++) {
		const struct view_backend *backend = &members->backends[i];

		count += backend->state != VIEW_BACKEND_LEAVING;
		left += view_backend_takes(backend) || backend->state == VIEW_BACKEND_DRAINING;
	}
	return left * 100 >= members->service->keep_percent * count;
}

/* Those that take no new connections lose what they have, bit by bit; those that are down, at once. */
static uint32_t decide_drain(const struct members *members, const struct view_backend *backend)
{
	if (is_down(backend))
		return members->service->moves_down && can_do_without(members) ? backend->active
									       : 0;
	if (!backend->drain_seconds || !(members->quiet_ms || backend->drain_deadline_ms))
		return 0;
	if (!drain_quiet_ms(backend, members->quiet_ms))
		return backend->active;
	return (backend->active + DRAIN_PART - 1) / DRAIN_PART;
}

static bool has_deadline(const struct members *members)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->backends[i].drain_deadline_ms)
			return true;
	return false;
}

static void members_done(struct members *members)
{
	free(members->balance);
	free(members->drain);
}

/* Whether its connections are to be even, and are not. */
static bool is_uneven(const struct members *members)
{
	const struct view_service *service = members->service;
	struct evenness evenness = {0};

	if (!service->rebalance_ms || service->state != VIEW_SERVICE_READY || !can_spread(service))
		return false;
	for (size_t i = 0; i < members->count; i++)
		backends_add_evenness(&members->backends[i], &evenness);
	return !evenness_is_even(&evenness);
}

static int note_uneven(struct round *round, const struct view_service *service)
{
	const struct uneven uneven = {
		.service = service->index,
		.vip = round->input->services[service->index].vip,
		.port = round->input->services[service->index].port,
	};

	return evbuffer_add(round->uneven, &uneven, sizeof(uneven)) ? -ENOMEM : 0;
}

static int decide_service(struct round *round, const struct view_service *service)
{
	struct members members = members_of(round, service);

	if (is_uneven(&members) && note_uneven(round, service))
		return -ENOMEM;
	members.quiet_ms = quiet_ms_of(round, service);
	if (!members.quiet_ms && !has_deadline(&members) && !service->moves_down)
		return 0;
	members.balance = calloc(members.count + 1, sizeof(*members.balance));
	members.drain = calloc(members.count + 1, sizeof(*members.drain));
	if (!members.balance || !members.drain) {
		members_done(&members);
		return -ENOMEM;
	}
	for (size_t i = 0; i < members.count; i++) {
		const struct view_backend *backend = &members.backends[i];
		bool takes = view_backend_takes(backend);

		/* What is ejected keeps what it has: nobody knows whether that still works. */
		members.balance[i] = (struct balance_backend){
			.active = backend->active,
			.own = backend->active,
			.weight = takes ? (uint16_t)backend->weight : 0,
			.receives = takes,
		};
	}
	if (!has_destination(&members)) {
		members_done(&members);
		return 0;
	}
	expect_moved(round, &members);
	for (size_t i = 0; i < members.count; i++)
		members.drain[i] = decide_drain(&members, &members.backends[i]);
	if (members.quiet_ms && can_spread(service))
		balance_decide(members.balance, members.count, draw, round);
	round->services_to_do[round->to_do_count++] = members;
	return 0;
}

static int decide(struct round *round)
{
	uint32_t only = round->input->only_service;
	int err = group_backends(round);

	if (err)
		return err;
	round->services_to_do = calloc(round->service_count + 1, sizeof(*round->services_to_do));
	if (!round->services_to_do)
		return -ENOMEM;
	for (size_t i = 0; i < round->service_count && !err; i++)
		if (only == ROUND_NOWHERE || only == round->services[i].index)
			err = decide_service(round, &round->services[i]);
	return err;
}

/* --- acting ------------------------------------------------------------------------------ */

/* The hint comes first: the client may be back at once. */
static int write_hint(const struct round *round, const struct moved *moved)
{
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

	return hints_write(round->hints_fd, &round->input->services[moved->service], &key, &hint);
}

/* Connections that leave together, by one look into all processes where that is needed. */
struct batch {
	size_t count;
	struct move moves[MOVER_CHILD_MOVES];
	struct moved moved[MOVER_CHILD_MOVES];
	/* the place among the members, of those that leave for balance */
	size_t to[MOVER_CHILD_MOVES];
};

/* By the cgroup alone: a process may hold up whoever reads of it. */
static int name_pod(const struct round *round, const struct gw_walk_conn *conn,
		    char ret[MOVED_POD_MAX])
{
	struct gw_walk_conn of_nobody = *conn;
	struct client client;
	int err;

	of_nobody.conn.tgid = 0;
	err = clients_find(round->clients, &of_nobody, &client);
	if (!err)
		snprintf(ret, MOVED_POD_MAX, "%.*s", MOVED_POD_MAX - 1, client.pod);
	return err;
}

/* to: NULL: wherever the policy says. */
static int add_to_batch(const struct round *round, struct batch *batch,
			const struct gw_walk_conn *conn, const struct view_backend *to,
			uint32_t quiet_ms)
{
	struct moved *moved = &batch->moved[batch->count];
	int err;

	batch->moves[batch->count] = (struct move){
		.cookie = conn->cookie,
		.inode = conn->inode,
		.holders = conn->holders,
		.tgid = conn->conn.tgid,
		.quiet_ms = quiet_ms,
		.result = round->input->is_dry ? MOVE_MOVED : MOVE_BUSY,
	};
	*moved = (struct moved){
		.cookie = conn->cookie,
		.netns_cookie = conn->conn.netns_cookie,
		.time_ns =
			clock_now_ns(), /* before it is told: it may be back before that returns */
		.tgid = conn->conn.tgid,
		.service = conn->conn.service,
		.from = conn->conn.backend,
		.from_generation = conn->conn.backend_generation,
		.to = to ? to->id : ROUND_NOWHERE,
		.to_generation = to ? to->generation : 0,
		.quiet_ms = conn->idle_ms,
		.is_drain = !to,
	};
	err = name_pod(round, conn, moved->pod);
	if (!err && to && !round->input->is_dry)
		err = write_hint(round, moved);
	batch->count += !err;
	return err;
}

static int note_attempt(struct round *round, const struct moved *moved)
{
	struct moved *moves = reallocarray(round->moves, round->move_count + 1, sizeof(*moves));

	if (!moves)
		return -ENOMEM;
	round->moves = moves;
	round->moves[round->move_count++] = *moved;
	return note_told(round, moved);
}

/* Returns how many have left. */
static uint32_t run_batch(struct round *round, struct batch *batch)
{
	uint32_t left = 0;

	/* If it cannot look into all processes, a socket is not found. */
	if (!round->input->is_dry && batch->count)
		mover_child_run(round->mover, batch->moves, batch->count);
	for (size_t i = 0; i < batch->count; i++) {
		struct moved *moved = &batch->moved[i];

		moved->result = batch->moves[i].result;
		left += moved->result == MOVE_MOVED;
		/* What is only busy may be quiet at the next look. */
		if (moved->result == MOVE_BUSY)
			round->busy_count++;
		else if (note_attempt(round, moved))
			break;
	}
	return left;
}

/* A process with very many descriptors takes long to look through. */
static bool is_in_time(const struct round *round)
{
	return clock_now_ms() < round->end_ms;
}

/* Those of these connections, as many as fit into a batch, for which there is a place. They count
 * as moved; those that were not are taken back. Returns how many were looked at. */
static size_t level_some(struct round *round, const struct members *members, size_t from,
			 const struct gw_walk_conn **quiet, size_t count)
{
	struct batch batch = {0};
	size_t looked = 0;

	for (; looked < count && batch.count < MOVER_CHILD_MOVES; looked++) {
		size_t to = balance_destination(members->balance, members->count, draw, round);

		if (to == members->count)
			break;
		batch.to[batch.count] = to;
		if (add_to_batch(round, &batch, quiet[looked], &members->backends[to],
				 members->quiet_ms))
			continue;
		shift(&members->balance[from], -1);
		shift(&members->balance[to], 1);
	}
	members->balance[from].leave -= run_batch(round, &batch);
	for (size_t i = 0; i < batch.count; i++) {
		if (batch.moves[i].result == MOVE_MOVED)
			continue;
		shift(&members->balance[from], 1);
		shift(&members->balance[batch.to[i]], -1);
	}
	return batch.count ? looked : count;
}

/* Returns how many are still to leave. */
static uint32_t level(struct round *round, const struct members *members, size_t from)
{
	struct balance_backend *balance = &members->balance[from];
	const struct gw_walk_conn **quiet = calloc(balance->leave + 1, sizeof(*quiet));
	size_t found = 0;

	if (quiet)
		found = find_quiet(round, &members->backends[from], members->quiet_ms,
				   balance->leave, quiet);
	for (size_t i = 0; i < found && is_in_time(round);)
		i += level_some(round, members, from, quiet + i, found - i);
	free(quiet);
	return balance->leave;
}

static uint32_t drain(struct round *round, const struct members *members, size_t from)
{
	const struct view_backend *backend = &members->backends[from];
	uint32_t quiet_ms = drain_quiet_ms(backend, members->quiet_ms);
	uint32_t *leave = &members->drain[from];
	const struct gw_walk_conn **quiet = calloc(*leave + 1, sizeof(*quiet));
	size_t found = quiet ? find_quiet(round, backend, quiet_ms, *leave, quiet) : 0;

	for (size_t i = 0; i < found && is_in_time(round);) {
		struct batch batch = {0};

		for (; i < found && batch.count < MOVER_CHILD_MOVES; i++)
			add_to_batch(round, &batch, quiet[i], NULL, quiet_ms);
		*leave -= run_batch(round, &batch);
	}
	free(quiet);
	return *leave;
}

/* One look at all that are to leave, each time from another Service on: if there is not time enough
 * for all, none of them always comes last. Returns how many still are. */
static uint32_t act_once(struct round *round)
{
	size_t first = (size_t)(draw(round) * (double)round->to_do_count);
	uint32_t left = 0;

	for (size_t i = 0; i < round->to_do_count; i++) {
		const struct members *members =
			&round->services_to_do[(first + i) % round->to_do_count];

		for (size_t from = 0; from < members->count; from++) {
			if (members->balance[from].leave)
				left += level(round, members, from);
			if (members->drain[from])
				left += drain(round, members, from);
		}
	}
	return left;
}

static int walk(struct round *round)
{
	int err;

	free(round->conns);
	round->conns = NULL;
	latest_done(&round->open);
	err = conns_walk(round->input->conns, &round->conns, &round->conn_count);
	for (size_t i = 0; i < round->conn_count && !err; i++)
		err = note_open(round, &round->conns[i]);
	return err;
}

/* Where a walk is long, as over the sockets of many namespaces, it is not to fill the time. */
static uint64_t pause_ms(uint64_t walk_ms)
{
	return walk_ms * LOOK_SHARE > LOOK_MS ? walk_ms * LOOK_SHARE : LOOK_MS;
}

static int look_again(struct round *round, uint64_t *walk_ms)
{
	uint64_t begin_ms;
	int err;

	usleep((useconds_t)pause_ms(*walk_ms) * 1000);
	begin_ms = clock_now_ms();
	err = walk(round);
	*walk_ms = clock_now_ms() - begin_ms;
	round->now_ns = clock_now_ns();
	return err;
}

static int act(struct round *round, uint64_t walk_ms)
{
	int err = 0;

	round->end_ms = clock_now_ms() + LOOKS_MS;
	round->hints_fd = hints_open(round->input->pin_dir);
	if (round->hints_fd < 0)
		return round->hints_fd;
	err = clients_new(round->view, &round->clients);
	if (!err)
		err = mover_child_new(&round->mover);
	round->fresh_ms = FRESH_LOOKS * pause_ms(walk_ms);
	while (!err && act_once(round) && !round->input->is_dry &&
	       clock_now_ms() + pause_ms(walk_ms) < round->end_ms)
		err = look_again(round, &walk_ms);
	mover_child_free(round->mover);
	clients_free(round->clients);
	close(round->hints_fd);
	return err;
}

/* --- what is learnt ---------------------------------------------------------------------- */

/* Not in a user's namespace, where the peer may be anybody. */
static bool teaches(const struct gw_walk_conn *conn, const struct view_service *service)
{
	return conn->conn.service == service->index && conn->tcp_state == TCP_ESTABLISHED &&
	       !(conn->conn.flags & GW_CONN_USER_NETNS);
}

/* Its connections, behind those of others; no more than FOLLOW_MAX, so that there is room for other
 * Services. */
static size_t add_waits(const struct round *round, const struct view_service *service,
			struct wait *waits)
{
	size_t count = 0;

	for (size_t i = 0; i < round->conn_count; i++)
		if (teaches(&round->conns[i], service))
			waits[count++] = (struct wait){.cookie = round->conns[i].cookie};
	qsort(waits, count, sizeof(*waits), waits_compare);
	return count < FOLLOW_MAX ? count : FOLLOW_MAX;
}

/* Where data has just come, the longest wait for it. */
static int learn_service(struct round *round, const struct view_service *service,
			 const struct wait *waits, size_t count)
{
	struct waited waited = {.service = service->index};
	bool any = false;

	for (size_t i = 0; i < round->conn_count; i++) {
		const struct gw_walk_conn *conn = &round->conns[i];
		const struct wait key = {.cookie = conn->cookie}, *wait;

		if (!teaches(conn, service))
			continue;
		wait = bsearch(&key, waits, count, sizeof(key), waits_compare);
		if (!wait || !wait->is_followed)
			continue;
		any |= wait->longest_ms || conn->received_ms <= HEARD_MS;
		if (wait->longest_ms > waited.waited_ms)
			waited.waited_ms = wait->longest_ms;
	}
	return any && evbuffer_add(round->waited, &waited, sizeof(waited)) ? -ENOMEM : 0;
}

static int learn(struct round *round)
{
	struct wait *waits = calloc(round->conn_count + 1, sizeof(*waits));
	size_t count = 0;
	int err = waits ? 0 : -ENOMEM;

	for (size_t i = 0; i < round->service_count && !err; i++)
		if (round->services[i].rebalance_ms == GW_REBALANCE_AUTO)
			count += add_waits(round, &round->services[i], waits + count);
	if (!err) {
		qsort(waits, count, sizeof(*waits), waits_compare);
		err = waits_exchange(round->input->waits, waits, count);
	}
	for (size_t i = 0; i < round->service_count && !err; i++)
		if (round->services[i].rebalance_ms == GW_REBALANCE_AUTO)
			err = learn_service(round, &round->services[i], waits, count);
	free(waits);
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
			.busy_count = round->busy_count,
			.stuck_count =
				(uint32_t)(evbuffer_get_length(stuck) / sizeof(struct moved)),
			.waited_count = (uint32_t)(evbuffer_get_length(round->waited) /
						   sizeof(struct waited)),
			.uneven_count = (uint32_t)(evbuffer_get_length(round->uneven) /
						   sizeof(struct uneven)),
		};

		if (evbuffer_add(to, &head, sizeof(head)) ||
		    evbuffer_add(to, round->moves, round->move_count * sizeof(*round->moves)) ||
		    evbuffer_add_buffer(to, stuck) || evbuffer_add_buffer(to, round->waited) ||
		    evbuffer_add_buffer(to, round->uneven))
			err = -ENOMEM;
	}
	if (stuck)
		evbuffer_free(stuck);
	return err;
}

static int look(struct round *round, uint64_t *walk_ms)
{
	uint64_t begin_ms = clock_now_ms();
	int err = walk(round);

	*walk_ms = clock_now_ms() - begin_ms;
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
	uint64_t walk_ms;
	int err = look(round, &walk_ms);

	for (size_t i = 0; i < round->input->moved_count && !err; i++)
		err = note_told(round, &round->input->moved[i]);
	if (!err && round->input->waits)
		err = learn(round);
	if (!err && round->input->decides)
		err = decide(round);
	if (!err && round->to_do_count)
		err = act(round, walk_ms);
	return err;
}

int rebalance_round(struct evbuffer *to, void *arg)
{
	const struct round_input *input = arg;
	struct round round = {
		.input = input,
		.waited = evbuffer_new(),
		.uneven = evbuffer_new(),
	};
	int err = round.waited && round.uneven ? 0 : -ENOMEM;

	memcpy(round.random, &input->seed, sizeof(round.random));
	round.open.seed = round.told.seed = input->seed;
	if (!err)
		err = run(&round);
	if (!err)
		err = answer(&round, to);
	/* The rest goes with the child. */
	return err;
}
