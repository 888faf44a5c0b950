// SPDX-License-Identifier: Apache-2.0
/*
 * Two halves. A Service on its way into the kernel: chosen for, its addresses claimed, planned,
 * written. And when which Services take that way: after a commit, in turns, and again later.
 */
#include "agent/sync.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/changes.h"
#include "agent/events.h"
#include "agent/following.h"
#include "agent/pods.h"
#include "agent/repeats.h"
#include "agent/retries.h"
#include "agent/stats.h"
#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "model/choose.h"
#include "model/claims.h"
#include "model/plan.h"
#include "model/store.h"

#define TURN_NS 100000000u     /* of the event loop, for what has changed */
#define TURN_PER_NAMESPACE 256 /* Services, before the next namespace has its turn */
#define RETRY_NS 50000000u     /* of each second, for what was refused */
#define REFUSAL_TEXT_MAX 2048
#define OWNER_MAX (2 * GW_NAME_MAX)
#define PENDING_MAX 1024

/* What one turn of the event loop does of all that has changed. */
struct turn {
	uint64_t until_ns;
	char after[GW_NAME_MAX];     /* the namespace that was the last one of the turn before */
	char namespace[GW_NAME_MAX]; /* that is being programmed, and how much of it was */
	size_t count;
	bool is_wrapped; /* those up to `after`, which come last */
	bool has_left;   /* something is still to be done */
};

struct sync {
	struct tables *tables;
	const struct sync_options *options;
	struct store *store;
	struct model *model; /* the store's */
	struct claims *claims;
	struct sink sink;
	struct stats stats;
	char zone[GW_NAME_MAX];
	bool has_node;
	bool complete;     /* all that there is has been delivered once */
	size_t programmed; /* Services in the round that runs */
	struct retries retries;
	uint64_t claims_released; /* addresses that others may wait for */
	struct turn turn;
	bool is_listed; /* the source has told everything; what is left of it follows */
	struct refused unprogrammed; /* by Service: for want of room or of an address */
	struct refused mended;       /* origins of which nothing may be refused any more */
	struct following following;
	struct repeats repeats; /* of what a source says that is wrong */
	struct pods pods;
	bool has_new_pods;           /* nobody has looked for their cgroups yet */
	double start_time;           /* what changed before is no delay of ours */
	double pending[PENDING_MAX]; /* when what is not programmed yet changed, since 1970 */
	size_t pending_count;
};

/* "NAMESPACE/NAME": whom an address belongs to. */
static void owner_name(const char *namespace, const char *name, char ret[OWNER_MAX])
{
	snprintf(ret, OWNER_MAX, "%s/%s", namespace, name);
}

/* One Service on its way into the kernel. */
struct job {
	struct sync *sync;
	char owner[OWNER_MAX];
	struct choice *choices;
	size_t choice_count;
	bool was_refused;  /* before: that is in the log already */
	size_t refusals;   /* addresses and ports that are not balanced as wanted */
	char refusal[512]; /* the first of them, and why */
};

/* Once in the log is enough of what lasts. */
static enum log_level level_of(const struct job *job, enum log_level level)
{
	return job->was_refused ? LOG_LEVEL_DEBUG : level;
}

static void note_refusal(const char *message, void *arg)
{
	struct job *job = arg;

	if (!job->refusals++)
		snprintf(job->refusal, sizeof(job->refusal), "%s", message);
}

/* owner is "NAMESPACE/NAME". */
static void keep_event(const struct job *job, enum events_kind kind, const char *cause)
{
	char namespace[OWNER_MAX];
	char *slash;

	snprintf(namespace, sizeof(namespace), "%s", job->owner);
	slash = strchr(namespace, '/');
	*slash = '\0';
	events_add(&(struct events_about){.kind = kind,
					  .namespace = namespace,
					  .service = slash + 1},
		   "%s", cause);
}

/* Of a Service with a thousand ports there is one line. */
static void tell_refusals(const struct job *job)
{
	char more[64] = "", text[sizeof(job->refusal) + sizeof(more)];

	if (job->refusals > 1)
		snprintf(more, sizeof(more), "; %zu more of its addresses and ports likewise",
			 job->refusals - 1);
	snprintf(text, sizeof(text), "%s%s", job->refusal, more);
	refused_add(&job->sync->unprogrammed, job->owner, text);
	if (!job->was_refused)
		keep_event(job, EVENTS_REFUSED, text);
	log_write(level_of(job, LOG_LEVEL_WARN),
		  "service '%s': not balanced as wanted: %s: everything else stays in force",
		  job->owner, text);
}

/* Its ports beyond what one Service may have looked at. */
static void refuse_too_large(struct job *job)
{
	char address[ADDR_PORT_TEXT_MAX], message[256];

	for (size_t i = 0; i < job->choice_count; i++) {
		const struct choice *choice = &job->choices[i];

		if (choice->reason != CHOICE_TOO_LARGE)
			continue;
		snprintf(
			message, sizeof(message),
			"%s: the Service's ports times its endpoints are more than %u: spread them "
			"over several Services",
			addr_port_format(&choice->vip, choice->port, address), CHOOSE_LOOKS_MAX);
		note_refusal(message, job);
	}
}

/* An address has one owner: the choices of a second one are dropped, and tried again later. */
static int claim(struct job *job)
{
	char address[ADDR_PORT_TEXT_MAX], message[256];
	const char *holder;
	size_t kept = 0;
	int err;

	for (size_t i = 0; i < job->choice_count; i++) {
		struct choice *choice = &job->choices[i];

		err = 0;
		if (choice->verdict != VERDICT_LEAVE_ALONE)
			err = claims_take(job->sync->claims, &choice->vip, choice->port, job->owner,
					  &holder);
		if (err == -ENOMEM)
			return err;
		if (!err) {
			struct choice kept_choice = *choice;

			*choice = job->choices[kept];
			job->choices[kept++] = kept_choice;
			continue;
		}
		snprintf(message, sizeof(message),
			 "cannot balance %s: the address belongs to service '%s': give one of them "
			 "another",
			 addr_port_format(&choice->vip, choice->port, address), holder);
		note_refusal(message, job);
	}
	return (int)kept;
}

/* What the first complete list brings is how things are, and no change. */
static void keep_change(const struct job *job, const struct plan_step *step, const char *address,
			const char *changes)
{
	char text[CHANGES_MAX + 128];

	if (!job->sync->complete || job->was_refused)
		return;
	snprintf(text, sizeof(text), "%s has %zu backends (%s), before %zu%s%s", address,
		 step->want->member_count, choice_reason_name(step->want->reason),
		 step->have ? step->have->member_count : 0, *changes ? ": " : "", changes);
	keep_event(job, EVENTS_SET_CHANGED, text);
}

static void log_step(const struct job *job, const struct plan_step *step)
{
	const struct gw_addr *vip = step->want ? &step->want->vip : &step->have->vip;
	uint16_t port = step->want ? step->want->port : step->have->port;
	char address[ADDR_PORT_TEXT_MAX + 32], changes[CHANGES_MAX];

	addr_port_format(vip, port, address);
	if (step->kind == PLAN_WITHDRAW) {
		log_info("service '%s': %s is no longer balanced", job->owner, address);
		strcat(address, " is no longer balanced");
		keep_event(job, EVENTS_WITHDRAWN, address);
		return;
	}
	changes_describe(step, changes);
	keep_change(job, step, address, changes);
	log_write(job->sync->complete ? level_of(job, LOG_LEVEL_INFO) : LOG_LEVEL_DEBUG,
		  "service '%s': %s has %zu backends (%s), before %zu%s%s", job->owner, address,
		  step->want->member_count, choice_reason_name(step->want->reason),
		  step->have ? step->have->member_count : 0, *changes ? ": " : "", changes);
	if (step->want->surplus)
		log_write(level_of(job, LOG_LEVEL_WARN),
			  "service '%s': %zu endpoints beyond the limit of %d are not used: spread "
			  "them over several Services",
			  job->owner, step->want->surplus, GW_SET_MAX);
}

static void release_withdrawn(struct job *job, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->steps[i].kind != PLAN_WITHDRAW)
			continue;
		claims_release(job->sync->claims, &plan->steps[i].have->vip,
			       plan->steps[i].have->port, job->owner);
		job->sync->claims_released++;
	}
}

static bool is_present(const struct present *have, size_t count, const struct choice *choice)
{
	for (size_t i = 0; i < count; i++)
		if (have[i].port == choice->port && !addr_compare(&have[i].vip, &choice->vip))
			return true;
	return false;
}

/* What did not come into the kernel will not be withdrawn from it: its addresses are free. */
static void release_absent(struct job *job, const char *namespace, const char *name, size_t wanted)
{
	const struct present *have = NULL;
	size_t count = 0;

	if (tables_present(job->sync->tables, namespace, name, &have, &count))
		return;
	for (size_t i = 0; i < wanted; i++)
		if (!is_present(have, count, &job->choices[i]))
			claims_release(job->sync->claims, &job->choices[i].vip,
				       job->choices[i].port, job->owner);
}

static int write_plan(struct job *job, const char *namespace, const char *name, size_t wanted)
{
	struct tables_job tables_job = {
		.namespace = namespace,
		.name = name,
		.more = !job->sync->complete,
		.refuse = note_refusal,
		.arg = job,
	};
	const struct present *have = NULL;
	struct plan plan = {0};
	size_t have_count;
	int err;

	err = tables_present(job->sync->tables, namespace, name, &have, &have_count);
	if (!err)
		err = plan_make(job->choices, wanted, have, have_count, &plan);
	if (err)
		return err;
	for (size_t i = 0; i < plan.count; i++)
		log_step(job, &plan.steps[i]);
	release_withdrawn(job, &plan);
	tables_job.plan = &plan;
	err = tables_apply(job->sync->tables, &tables_job);
	plan_done(&plan);
	if (err)
		release_absent(job, namespace, name, wanted);
	return err == -ENOSPC ? 0 : err;
}

/* To be tried again when there is room, or the address is free; or, after an error, in a while. */
static void note_outcome(struct job *job, int err)
{
	struct sync *sync = job->sync;

	sync->stats.objects_refused_total += job->refusals && !job->was_refused;
	if (job->refusals)
		tell_refusals(job);
	if (err)
		log_write(level_of(job, LOG_LEVEL_ERROR),
			  "cannot program service '%s', retrying after a while: %s", job->owner,
			  strerror(-err));
	if (err)
		retries_delay(&sync->retries, job->owner, clock_now_ms());
	else if (job->refusals)
		retries_wait(&sync->retries, job->owner);
	else if (job->was_refused) {
		retries_forget(&sync->retries, job->owner);
		log_info("service '%s': what was refused before is no more", job->owner);
		keep_event(job, EVENTS_ACCEPTED, "what was refused before is no more");
	}
}

/* Bring into the kernel what the model holds of this Service, also if that is nothing. What was
 * refused, or failed, is noted to be tried again. */
static void program_service(const char *namespace, const char *name, struct sync *sync)
{
	struct place place = sync_place(sync);
	const struct service *service = model_find_service(sync->model, namespace, name);
	struct job job = {.sync = sync};
	int wanted = 0, err = 0;

	owner_name(namespace, name, job.owner);
	job.was_refused = retries_has(&sync->retries, job.owner);
	refused_mend(&sync->unprogrammed, job.owner);
	/* Which endpoints are local is not known: kube-proxy knows. */
	if (service && service->local_only && !sync->has_node)
		service = NULL;
	if (service)
		err = choose(sync->model, service, &place, &job.choices, &job.choice_count);
	if (!err) {
		refuse_too_large(&job);
		wanted = claim(&job);
	}
	if (!err && wanted < 0)
		err = wanted;
	if (!err)
		err = write_plan(&job, namespace, name, (size_t)wanted);
	choices_free(job.choices, job.choice_count);
	note_outcome(&job, err);
	sync->programmed++;
}

static void retry(const char *owner, void *arg)
{
	char namespace[OWNER_MAX];
	char *slash;

	snprintf(namespace, sizeof(namespace), "%s", owner);
	slash = strchr(namespace, '/');
	*slash = '\0';
	program_service(namespace, slash + 1, arg);
}

static void count_refused(struct sync *sync)
{
	sync->stats.services_refused = sync->retries.count;
}

static bool has_time(void *arg)
{
	const struct sync *sync = arg;

	return clock_now_ns() < sync->turn.until_ns;
}

static void log_mended(const char *origin, const char *text, void *arg)
{
	struct sync *sync = arg;

	(void)text;
	if (store_has_refusals_at(sync->store, origin))
		return;
	log_info("'%s' is good again: all of it is taken in", origin);
	events_add(&(struct events_about){.kind = EVENTS_ACCEPTED},
		   "'%s' is good again: all of it is taken in", origin);
}

static void sum_up(size_t count, const char *text, void *arg)
{
	(void)arg;
	log_warn("%zu times in the last minute: %s", count, text);
}

void sync_retry(struct sync *sync)
{
	repeats_sum_up(&sync->repeats, clock_now_ms(), sum_up, NULL);
	refused_visit_all(&sync->mended, log_mended, sync);
	refused_done(&sync->mended);
	sync->turn.until_ns = clock_now_ns() + RETRY_NS;
	retries_run(&sync->retries,
		    &(struct retries_run){
			    .releases = tables_releases(sync->tables) + sync->claims_released,
			    .now_ms = clock_now_ms(),
			    .run = retry,
			    .may_go_on = has_time,
			    .arg = sync,
		    });
	count_refused(sync);
}

/* What stands in the kernel and is not wanted by anybody: it vanished while no agent looked. */
static void withdraw_vanished(const char *namespace, const char *name, void *arg)
{
	struct sync *sync = arg;

	if (!model_find_service(sync->model, namespace, name))
		program_service(namespace, name, sync);
}

static void heard(void *arg)
{
	struct sync *sync = arg;

	sync->stats.last_event_time = clock_read_seconds(CLOCK_REALTIME);
}

static void measure_delays(struct sync *sync)
{
	double now = clock_read_seconds(CLOCK_REALTIME);

	for (size_t i = 0; i < sync->pending_count; i++)
		stats_add_programming(&sync->stats, now - sync->pending[i]);
	sync->pending_count = 0;
}

/* Names come in order. Each pass begins behind the namespace at which the last turn ended, and takes
 * a few Services of each: none waits for all that another one has changed. */
static bool program_in_turn(const char *namespace, const char *name, void *arg)
{
	struct sync *sync = arg;
	struct turn *turn = &sync->turn;

	if (strcmp(namespace, turn->namespace)) {
		snprintf(turn->namespace, sizeof(turn->namespace), "%s", namespace);
		turn->count = 0;
	}
	if ((strcmp(namespace, turn->after) <= 0) != turn->is_wrapped ||
	    turn->count >= TURN_PER_NAMESPACE || !has_time(sync)) {
		turn->has_left = true;
		return false;
	}
	turn->count++;
	program_service(namespace, name, sync);
	if (!has_time(sync))
		snprintf(turn->after, sizeof(turn->after), "%s", namespace);
	return true;
}

/* Returns whether all that changed is programmed. */
static bool program_changed(struct sync *sync)
{
	struct turn *turn = &sync->turn;
	uint64_t start_ns = clock_now_ns();

	turn->until_ns = start_ns + TURN_NS;
	do {
		turn->has_left = false;
		for (int half = 0; half < 2; half++) {
			turn->namespace[0] = '\0';
			turn->is_wrapped = half;
			if (!half || turn->has_left)
				model_visit_changed(sync->model, program_in_turn, sync);
		}
	} while (turn->has_left && has_time(sync));
	stats_add_apply(&sync->stats, (double)(clock_now_ns() - start_ns) / 1e9);
	count_refused(sync);
	return !turn->has_left;
}

static void finish_first(struct sync *sync)
{
	int err = tables_flush(sync->tables);

	if (err)
		log_error("cannot write the names of backends: %s", strerror(-err));
	sync->complete = true;
	malloc_trim(0);
	log_info("programmed %zu services: %zu entries and %zu backends are in use",
		 sync->programmed, tables_service_count(sync->tables),
		 tables_backend_count(sync->tables));
	sync->options->programmed(sync->options->arg);
}

void sync_go_on(struct sync *sync)
{
	if (!program_changed(sync)) {
		sync->options->go_on(sync->options->arg);
		return;
	}
	measure_delays(sync);
	if (!sync->complete)
		finish_first(sync);
}

/* Returns whether the model has changed. */
static bool look_at_pods(struct sync *sync)
{
	bool has_changed = pods_look(&sync->pods);

	sync->has_new_pods = false;
	if (pods_are_moving_in(&sync->pods))
		sync->options->look(sync->options->arg);
	return has_changed;
}

void sync_look_at_pods(struct sync *sync)
{
	if (look_at_pods(sync) && sync->is_listed)
		sync_go_on(sync);
}

static void commit(bool complete, void *arg)
{
	struct sync *sync = arg;

	if (!complete && !sync->is_listed)
		return;
	if (!sync->is_listed) {
		sync->programmed = 0;
		tables_visit_services(sync->tables, withdraw_vanished, sync);
	}
	sync->is_listed = true;
	if (sync->has_new_pods)
		look_at_pods(sync);
	heard(sync);
	sync_go_on(sync);
}

static bool is_named(const struct sync *sync, const struct service *service)
{
	char owner[OWNER_MAX];

	owner_name(service->namespace, service->name, owner);
	for (size_t i = 0; i < sync->options->service_count; i++)
		if (!strcmp(sync->options->services[i], owner))
			return true;
	return false;
}

/* The last good settings of a Service may be those that an earlier agent put in force. */
static void keep_present_settings(struct sync *sync, struct service *service)
{
	const struct present *have;
	size_t count;

	if (tables_present(sync->tables, service->namespace, service->name, &have, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!have[i].published)
			continue;
		service->settings = have[i].settings;
		service->settings_good = true;
		return;
	}
}

static void admit_service(struct sync *sync, struct service *service, const struct service *held)
{
	if (!service->settings_good && !held)
		keep_present_settings(sync, service);
	if (is_named(sync, service))
		service->enabled = true;
}

static bool admit(enum store_kind kind, void *object, const void *held, void *arg)
{
	struct sync *sync = arg;

	if (kind == STORE_SERVICE)
		admit_service(sync, object, held);
	return kind != STORE_POD || pods_are_here(&sync->pods, object);
}

/* The change that made a slice is one that was not seen before, unless a list brings it again. */
static void note_delay(struct sync *sync, const struct slice *slice, const struct slice *known)
{
	if (slice->changed_time > sync->start_time && sync->pending_count < PENDING_MAX &&
	    (!known || slice->changed_time > known->changed_time))
		sync->pending[sync->pending_count++] = slice->changed_time;
}

static void on_put(enum store_kind kind, const void *object, const void *old, void *arg)
{
	struct sync *sync = arg;

	if (kind == STORE_SLICE)
		note_delay(sync, object, old);
	if (kind != STORE_POD)
		return;
	pods_note_new(&sync->pods);
	sync->has_new_pods = true;
}

static void await_pods(bool awaited, void *arg)
{
	struct sync *sync = arg;

	model_await_pods(sync->model, awaited);
}

static void await_slices(const char *namespace, const char *name, bool awaited, void *arg)
{
	struct sync *sync = arg;

	model_await_slices(sync->model, namespace, name, awaited);
}

/* Files are their owner's, who wants to see what became of each change; what comes from an API
 * server may change without pause. */
static void on_refused(const char *place, const char *object, const char *message, void *arg)
{
	char text[REFUSAL_TEXT_MAX];
	struct sync *sync = arg;

	sync->stats.objects_refused_total++;
	snprintf(text, sizeof(text), "refused from '%s': %s%s%s: everything else stays in force",
		 place, object, *object ? ": " : "", message);
	if (tables_meta(sync->tables)->source == GW_SOURCE_FILE ||
	    repeats_tell(&sync->repeats, place, text, clock_now_ms())) {
		log_warn("%s", text);
		events_add(&(struct events_about){.kind = EVENTS_REFUSED}, "from '%s': %s%s%s",
			   place, object, *object ? ": " : "", message);
	}
}

/* It may be refused again at once, for the same reason: what is good is known at the next tick. */
static void on_accepted(const char *place, void *arg)
{
	struct sync *sync = arg;

	if (!refused_has(&sync->mended, place))
		refused_add(&sync->mended, place, "");
	repeats_end(&sync->repeats, place);
}

static void set_node(bool exists, const char *zone, void *arg)
{
	struct sync *sync = arg;

	sync->has_node = exists;
	if (!sync->options->zone) {
		snprintf(sync->zone, sizeof(sync->zone), "%s", zone);
		snprintf(tables_meta(sync->tables)->zone, sizeof(sync->zone), "%s", zone);
	}
	if (!exists)
		log_warn("no Node is named '%s': give the right one with --node-name",
			 sync->options->node);
	else if (*sync->zone)
		log_info("node '%s' is in zone '%s'", sync->options->node, sync->zone);
	else
		log_info("node '%s' is in no zone", sync->options->node);
	model_touch_all(sync->model);
	if (sync->is_listed)
		commit(true, sync);
}

static void failed(const char *origin, enum source_error error, const char *message, void *arg)
{
	struct sync *sync = arg;
	bool is_news = following_failed(&sync->following, origin, error, message, clock_now_ns());

	sync->stats.source_errors[error]++;
	log_write(is_news ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "%s%s", message,
		  sync->complete ? "; everything that was read stays in force" : "");
	if (is_news)
		events_add(&(struct events_about){.kind = EVENTS_SOURCE_AWAY}, "%s", message);
}

static void recovered(const char *origin, void *arg)
{
	struct sync *sync = arg;

	following_recovered(&sync->following, origin);
	log_info("%s can be read again", origin);
	events_add(&(struct events_about){.kind = EVENTS_SOURCE_BACK}, "%s", origin);
}

/* The addresses that stand in the kernel keep their owners. */
static void claim_present(const char *namespace, const char *name, void *arg)
{
	struct sync *sync = arg;
	const struct present *have;
	char owner[OWNER_MAX];
	const char *holder;
	size_t count;

	owner_name(namespace, name, owner);
	if (tables_present(sync->tables, namespace, name, &have, &count))
		return;
	for (size_t i = 0; i < count; i++)
		if (have[i].published)
			claims_take(sync->claims, &have[i].vip, have[i].port, owner, &holder);
}

static int make_store(struct sync *sync)
{
	static const struct store_ops ops = {
		.admit = admit,
		.put = on_put,
		.refused = on_refused,
		.accepted = on_accepted,
	};
	int err = store_new(&ops, sync, &sync->store);

	if (err)
		return err;
	sync->model = store_model(sync->store);
	sync->stats.store = sync->sink.store = sync->store;
	return 0;
}

int sync_new(struct tables *tables, const struct sync_options *options, struct sync **ret)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (!sync)
		return -ENOMEM;
	repeats_init(&sync->repeats);
	sync->tables = tables;
	sync->options = options;
	sync->has_node = true;
	sync->start_time = clock_read_seconds(CLOCK_REALTIME);
	snprintf(sync->zone, sizeof(sync->zone), "%s", options->zone ? options->zone : "");
	sync->sink = (struct sink){
		.await_slices = await_slices,
		.await_pods = await_pods,
		.commit = commit,
		.set_node = set_node,
		.heard = heard,
		.failed = failed,
		.recovered = recovered,
		.arg = sync,
	};
	if (make_store(sync) || claims_new(&sync->claims)) {
		sync_free(sync);
		return -ENOMEM;
	}
	sync->pods = (struct pods){.model = sync->model, .node = options->node};
	tables_visit_services(tables, claim_present, sync);
	*ret = sync;
	return 0;
}

void sync_free(struct sync *sync)
{
	if (!sync)
		return;
	store_free(sync->store);
	if (sync->claims)
		claims_free(sync->claims);
	retries_done(&sync->retries);
	refused_done(&sync->mended);
	refused_done(&sync->unprogrammed);
	following_done(&sync->following);
	repeats_done(&sync->repeats);
	free(sync);
}

const struct model *sync_model(const struct sync *sync)
{
	return sync->model;
}

/* Where no Node has this name, no endpoint is local and no hint is meant. */
struct place sync_place(const struct sync *sync)
{
	return (struct place){sync->options->node, sync->has_node ? sync->zone : ""};
}

struct stats *sync_stats(struct sync *sync)
{
	return &sync->stats;
}

const struct following *sync_following(const struct sync *sync)
{
	return &sync->following;
}

const struct refused *sync_unprogrammed(const struct sync *sync)
{
	return &sync->unprogrammed;
}

const char *sync_homeless(const struct sync *sync)
{
	return pods_are_moving_in(&sync->pods) ? "" : sync->pods.homeless;
}

bool sync_has_node(const struct sync *sync)
{
	return sync->has_node;
}

const struct sink *sync_sink(struct sync *sync)
{
	return &sync->sink;
}
