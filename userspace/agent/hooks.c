// SPDX-License-Identifier: Apache-2.0
#include "agent/hooks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/canary.h"
#include "agent/events.h"
#include "agent/proofs.h"
#include "base/addr.h"
#include "base/log.h"
#include "kernel/links.h"
#include "kernel/neighbours.h"
#include "report/status.h"

struct hooks {
	struct datapath *datapath;
	struct tables *tables;
	struct canary *canary; /* NULL: there is nowhere to listen for it */
	struct proofs *proofs;
	size_t taken; /* addresses, when they were logged last */
	int missing;  /* what the last canary did not pass; -1: none was sent yet */
	bool is_attached;
	bool is_auditing; /* an audit goes on, or is to begin */
	bool has_begun;   /* it goes on */
	bool is_partial;  /* the last recount was not allowed to see all, and that was logged */
	bool is_refused;  /* the last attempt to attach again failed, and was logged */
	struct neighbour neighbours[NEIGHBOURS_MAX]; /* that are logged already */
	size_t neighbour_count;
};

int hooks_new(struct event_base *base, struct datapath *datapath, struct tables *tables,
	      struct hooks **ret)
{
	struct hooks *hooks = calloc(1, sizeof(*hooks));
	int err;

	if (!hooks)
		return -ENOMEM;
	hooks->datapath = datapath;
	hooks->tables = tables;
	tables_meta(tables)->awaits_canary = 1;
	if (proofs_new(tables, &hooks->proofs)) {
		free(hooks);
		return -ENOMEM;
	}
	err = canary_open(base, tables_meta(tables), &hooks->canary);
	if (err)
		log_warn("cannot test the hooks: cannot listen on loopback: %s", strerror(-err));
	*ret = hooks;
	return 0;
}

void hooks_free(struct hooks *hooks)
{
	if (!hooks)
		return;
	canary_close(hooks->canary);
	proofs_free(hooks->proofs);
	free(hooks);
}

static void tell_recount(struct hooks *hooks, int err, struct recount result)
{
	if (err)
		log_error("cannot count the connections again: %s", strerror(-err));
	else if (result.corrected)
		log_warn("the counts of active connections of %zu among %zu backends were wrong "
			 "and are corrected: %" PRIu64
			 " connections were counted that are no more, "
			 "%" PRIu64 " were not counted",
			 result.corrected, result.backends, result.removed, result.added);
	if (!err && result.unseen && !hooks->is_partial)
		log_warn(
			"%zu network namespaces may not be looked into: counts that are "
			"too high are not corrected: give the agent CAP_SYS_PTRACE and CAP_SYS_ADMIN",
			result.unseen);
	if (!err)
		hooks->is_partial = result.unseen;
}

static void recount(struct hooks *hooks)
{
	struct recount result = {0};
	int err = tables_recount(hooks->tables, &result);

	tell_recount(hooks, err, result);
}

static bool is_same(const struct neighbour *a, const struct neighbour *b)
{
	return a->id == b->id && a->runs_first == b->runs_first && !strcmp(a->hook, b->hook);
}

static bool is_logged(const struct hooks *hooks, const struct neighbour *neighbour)
{
	for (size_t i = 0; i < hooks->neighbour_count; i++)
		if (is_same(&hooks->neighbours[i], neighbour))
			return true;
	return false;
}

/* Name those that are new: a balancer that is installed today may take all connections today. */
static void look_around(struct hooks *hooks)
{
	struct neighbour found[NEIGHBOURS_MAX];
	struct hook_status status[GW_HOOK_MAX_] = {0};
	uint32_t ours[GW_HOOK_MAX_];
	size_t count;

	datapath_hooks(datapath_pin_dir(hooks->datapath), status);
	for (int i = 0; i < GW_HOOK_MAX_; i++)
		ours[i] = status[i].program_id;
	count = neighbours_look_at_hooks(datapath_cgroup_fd(hooks->datapath), ours, found);
	for (size_t i = 0; i < count; i++) {
		if (is_logged(hooks, &found[i]))
			continue;
		log_write(found[i].effect == NEIGHBOUR_HARMLESS ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
			  "hook %s: program '%s' (id %u) of %s: %s", found[i].hook, found[i].name,
			  found[i].id, found[i].owner ? found[i].owner : "somebody else",
			  found[i].consequence);
	}
	memcpy(hooks->neighbours, found, count * sizeof(*found));
	hooks->neighbour_count = count;
}

static void log_dead(const struct hooks *hooks, const struct canary_flight *flight)
{
	char names[LINKS_NAMES_MAX];
	const char *end = flight->error ? strerror(flight->error) : "success";

	if (hooks->neighbour_count)
		log_error("no connection passes %s, though they are attached; a test connection "
			  "ended with '%s': a program of somebody else is in the way, which "
			  "'gwbpf status' names",
			  links_hook_names(flight->missing, names), end);
	else
		log_error("no connection passes %s, though they are attached; a test connection "
			  "ended with '%s': nobody else's program is at the hooks of this cgroup: "
			  "see that the loopback interface is up and lets it pass, and that "
			  "--cgroup is right",
			  links_hook_names(flight->missing, names), end);
}

struct taken {
	const struct hooks *hooks;
	hooks_visit visit;
	void *arg;
};

static void tell_taken(uint32_t index, const struct gw_vip_key *key, void *arg)
{
	const struct taken *taken = arg;
	const struct neighbour *suspect =
		status_find_suspect(taken->hooks->neighbours, taken->hooks->neighbour_count);
	char service[TABLES_SERVICE_TEXT_MAX], address[ADDR_PORT_TEXT_MAX];
	char text[2 * GW_NOTE_TEXT_MAX];

	tables_service_text(taken->hooks->tables, index, service);
	addr_port_format(&key->address, ntohs(key->port), address);
	if (suspect)
		snprintf(
			text, sizeof(text),
			"connects to %s of service '%s' do not come to gwbpf: program '%s' (id %u) "
			"of %s at %s is in the way: %s",
			address, service, suspect->name, suspect->id,
			suspect->owner ? suspect->owner : "somebody else", suspect->hook,
			suspect->consequence);
	else
		snprintf(text, sizeof(text),
			 "connects to %s of service '%s' do not come to gwbpf, and nobody else's "
			 "program is seen at the hooks: restart the agent",
			 address, service);
	taken->visit(service, text, taken->arg);
}

void hooks_visit_taken(const struct hooks *hooks, hooks_visit visit, void *arg)
{
	struct taken taken = {hooks, visit, arg};

	proofs_visit_taken(hooks->proofs, tell_taken, &taken);
}

static void count_taken(uint32_t index, const struct gw_vip_key *key, void *arg)
{
	size_t *count = arg;

	(void)index;
	(void)key;
	++*count;
}

static void log_taken(const char *service, const char *text, void *arg)
{
	(void)service;
	(void)arg;
	log_error("%s", text);
}

/* When they become more or fewer. */
static void check_taken(struct hooks *hooks)
{
	size_t count = 0;

	proofs_visit_taken(hooks->proofs, count_taken, &count);
	if (count == hooks->taken)
		return;
	hooks->taken = count;
	if (count)
		hooks_visit_taken(hooks, log_taken, NULL);
	else
		log_info("connects to the address of every Service come to the hooks");
}

/* err: it could not be sent. */
static void on_flight(int err, const struct canary_flight *flight, void *arg)
{
	struct hooks *hooks = arg;
	int before = hooks->missing;

	check_taken(hooks);
	tables_meta(hooks->tables)->awaits_canary = 0;
	hooks->missing = err || !flight ? err : flight->missing;
	if (hooks->missing == before)
		return;
	if (err)
		log_warn("cannot test the hooks: %s", strerror(-err));
	else if (flight && flight->missing)
		log_dead(hooks, flight);
	else
		log_info("every hook is live");
}

static void test(struct hooks *hooks)
{
	const struct canary_send send = {
		.cgroup_fd = datapath_cgroup_fd(hooks->datapath),
		.proofs = hooks->proofs,
		.done = on_flight,
		.arg = hooks,
	};
	int err = hooks->canary ? canary_send(hooks->canary, &send) : -ENOTSUP;

	if (err && err != -EALREADY)
		on_flight(err, NULL, hooks);
}

int hooks_attach(struct hooks *hooks, char message[DATAPATH_MESSAGE_MAX])
{
	int err = datapath_attach(hooks->datapath, message);

	if (err)
		return err;
	hooks->is_attached = true;
	hooks->missing = -1;
	if (*datapath_cgroup_text(hooks->datapath))
		log_warn("%s", datapath_cgroup_text(hooks->datapath));
	look_around(hooks);
	test(hooks);
	/* Before they were attached connections may have ended unseen. */
	recount(hooks);
	return 0;
}

bool hooks_are_live(const struct hooks *hooks)
{
	return hooks->is_attached && !hooks->missing;
}

/* To the log, and as an event. */
static void tell(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(enum log_level level, const char *format, ...)
{
	char text[EVENTS_CAUSE_MAX];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_write(level, "%s", text);
	events_add(&(struct events_about){.kind = EVENTS_HOOKS}, "%s", text);
}

/* Once in the log is enough of what lasts. */
static void attach_again(struct hooks *hooks, int lost)
{
	char message[DATAPATH_MESSAGE_MAX], names[LINKS_NAMES_MAX];
	bool was_refused = hooks->is_refused;

	if (!was_refused)
		tell(LOG_LEVEL_WARN,
		     "hooks that were taken away by somebody else: %s: attaching them again",
		     links_hook_names(lost, names));
	hooks->is_refused = datapath_attach(hooks->datapath, message);
	if (!hooks->is_refused) {
		tell(LOG_LEVEL_INFO, "the hooks are attached again");
		recount(hooks);
	} else if (!was_refused) {
		log_error("%s: retrying", message);
	}
}

/* Somebody else has come to the root, or has left it. */
static void move(struct hooks *hooks)
{
	const char *text = datapath_cgroup_text(hooks->datapath);
	char message[DATAPATH_MESSAGE_MAX];

	hooks->is_refused = datapath_attach(hooks->datapath, message);
	if (hooks->is_refused) {
		log_error("cannot move the hooks to another cgroup: %s: retrying", message);
		return;
	}
	if (*text)
		tell(LOG_LEVEL_WARN, "the hooks have moved: %s", text);
	else
		tell(LOG_LEVEL_INFO,
		     "the hooks have moved back to the root cgroup: nobody else takes connects "
		     "there first");
	recount(hooks);
}

const char *hooks_tell_dead(const struct hooks *hooks, char buf[LOOKUP_MESSAGE_MAX])
{
	char names[LINKS_NAMES_MAX];

	if (hooks->missing <= 0)
		snprintf(buf, LOOKUP_MESSAGE_MAX, "whether connections pass them is not known yet");
	else
		status_tell_dead(links_hook_names(hooks->missing, names), hooks->neighbours,
				 hooks->neighbour_count, buf);
	return buf;
}

void hooks_check(struct hooks *hooks)
{
	int lost;

	if (!hooks->is_attached)
		return;
	if (datapath_choose_cgroup(hooks->datapath, hooks->taken))
		move(hooks);
	lost = datapath_lost_hooks(hooks->datapath);
	if (lost)
		attach_again(hooks, lost);
	look_around(hooks);
	test(hooks);
}

void hooks_audit(struct hooks *hooks)
{
	hooks->is_auditing = hooks->is_attached;
}

void hooks_go_on(struct hooks *hooks)
{
	struct recount result = {0};
	int err = 0;

	if (!hooks->is_auditing)
		return;
	if (!hooks->has_begun) {
		err = tables_audit_begin(hooks->tables);
		/* The walk of tables_collect_some() ends soon. */
		if (err == -EBUSY)
			return;
		hooks->has_begun = !err;
	}
	if (!err)
		err = tables_audit_step(hooks->tables, &result);
	if (err == -EAGAIN)
		return;
	hooks->is_auditing = hooks->has_begun = false;
	if (err != -ECANCELED)
		tell_recount(hooks, err, result);
}
