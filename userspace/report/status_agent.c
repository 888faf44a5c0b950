// SPDX-License-Identifier: Apache-2.0
/* The agent: whether it runs, goes by its source, and what it can take in. */
#include "report/status_judge.h"

#include <string.h>

#include "report/format.h"
#include "report/status_texts.h"

#define HEARTBEAT_MAX_SECONDS 10
#define UNREACHABLE_SECONDS 60 /* a shorter absence of the API server is an everyday matter */

bool status_agent_is_running(const struct view_meta *meta)
{
	return meta->agent_pid && meta->heartbeat_age_seconds >= 0 &&
	       meta->heartbeat_age_seconds <= HEARTBEAT_MAX_SECONDS;
}

static bool has_note(const struct status *status, enum gw_note_kind kind)
{
	const struct view_note *notes;
	size_t count = view_notes(status->view, &notes);

	for (size_t i = 0; i < count; i++)
		if (notes[i].kind == kind)
			return true;
	return false;
}

enum status_sync status_sync(const struct status *status)
{
	if (!status->meta->source_synced)
		return STATUS_SYNC_NOT_READ;
	if (!status_agent_is_running(status->meta))
		return STATUS_SYNC_ALL;
	if (has_note(status, GW_NOTE_FORBIDDEN))
		return STATUS_SYNC_FORBIDDEN;
	return has_note(status, GW_NOTE_UNREACHABLE) ? STATUS_SYNC_UNREACHABLE : STATUS_SYNC_ALL;
}

const char *status_sync_text(const struct status *status)
{
	static const char *const texts[] = {
		[STATUS_SYNC_NOT_READ] = "not read to the end yet",
		[STATUS_SYNC_ALL] = "in sync",
		[STATUS_SYNC_UNREACHABLE] = "does not answer",
		[STATUS_SYNC_FORBIDDEN] = "may not be read",
	};

	return texts[status_sync(status)];
}

/* Nothing is balanced, whatever else is well. */
static void judge_in_force(struct status *status)
{
	bool is_running = status_agent_is_running(status->meta);

	if (status->meta->suspended)
		status_add_warning(status,
				   "all Services are left to kube-proxy by 'gwbpf suspend': "
				   "'gwbpf resume' ends that");
	if (!status->meta->stepped_aside)
		return;
	if (is_running && has_note(status, GW_NOTE_FORBIDDEN))
		status_add_problem(status,
				   "all Services are left to kube-proxy, as the agent was not "
				   "allowed to read them for longer than --stale-after");
	else if (is_running)
		status_add_problem(status,
				   "all Services are left to kube-proxy, as no agent was here "
				   "for longer than --stale-after, until this one has read "
				   "them");
	else
		status_add_problem(status,
				   "all Services are left to kube-proxy, as no agent has given "
				   "a sign of life for longer than its --stale-after: start "
				   "it");
}

static void judge_unreachable(struct status *status, const struct view_note *note)
{
	char age[FORMAT_MAX];

	format_age(note->age_seconds, age);
	if (note->age_seconds < UNREACHABLE_SECONDS)
		status_add_warning(status,
				   "the API server has not answered for %s, and what was read "
				   "before stays in force: %s",
				   age, note->text);
	else
		status_add_problem(status,
				   "the API server has not answered for %s, so changes of "
				   "Services and endpoints are not followed, and what was "
				   "read before stays in force: %s",
				   age, note->text);
}

/* Settings that are refused are judged with their Service, which knows what follows. */
static bool is_of_invalid_service(const struct status *status, const char *text)
{
	const struct view_service *services;
	size_t count = view_services(status->view, &services);

	for (size_t i = 0; i < count; i++)
		if (services[i].state == VIEW_SERVICE_INVALID && *services[i].message &&
		    strstr(text, services[i].message))
			return true;
	return false;
}

/* What has not been read at all says why: one absence of the API server has a note for each kind of
 * object. */
static void judge_notes(struct status *status)
{
	const struct view_note *notes;
	size_t count = view_notes(status->view, &notes);
	bool is_told = false;

	for (size_t i = 0; i < count; i++) {
		if (notes[i].kind == GW_NOTE_UNREACHABLE && !is_told)
			judge_unreachable(status, &notes[i]);
		is_told = is_told || notes[i].kind == GW_NOTE_UNREACHABLE;
		if (notes[i].kind == GW_NOTE_FORBIDDEN)
			status_add_problem(status,
					   "the API server does not let the agent read, so "
					   "changes are not followed, and after --stale-after "
					   "all Services are left to kube-proxy: %s",
					   notes[i].text);
		if (notes[i].kind == GW_NOTE_PROBLEM)
			status_add_problem(status, "%s", notes[i].text);
		if (notes[i].kind == GW_NOTE_WARNING &&
		    !is_of_invalid_service(status, notes[i].text))
			status_add_warning(status, "%s", notes[i].text);
		status->warnings_left_out += notes[i].more;
	}
}

static void judge_not_read(struct status *status)
{
	const struct view_note *notes;
	size_t count = view_notes(status->view, &notes);

	status_add_problem(status,
			   "the agent has not read all Services and endpoints yet: %s%sif that "
			   "lasts, its log names what it cannot read",
			   count ? notes[0].text : "", count ? ": " : "");
}

void status_judge_agent(struct status *status)
{
	const struct view_meta *meta = status->meta;
	char age[FORMAT_MAX];

	judge_in_force(status);
	if (!meta->agent_pid)
		status_add_problem(status,
				   "no agent runs, so changes of Services and endpoints are not "
				   "followed: run 'gwbpf agent'");
	else if (!status_agent_is_running(meta))
		status_add_problem(status,
				   "the agent (pid %u) has given no sign of life for %s: see "
				   "its log and restart it",
				   meta->agent_pid, format_age(meta->heartbeat_age_seconds, age));
	else if (!meta->source_synced)
		judge_not_read(status);
	else
		judge_notes(status);
}
