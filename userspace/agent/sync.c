// SPDX-License-Identifier: Apache-2.0
#include "agent/sync.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sync_state.h"
#include "base/clock.h"
#include "base/log.h"

static void retry(const char *owner, void *arg)
{
	char namespace[OWNER_MAX];
	struct sync *sync = arg;
	char *slash;

	snprintf(namespace, sizeof(namespace), "%s", owner);
	slash = strchr(namespace, '/');
	*slash = '\0';
	program_service(namespace, slash + 1, sync);
	if (!retries_has(&sync->retries, owner))
		log_info("service '%s': what was refused before is no more", owner);
}

void sync_retry(struct sync *sync)
{
	sync->is_retrying = true;
	retries_run(&sync->retries, retry, sync);
	sync->is_retrying = false;
	sync->stats.services_refused = sync->retries.count;
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

static void commit(bool complete, void *arg)
{
	struct sync *sync = arg;
	bool is_first = complete && !sync->complete;
	uint64_t start_ns;
	int err;

	if (!complete && !sync->complete)
		return;
	start_ns = clock_now_ns();
	sync->programmed = 0;
	if (is_first)
		tables_visit_services(sync->tables, withdraw_vanished, sync);
	model_visit_changed(sync->model, program_service, sync);
	stats_add_apply(&sync->stats, (double)(clock_now_ns() - start_ns) / 1e9);
	measure_delays(sync);
	sync->stats.services_refused = sync->retries.count;
	heard(sync);
	if (!is_first)
		return;
	err = tables_flush(sync->tables);
	if (err)
		log_error("cannot write the names of backends: %s", strerror(-err));
	sync->complete = true;
	malloc_trim(0);
	log_info("programmed %zu services: %zu entries and %zu backends are in use",
		 sync->programmed, tables_service_count(sync->tables),
		 tables_backend_count(sync->tables));
	sync->options->programmed(sync->options->arg);
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

static void refuse(const char *origin, const char *object, const char *message, void *arg)
{
	struct sync *sync = arg;

	sync->stats.objects_refused_total++;
	refused_add(&sync->stats.refused, origin);
	log_warn("refused from '%s': %s%s%s", origin, object, *object ? ": " : "", message);
}

static void accept_all(const char *origin, void *arg)
{
	struct sync *sync = arg;

	refused_mend(&sync->stats.refused, origin);
	log_debug("all of '%s' is taken in", origin);
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
	if (sync->complete)
		commit(true, sync);
}

static void failed(const char *origin, enum source_error error, const char *message, void *arg)
{
	struct sync *sync = arg;

	sync->stats.source_errors[error]++;
	(void)origin;
	log_warn("%s", message);
}

static void recovered(const char *origin, void *arg)
{
	(void)arg;
	log_info("%s can be read again", origin);
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
	refused_done(&sync->stats.refused);
	free(sync);
}

struct stats *sync_stats(struct sync *sync)
{
	return &sync->stats;
}

bool sync_has_node(const struct sync *sync)
{
	return sync->has_node;
}

const struct sink *sync_sink(struct sync *sync)
{
	return &sync->sink;
}
