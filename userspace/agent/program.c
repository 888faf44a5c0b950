// SPDX-License-Identifier: Apache-2.0
/* One Service on its way into the kernel: chosen for, its addresses claimed, planned, written. */
#include "agent/sync_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/changes.h"
#include "base/addr.h"
#include "base/log.h"
#include "model/choose.h"
#include "model/plan.h"

void owner_name(const char *namespace, const char *name, char ret[OWNER_MAX])
{
	snprintf(ret, OWNER_MAX, "%s/%s", namespace, name);
}

/* One Service on its way into the kernel. */
struct job {
	struct sync *sync;
	char owner[OWNER_MAX];
	struct choice *choices;
	size_t choice_count;
	bool refused;
};

/* Once in the log is enough of what lasts. */
static enum log_level level_of(const struct sync *sync, enum log_level level)
{
	return sync->is_retrying ? LOG_LEVEL_DEBUG : level;
}

static void refuse(struct job *job, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void refuse(struct job *job, const char *format, ...)
{
	char text[GW_NOTE_TEXT_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	job->sync->stats.objects_refused_total += !job->sync->is_retrying && !job->refused;
	job->refused = true;
	refused_add(&job->sync->unprogrammed, job->owner, text);
	log_write(level_of(job->sync, LOG_LEVEL_WARN), "service '%s': %s: everything else stays in force",
		  job->owner, text);
}

static void refuse_for_room(const char *message, void *arg)
{
	refuse(arg, "cannot take in %s", message);
}

/* An address has one owner: the choices of a second one are dropped, and tried again later. */
static int claim(struct job *job)
{
	char address[ADDR_PORT_TEXT_MAX];
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
		refuse(job,
		       "cannot balance %s: the address belongs to service '%s': give one of them "
		       "another",
		       addr_port_format(&choice->vip, choice->port, address), holder);
	}
	return (int)kept;
}

static void log_step(const struct job *job, const struct plan_step *step)
{
	const struct gw_addr *vip = step->want ? &step->want->vip : &step->have->vip;
	uint16_t port = step->want ? step->want->port : step->have->port;
	char address[ADDR_PORT_TEXT_MAX], changes[CHANGES_MAX];

	addr_port_format(vip, port, address);
	if (step->kind == PLAN_WITHDRAW) {
		log_info("service '%s': %s is no longer balanced", job->owner, address);
		return;
	}
	changes_describe(step, changes);
	log_write(job->sync->complete ? level_of(job->sync, LOG_LEVEL_INFO) : LOG_LEVEL_DEBUG,
		  "service '%s': %s has %zu backends (%s), before %zu%s%s", job->owner, address,
		  step->want->member_count, choice_reason_name(step->want->reason),
		  step->have ? step->have->member_count : 0, *changes ? ": " : "", changes);
	if (step->want->surplus)
		log_write(level_of(job->sync, LOG_LEVEL_WARN),
			  "service '%s': %zu endpoints beyond the limit of %d are not used: spread "
			  "them over several Services",
			  job->owner, step->want->surplus, GW_SET_MAX);
}

static void release_withdrawn(struct job *job, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == PLAN_WITHDRAW)
			claims_release(job->sync->claims, &plan->steps[i].have->vip,
				       plan->steps[i].have->port, job->owner);
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
		.refuse = refuse_for_room,
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

bool program_service(const char *namespace, const char *name, void *arg)
{
	struct sync *sync = arg;
	/* Where no Node has this name, no endpoint is local and no hint is meant. */
	struct place place = {sync->options->node, sync->has_node ? sync->zone : ""};
	const struct service *service = model_find_service(sync->model, namespace, name);
	struct job job = {.sync = sync};
	int wanted = 0, err = 0;

	owner_name(namespace, name, job.owner);
	refused_mend(&sync->unprogrammed, job.owner);
	/* Which endpoints are local is not known: kube-proxy knows. */
	if (service && service->local_only && !sync->has_node)
		service = NULL;
	if (service)
		err = choose(sync->model, service, &place, &job.choices, &job.choice_count);
	if (!err)
		wanted = claim(&job);
	if (!err && wanted < 0)
		err = wanted;
	if (!err)
		err = write_plan(&job, namespace, name, (size_t)wanted);
	choices_free(job.choices, job.choice_count);
	if (err)
		log_write(level_of(sync, LOG_LEVEL_ERROR),
			  "cannot program service '%s', retrying every second: %s", job.owner,
			  strerror(-err));
	if (err || job.refused)
		retries_note(&sync->retries, job.owner);
	sync->programmed++;
	return !err;
}
