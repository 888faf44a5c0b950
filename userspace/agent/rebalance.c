// SPDX-License-Identifier: Apache-2.0
#include "agent/rebalance.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/backend_event.h"
#include "agent/rebalance_round.h"
#include "agent/workers.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "kernel/conns.h"
#include "kernel/probe_moving.h"
#include "kernel/waits.h"
#include "model/silence.h"

#define SECOND_NS 1000000000ull
#define REMEMBER_NS (3600 * SECOND_NS) /* a connection that could not be moved is left alone */
#define LACK_TICKS 10
#define ASKED_MAX 8 /* rounds that wait */
#define REMEMBER_MAX 4096
#define REMEMBER_DROP 512 /* so many of the oldest give way at once: all others move up */
/* Counts are not decided upon again before what was moved shows in them. By chance a tick later: what
 * an application does at every such interval would for ever fall between two rounds. */
#define DECIDE_TICKS 2

/* What the calls of one Service taught; of whom, as an index is given out again. */
struct learnt {
	struct silence silence;
	struct gw_addr vip;
	__be16 port;
};

struct rebalance {
	const char *pin_dir;
	struct tables *tables;
	struct stats *stats;
	struct workers *workers;
	struct conns *conns; /* NULL until a Service asks for moves */
	unsigned int ticks;
	unsigned int decide_tick; /* when the next round decides */
	struct uneven_list uneven;
	bool runs;
	bool is_broken; /* the last round failed, and that was logged */
	struct moved *moved;
	size_t moved_count;
	struct waits *waits;   /* NULL unless a Service asks for auto */
	int waits_err;         /* why there are none */
	struct learnt *learnt; /* NULL until a Service asks for auto */
	uint32_t *learnt_quiet_ms;
	struct round_input input;                /* of the round that runs */
	struct rebalance_asked asked[ASKED_MAX]; /* the first is the one that runs, if is_asked */
	size_t asked_count;
	bool is_asked;
	bool ends;
	char lack[PROBE_MOVING_MAX];
};

int rebalance_new(struct event_base *base, const char *pin_dir, struct tables *tables,
		  struct stats *stats, struct rebalance **ret)
{
	struct rebalance *rebalance = calloc(1, sizeof(*rebalance));
	int err = rebalance ? workers_new(base, WORKERS_SECONDS, &rebalance->workers) : -ENOMEM;

	if (err) {
		free(rebalance);
		return err;
	}
	rebalance->pin_dir = pin_dir;
	rebalance->tables = tables;
	rebalance->stats = stats;
	*ret = rebalance;
	return 0;
}

/* The first of those that asked has its answer. */
static void end_asked(struct rebalance *rebalance, int err, const struct moved *moved, size_t count)
{
	struct rebalance_asked asked = rebalance->asked[0];

	rebalance->asked_count--;
	memmove(&rebalance->asked[0], &rebalance->asked[1], rebalance->asked_count * sizeof(asked));
	asked.done(err, moved, count, asked.arg);
}

void rebalance_free(struct rebalance *rebalance)
{
	if (!rebalance)
		return;
	rebalance->ends = true;
	workers_free(rebalance->workers);
	while (rebalance->asked_count)
		end_asked(rebalance, -ECANCELED, NULL, 0);
	conns_close(rebalance->conns);
	free(rebalance->moved);
	uneven_done(&rebalance->uneven);
	waits_close(rebalance->waits);
	free(rebalance->learnt);
	free(rebalance->learnt_quiet_ms);
	free(rebalance);
}

static void start_asked(struct rebalance *rebalance);

/* --- what a round brought ---------------------------------------------------------------- */

static void log_moved(const struct rebalance *rebalance, const struct moved *moved)
{
	char from[TABLES_BACKEND_TEXT_MAX],
		to[TABLES_BACKEND_TEXT_MAX] = "wherever its policy says";

	tables_backend_text(rebalance->tables, moved->from, moved->from_generation, from);
	if (moved->to != ROUND_NOWHERE)
		tables_backend_text(rebalance->tables, moved->to, moved->to_generation, to);
	log_info("moving a connection of process %u%s%s from %s to %s: %s: %s (quiet for %.1f s)",
		 moved->tgid, *moved->pod ? " of pod " : "", moved->pod, from, to,
		 move_result_name(moved->result), move_result_text(moved->result),
		 moved->quiet_ms / 1e3);
	backend_event_add(rebalance->tables,
			  &(struct backend_event){
				  .kind = EVENTS_MOVED,
				  .backend = moved->from,
				  .generation = moved->from_generation,
				  .client = moved->netns_cookie,
				  .pid = moved->tgid,
			  },
			  "%s, %s: %s: to %s (quiet for %.1f s)",
			  moved->is_drain ? "drain" : "balance", move_result_name(moved->result),
			  move_result_text(moved->result), to, moved->quiet_ms / 1e3);
}

static int remember(struct rebalance *rebalance, const struct moved *moved)
{
	struct moved *all;

	if (rebalance->moved_count == REMEMBER_MAX) {
		rebalance->moved_count -= REMEMBER_DROP;
		memmove(rebalance->moved, rebalance->moved + REMEMBER_DROP,
			rebalance->moved_count * sizeof(*all));
	}
	all = reallocarray(rebalance->moved, rebalance->moved_count + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	all[rebalance->moved_count++] = *moved;
	rebalance->moved = all;
	return 0;
}

static void forget_old(struct rebalance *rebalance)
{
	uint64_t now_ns = clock_now_ns();
	size_t kept = 0;

	for (size_t i = 0; i < rebalance->moved_count; i++)
		if (now_ns - rebalance->moved[i].time_ns < REMEMBER_NS)
			rebalance->moved[kept++] = rebalance->moved[i];
	rebalance->moved_count = kept;
}

static void take_moved(struct rebalance *rebalance, const struct moved *moved)
{
	rebalance->stats->moves[moved->result]++;
	log_moved(rebalance, moved);
	if (moved->result == MOVE_MOVED)
		tables_count_moved(rebalance->tables, moved->from, moved->from_generation,
				   moved->is_drain);
	if (moved->result != MOVE_ENDED && remember(rebalance, moved))
		log_warn("cannot remember what was moved: out of memory");
}

/* They are in the order of what is remembered, which nothing has been added to since. */
static void take_stuck(struct rebalance *rebalance, const struct moved *stuck, size_t count)
{
	for (size_t i = 0; i < rebalance->moved_count && count; i++) {
		struct moved *moved = &rebalance->moved[i];

		if (moved->cookie != stuck->cookie || moved->result != MOVE_MOVED)
			continue;
		moved->result = MOVE_STUCK;
		rebalance->stats->moves[MOVE_STUCK]++;
		log_moved(rebalance, moved);
		stuck++;
		count--;
	}
}

static void take_waited(struct rebalance *rebalance, const struct waited *waited)
{
	struct gw_service *services;
	size_t count = tables_services(rebalance->tables, &services);
	struct learnt *learnt;

	if (!rebalance->learnt || waited->service >= count)
		return;
	learnt = &rebalance->learnt[waited->service];
	if (addr_compare(&learnt->vip, &services[waited->service].vip) ||
	    learnt->port != services[waited->service].port)
		*learnt = (struct learnt){.vip = services[waited->service].vip,
					  .port = services[waited->service].port};
	silence_note(&learnt->silence, clock_now_ms(), waited->waited_ms);
}

/* What would be moved is told to whoever asked, and to nobody else. */
static void take_all_moved(struct rebalance *rebalance, const struct moved *moved, size_t count)
{
	if (!rebalance->input.is_dry)
		for (size_t i = 0; i < count; i++)
			take_moved(rebalance, &moved[i]);
	if (rebalance->is_asked)
		end_asked(rebalance, 0, moved, count);
	rebalance->is_asked = false;
}

/* Returns whether the answer was whole. */
static bool take_answer(struct rebalance *rebalance, const char *answer, size_t size)
{
	struct round_head head;
	const struct moved *moved, *stuck;
	const struct waited *waited;
	const struct uneven *uneven;

	if (size < sizeof(head))
		return false;
	memcpy(&head, answer, sizeof(head));
	moved = (const struct moved *)(answer + sizeof(head));
	stuck = moved + head.moved_count;
	waited = (const struct waited *)(stuck + head.stuck_count);
	uneven = (const struct uneven *)(waited + head.waited_count);
	if ((const char *)(uneven + head.uneven_count) != answer + size)
		return false;
	rebalance->stats->moves[MOVE_BUSY] += head.busy_count;
	take_stuck(rebalance, stuck, head.stuck_count);
	take_all_moved(rebalance, moved, head.moved_count);
	for (uint32_t i = 0; i < head.waited_count; i++)
		take_waited(rebalance, &waited[i]);
	if (rebalance->input.decides && rebalance->input.only_service == ROUND_NOWHERE &&
	    uneven_replace(&rebalance->uneven, uneven, head.uneven_count, clock_now_ms()))
		log_warn("cannot remember what is uneven: out of memory");
	return true;
}

static int read_answer(struct rebalance *rebalance, int file)
{
	struct stat st;
	char *answer;
	bool is_whole;

	if (fstat(file, &st))
		return -errno;
	answer = malloc((size_t)st.st_size + 1);
	if (!answer)
		return -ENOMEM;
	is_whole = pread(file, answer, (size_t)st.st_size, 0) == st.st_size &&
		   take_answer(rebalance, answer, (size_t)st.st_size);
	free(answer);
	return is_whole ? 0 : -EIO;
}

static void on_round(int file, void *arg)
{
	struct rebalance *rebalance = arg;
	int err = file < 0 ? file : read_answer(rebalance, file);

	if (file >= 0)
		close(file);
	rebalance->runs = false;
	if (rebalance->is_asked)
		end_asked(rebalance, err, NULL, 0);
	rebalance->is_asked = false;
	if (err && !rebalance->is_broken)
		log_warn("cannot look at the connections that may be moved: %s", strerror(-err));
	rebalance->is_broken = err;
	start_asked(rebalance);
}

/* --- the next round ---------------------------------------------------------------------- */

static bool wants_auto(const struct gw_service *service)
{
	return service->rebalance_ms == GW_REBALANCE_AUTO;
}

static bool wants_moves(const struct gw_service *service)
{
	const __u32 may_be_down = GW_SERVICE_MOVE_DOWN | GW_SERVICE_LOOK;

	return service->rebalance_ms || service->drain_deadline_ms ||
	       (service->flags & may_be_down) == may_be_down;
}

static bool any_service(const struct rebalance *rebalance,
			bool (*wants)(const struct gw_service *service))
{
	struct gw_service *services;
	size_t count = tables_services(rebalance->tables, &services);

	for (size_t i = 0; i < count; i++)
		if (services[i].use == GW_USE_TAKEN &&
		    !(services[i].flags & GW_SERVICE_WITHDRAWN) && wants(&services[i]))
			return true;
	return false;
}

static int make_room_to_learn(struct rebalance *rebalance, size_t count)
{
	if (!rebalance->learnt)
		rebalance->learnt = calloc(count, sizeof(*rebalance->learnt));
	if (!rebalance->learnt_quiet_ms)
		rebalance->learnt_quiet_ms = calloc(count, sizeof(*rebalance->learnt_quiet_ms));
	return rebalance->learnt && rebalance->learnt_quiet_ms ? 0 : -ENOMEM;
}

static void tell_learnt(struct rebalance *rebalance, size_t count)
{
	uint64_t now_ms = clock_now_ms();

	for (size_t i = 0; i < count; i++) {
		const struct silence *silence = &rebalance->learnt[i].silence;

		rebalance->learnt_quiet_ms[i] = silence_quiet_ms(silence, now_ms);
		tables_tell_learnt(rebalance->tables, (uint32_t)i, rebalance->learnt_quiet_ms[i],
				   silence_longest_ms(silence, now_ms));
	}
}

static int start_round(struct rebalance *rebalance, const struct rebalance_asked *asked)
{
	struct work work = {
		.make = rebalance_round,
		.done = on_round,
		.arg = &rebalance->input,
		.done_arg = rebalance,
	};
	struct gw_service *services;
	size_t count = tables_services(rebalance->tables, &services);
	int err = rebalance->conns ? 0 : conns_open(rebalance->pin_dir, &rebalance->conns);

	if (err)
		return err;
	rebalance->input = (struct round_input){
		.pin_dir = rebalance->pin_dir,
		.conns = rebalance->conns,
		.services = services,
		.moved = rebalance->moved,
		.moved_count = rebalance->moved_count,
		.waits = rebalance->waits,
		.only_service = asked ? asked->service : ROUND_NOWHERE,
		.decides = asked || rebalance->ticks >= rebalance->decide_tick,
		.is_dry = asked && asked->is_dry,
	};
	if (any_service(rebalance, wants_auto)) {
		err = make_room_to_learn(rebalance, count);
		if (err)
			return err;
		tell_learnt(rebalance, count);
		rebalance->input.learnt_quiet_ms = rebalance->learnt_quiet_ms;
		rebalance->input.service_count = count;
	}
	if (getrandom(&rebalance->input.seed, sizeof(rebalance->input.seed), 0) < 0)
		return -errno;
	if (!asked && rebalance->input.decides)
		rebalance->decide_tick = rebalance->ticks + DECIDE_TICKS +
					 (rebalance->input.seed & 1);
	err = workers_start(rebalance->workers, &work);
	rebalance->runs = !err;
	return err;
}

/* What sees every segment is there only while somebody asks for it. */
static void keep_waits(struct rebalance *rebalance)
{
	if (!any_service(rebalance, wants_auto)) {
		waits_close(rebalance->waits);
		rebalance->waits = NULL;
		rebalance->waits_err = 0;
	} else if (!rebalance->waits &&
		   (!rebalance->waits_err || rebalance->ticks % LACK_TICKS == 1)) {
		rebalance->waits_err = waits_open(&rebalance->waits);
	}
}

static void look_for_lack(struct rebalance *rebalance)
{
	if (probe_moving(rebalance->lack) && rebalance->waits_err)
		snprintf(rebalance->lack, sizeof(rebalance->lack),
			 "the kernel refuses the program by which gwbpf.io/rebalance: auto learns "
			 "(%s): give a time in its place",
			 strerror(-rebalance->waits_err));
}

void rebalance_tick(struct rebalance *rebalance)
{
	bool is_wanted = any_service(rebalance, wants_moves) ||
			 tables_has_timed_drain(rebalance->tables);
	int err;

	rebalance->ticks++;
	keep_waits(rebalance);
	if (!is_wanted) {
		rebalance->lack[0] = '\0';
		uneven_done(&rebalance->uneven);
	} else if (rebalance->ticks % LACK_TICKS == 1) {
		look_for_lack(rebalance);
	}
	/* The round that runs has them from here. */
	if (!rebalance->runs)
		forget_old(rebalance);
	if (rebalance->runs || !is_wanted)
		return;
	err = start_round(rebalance, NULL);
	if (err && !rebalance->is_broken)
		log_warn("cannot look at the connections that may be moved: %s", strerror(-err));
	rebalance->is_broken = err;
}

static void start_asked(struct rebalance *rebalance)
{
	int err;

	while (!rebalance->runs && !rebalance->ends && rebalance->asked_count) {
		err = start_round(rebalance, &rebalance->asked[0]);
		rebalance->is_asked = !err;
		if (err)
			end_asked(rebalance, err, NULL, 0);
	}
}

void rebalance_ask(struct rebalance *rebalance, const struct rebalance_asked *asked)
{
	if (rebalance->asked_count == ASKED_MAX) {
		asked->done(-EBUSY, NULL, 0, asked->arg);
		return;
	}
	rebalance->asked[rebalance->asked_count++] = *asked;
	start_asked(rebalance);
}

void rebalance_visit_uneven(const struct rebalance *rebalance,
			    void (*visit)(const struct uneven *uneven, void *arg), void *arg)
{
	uneven_visit(&rebalance->uneven, clock_now_ms(), visit, arg);
}

const char *rebalance_lack(const struct rebalance *rebalance)
{
	return rebalance->lack;
}
