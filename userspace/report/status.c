// SPDX-License-Identifier: Apache-2.0
/* Does it work on this node, and what to do next if not. */
#include "report/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel/links.h"
#include "kernel/mounts.h"
#include "kernel/older.h"
#include "report/status_judge.h"
#include "report/status_texts.h"

const char *status_source(const struct view_meta *meta)
{
	static const char *const names[] = {
		[GW_SOURCE_NONE] = "",
		[GW_SOURCE_FILE] = "file",
		[GW_SOURCE_KUBERNETES] = "kubernetes",
	};

	return names[meta->source];
}

/* The clients of a cluster's Services are its pods; those of manifests may be anybody. */
static bool misses_clients(const struct view_meta *meta)
{
	return meta->covers_pods == GW_COVER_NO && meta->source != GW_SOURCE_FILE;
}

/* Where a running agent's canary did not come through lately, no other connection does. */
static enum hook_life judge_hook(const struct status *status, size_t hook)
{
	const struct view_meta *meta = status->meta;
	double age = meta->live_age_seconds[hook];

	if (!status->hooks[hook].attached)
		return HOOK_MISSING;
	if (misses_clients(meta))
		return HOOK_DEAD;
	if (!status_agent_is_running(meta))
		return HOOK_ATTACHED;
	if (age >= 0 && age <= VIEW_LIVE_SECONDS)
		return HOOK_LIVE;
	return meta->awaits_canary ? HOOK_ATTACHED : HOOK_DEAD;
}

/* 1 << enum gw_hook */
static int hooks_that_are(const struct status *status, enum hook_life life)
{
	int hooks = 0;

	for (int i = 0; i < GW_HOOK_MAX_; i++)
		hooks |= (status->life[i] == life) << i;
	return hooks;
}

const struct neighbour *status_find_suspect(const struct neighbour *neighbours, size_t count)
{
	const struct neighbour *suspect = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct neighbour *other = &neighbours[i];

		if (!other->hook)
			continue;
		if (!suspect || (!strncmp(other->hook, "connect", 7) && !suspect->runs_first))
			suspect = other;
	}
	return suspect;
}

const char *status_tell_dead(const char *names, const struct neighbour *neighbours, size_t count,
			     char buf[LOOKUP_MESSAGE_MAX])
{
	const struct neighbour *suspect = status_find_suspect(neighbours, count);

	if (suspect)
		snprintf(
			buf, LOOKUP_MESSAGE_MAX,
			"no connection was seen to pass %s lately: program '%s' (id %u) of %s at %s "
			"is in the way: %s",
			names, suspect->name, suspect->id,
			suspect->owner ? suspect->owner : "somebody else", suspect->hook,
			suspect->consequence);
	else
		snprintf(buf, LOOKUP_MESSAGE_MAX,
			 "no connection was seen to pass %s lately, and nobody else's program is "
			 "there: see that the loopback interface is up and lets the agent's test "
			 "connection pass, whose end its log tells",
			 names);
	return buf;
}

static void add_dead(struct status *status, const char *names)
{
	char text[LOOKUP_MESSAGE_MAX];

	status_add_problem(status, "%s",
			   status_tell_dead(names, status->neighbours, status->neighbour_count,
					    text));
}

static void check_hooks(struct status *status)
{
	char names[LINKS_NAMES_MAX];
	int missing, dead;
	size_t i;

	for (i = 0; i < GW_HOOK_MAX_; i++)
		status->life[i] = judge_hook(status, i);
	missing = hooks_that_are(status, HOOK_MISSING);
	dead = hooks_that_are(status, HOOK_DEAD);
	if (missing)
		status_add_problem(
			status, "hooks that are not attached: %s: %s",
			links_hook_names(missing, names),
			status_agent_is_running(status->meta)
				? "the agent attaches them within ten seconds, or its log "
				  "says why it cannot"
				: "start the agent, which attaches them");
	if (misses_clients(status->meta))
		status_add_problem(status,
				   "pods are not covered: the hooks are attached to cgroup '%s', "
				   "which does not hold the pods of this node: restart the agent "
				   "in the host's cgroup namespace, or with another --cgroup",
				   status->cgroup_path);
	else if (dead)
		add_dead(status, links_hook_names(dead, names));
	if (status->meta->covers_pods == GW_COVER_NO && !misses_clients(status->meta))
		status_add_warning(status,
				   "pods are not covered: the hooks are attached to cgroup '%s', "
				   "which does not hold the pods of this node: processes in it "
				   "alone are balanced: restart the agent in the host's cgroup "
				   "namespace if pods shall be too",
				   status->cgroup_path);
}

static void check_walk(struct status *status)
{
	if (status->meta->walk_is_partial)
		status_add_problem(
			status, "the agent may not look into every network namespace, so counts "
				"that are too high are not corrected: give it CAP_SYS_PTRACE and "
				"CAP_SYS_ADMIN, and the host's process namespace");
}

static void find_cgroup(struct status *status)
{
	size_t i;

	for (i = 0; i < GW_HOOK_MAX_ && !status->cgroup_id; i++)
		if (status->hooks[i].attached)
			status->cgroup_id = status->hooks[i].cgroup_id;
	if (!status->cgroup_id || datapath_cgroup_path(status->cgroup_id, status->cgroup_path,
						       sizeof(status->cgroup_path)))
		*status->cgroup_path = '\0';
}

/* Also where nothing is attached: what is in the way may be why. */
static void look_around(struct status *status)
{
	uint32_t ours[GW_HOOK_MAX_];
	int i, fd;

	for (i = 0; i < GW_HOOK_MAX_; i++)
		ours[i] = status->hooks[i].program_id;
	fd = mounts_open_cgroup(*status->cgroup_path ? status->cgroup_path : NULL);
	status->neighbour_count = neighbours_look(fd, ours, status->neighbours);
	if (fd >= 0)
		close(fd);
}

static bool has_balanced(const struct status *status)
{
	return view_reasons(status->view)[GW_REASON_BALANCED];
}

static void check_others(struct status *status)
{
	size_t i;

	for (i = 0; i < status->neighbour_count; i++) {
		const struct neighbour *other = &status->neighbours[i];

		if (other->is_exclusive)
			status_add_problem(status, "program '%s' (id %u) of %s at %s %s",
					   other->name, other->id,
					   other->owner ? other->owner : "somebody else",
					   other->hook, other->consequence);
		/* It may be told to leave some alone, and then all is well. */
		else if (other->takes_all && other->runs_first && status->view &&
			 !has_balanced(status))
			status_add_problem(status,
					   "nothing was balanced yet, and program '%s' (id %u) of "
					   "%s is at %s: %s",
					   other->name, other->id, other->owner, other->hook,
					   other->consequence);
	}
}

static void count_older(struct status *status)
{
	const struct view_service *services;
	size_t count = view_services(status->view, &services);

	status->knows_older = !older_count(services, count, &status->older);
}

int status_open(const char *pin_dir, struct status *status, char message[LOOKUP_MESSAGE_MAX])
{
	struct utsname system;
	int err;

	snprintf(status->kernel, sizeof(status->kernel), "%s",
		 uname(&system) ? "unknown" : system.release);
	err = view_open(pin_dir, &status->view);
	lookup_message(pin_dir, err, message);
	if (err && err != -ENOENT && err != -EPROTO)
		return err;
	if (datapath_pinned_abi(pin_dir, &status->abi))
		status->abi = 0;
	if (err) {
		status_add_problem(status, "%s", message);
		look_around(status);
		check_others(status);
		return 0;
	}
	status->meta = view_meta(status->view);
	status->has_hooks = !datapath_hooks(pin_dir, status->hooks);
	find_cgroup(status);
	look_around(status);
	if (status->has_hooks)
		check_hooks(status);
	/* What is not complete is not put in force: that problem is named below. */
	else if (!status_agent_is_running(status->meta) || status->meta->source_synced)
		status_add_problem(status, "no hook is attached: %s",
				   status_agent_is_running(status->meta)
					   ? "the agent's log says why it cannot attach them"
					   : "start the agent, which attaches them");
	check_others(status);
	status_judge_agent(status);
	status_judge_services(status);
	status_judge_connections(status, pin_dir);
	check_walk(status);
	count_older(status);
	status_count_left_out(status);
	return 0;
}

void status_close(struct status *status)
{
	view_close(status->view);
}

size_t status_service_count(const struct status *status)
{
	const struct view_service *services;

	return view_services(status->view, &services);
}

size_t status_backend_count(const struct status *status, uint64_t *active)
{
	const struct view_backend *backends;
	size_t count = view_backends(status->view, &backends);
	size_t i;

	*active = 0;
	for (i = 0; i < count; i++)
		*active += backends[i].active;
	return count;
}
