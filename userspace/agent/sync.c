// SPDX-License-Identifier: Apache-2.0
#include "agent/sync.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/events.h"
#include "agent/sync_state.h"
#include "base/clock.h"
#include "base/log.h"

#define TURN_NS 100000000u      /* of the event loop, for what has changed */
#define TURN_PER_NAMESPACE 256  /* Services, before the next namespace has its turn */
#define RETRY_NS 50000000u      /* of each second, for what was refused */
#define REFUSAL_TEXT_MAX 2048

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
	if (refused_has(&sync->stats.refused, origin))
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
	retries_run(&sync->retries, &(struct retries_run){
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

static void put_service(struct service *service, void *arg)
{
	struct sync *sync = arg;
	int err;

	if (!service->settings_good &&
	    !model_find_service(sync->model, service->namespace, service->name))
		keep_present_settings(sync, service);
	if (is_named(sync, service))
		service->enabled = true;
	err = model_put_service(sync->model, service);
	if (err)
		log_error("cannot take in a service: %s", strerror(-err));
}

/* Whether the change that made slice is one that was not seen before: a list brings all again. */
static bool is_news(const struct sync *sync, const struct slice *slice)
{
	const struct slice *const *known;
	size_t count = model_slices(sync->model, slice->namespace, slice->service, &known);

	for (size_t i = 0; i < count; i++)
		if (strcmp(known[i]->name, slice->name) == 0)
			return slice->changed_time > known[i]->changed_time;
	return true;
}

static void put_slice(struct slice *slice, void *arg)
{
	struct sync *sync = arg;
	int err;

	if (slice->changed_time > sync->start_time && sync->pending_count < PENDING_MAX &&
	    is_news(sync, slice))
		sync->pending[sync->pending_count++] = slice->changed_time;
	err = model_put_slice(sync->model, slice);

	if (err)
		log_error("cannot take in an EndpointSlice: %s", strerror(-err));
}

static void remove_service(const char *namespace, const char *name, void *arg)
{
	struct sync *sync = arg;

	model_remove_service(sync->model, namespace, name);
}

static void remove_slice(const char *namespace, const char *name, void *arg)
{
	struct sync *sync = arg;

	model_remove_slice(sync->model, namespace, name);
}

static void put_pod(struct pod *pod, void *arg)
{
	struct sync *sync = arg;

	pods_put(&sync->pods, pod);
	sync->has_new_pods = true;
}

static void remove_pod(const char *namespace, const char *name, void *arg)
{
	struct sync *sync = arg;

	model_remove_pod(sync->model, namespace, name);
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
static void refuse(const char *origin, const char *object, const char *message, void *arg)
{
	char note[GW_NOTE_TEXT_MAX], text[REFUSAL_TEXT_MAX];
	struct sync *sync = arg;

	snprintf(note, sizeof(note), "%s%s%s", object, *object ? ": " : "", message);
	sync->stats.objects_refused_total++;
	refused_add(&sync->stats.refused, origin, note);
	snprintf(text, sizeof(text), "refused from '%s': %s%s%s: everything else stays in force",
		 origin, object, *object ? ": " : "", message);
	if (tables_meta(sync->tables)->source == GW_SOURCE_FILE ||
	    repeats_tell(&sync->repeats, origin, text, clock_now_ms())) {
		log_warn("%s", text);
		events_add(&(struct events_about){.kind = EVENTS_REFUSED}, "from '%s': %s", origin,
			   note);
	}
}

/* It may be refused again at once, for the same reason: what is good is known at the next tick. */
static void accept_all(const char *origin, void *arg)
{
	struct sync *sync = arg;

	if (refused_mend(&sync->stats.refused, origin) && !refused_has(&sync->mended, origin))
		refused_add(&sync->mended, origin, "");
	repeats_end(&sync->repeats, origin);
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
		.put_service = put_service,
		.put_slice = put_slice,
		.remove_service = remove_service,
		.remove_slice = remove_slice,
		.await_slices = await_slices,
		.put_pod = put_pod,
		.remove_pod = remove_pod,
		.await_pods = await_pods,
		.refuse = refuse,
		.accept_all = accept_all,
		.commit = commit,
		.set_node = set_node,
		.heard = heard,
		.failed = failed,
		.recovered = recovered,
		.arg = sync,
	};
	if (model_new(&sync->model) || claims_new(&sync->claims)) {
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
	model_free(sync->model);
	if (sync->claims)
		claims_free(sync->claims);
	retries_done(&sync->retries);
	refused_done(&sync->mended);
	refused_done(&sync->stats.refused);
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
