// SPDX-License-Identifier: Apache-2.0
/* One Service on its way into the kernel: chosen for, its addresses claimed, planned, written. */
#include "agent/sync_state.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/changes.h"
#include "agent/events.h"
#include "base/addr.h"
#include "base/clock.h"
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
	bool was_refused;      /* before: that is in the log already */
	size_t refusals;       /* addresses and ports that are not balanced as wanted */
	char refusal[512];     /* the first of them, and why */
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
		snprintf(message, sizeof(message),
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

void program_service(const char *namespace, const char *name, struct sync *sync)
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
