// SPDX-License-Identifier: Apache-2.0
#include "agent/hooks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/canary.h"
#include "base/log.h"
#include "kernel/links.h"
#include "kernel/others.h"

struct hooks {
	struct datapath *datapath;
	struct tables *tables;
	struct canary *canary; /* NULL: there is nowhere to listen for it */
	int missing;           /* what the last canary did not pass */
	bool is_attached;
};

int hooks_new(struct datapath *datapath, struct tables *tables, struct hooks **ret)
{
	struct hooks *hooks = calloc(1, sizeof(*hooks));
	int err;

	if (!hooks)
		return -ENOMEM;
	hooks->datapath = datapath;
	hooks->tables = tables;
	err = canary_open(tables_meta(tables), &hooks->canary);
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
	free(hooks);
}

static void recount(struct hooks *hooks)
{
	struct recount result;
	int err = tables_recount(hooks->tables, &result);

	if (err)
		log_error("cannot count the connections again: %s", strerror(-err));
	else if (result.corrected)
		log_warn("the counts of active connections of %zu among %zu backends were wrong "
			 "and are corrected: %" PRIu64 " connections were counted that are no more, "
			 "%" PRIu64 " were not counted",
			 result.corrected, result.backends, result.removed, result.added);
}

static int send_canary(const struct hooks *hooks)
{
	struct canary_flight flight;
	int err = -ENOTSUP;

	if (hooks->canary)
		err = canary_send(hooks->canary, datapath_cgroup_fd(hooks->datapath), &flight);
	return err ? err : flight.missing;
}

static void log_others(const struct hooks *hooks, enum gw_hook hook)
{
	struct other_program others[OTHERS_MAX];
	struct hook_status status[GW_HOOK_MAX_] = {0};
	int count;

	datapath_hooks(datapath_pin_dir(hooks->datapath), status);
	count = others_at_hook(datapath_cgroup_fd(hooks->datapath), hook, status[hook].program_id,
			       others);
	for (int i = 0; i < count; i++)
		log_warn("hook %s: program '%s' (id %u) of somebody else runs %s ours",
			 links_hook_name(hook), others[i].name, others[i].id,
			 others[i].runs_first ? "before" : "after");
}

static void log_missing(const struct hooks *hooks)
{
	for (int i = 0; i < GW_HOOK_MAX_; i++) {
		if (!(hooks->missing & 1 << i))
			continue;
		log_error("hook %s is attached and yet no connection passes it: see 'bpftool "
			  "cgroup tree' and --cgroup",
			  links_hook_name((enum gw_hook)i));
		log_others(hooks, (enum gw_hook)i);
	}
}

static void note_canary(struct hooks *hooks, int missing)
{
	int before = hooks->missing;

	hooks->missing = missing;
	if (missing == before)
		return;
	if (missing < 0)
		log_warn("cannot test the hooks: %s", strerror(-missing));
	else if (missing)
		log_missing(hooks);
	else
		log_info("every hook is live");
}

int hooks_attach(struct hooks *hooks, char message[DATAPATH_MESSAGE_MAX])
{
	int err = datapath_attach(hooks->datapath, message);

	if (err)
		return err;
	hooks->is_attached = true;
	hooks->missing = -1;
	note_canary(hooks, send_canary(hooks));
	/* Before they were attached connections may have ended unseen. */
	recount(hooks);
	return 0;
}

bool hooks_are_live(const struct hooks *hooks)
{
	return hooks->is_attached && !hooks->missing;
}

void hooks_check(struct hooks *hooks)
{
	char message[DATAPATH_MESSAGE_MAX];
	int missing = send_canary(hooks);

	if (missing > 0 && missing != hooks->missing) {
		log_warn("hooks are not live: attaching them again");
		if (datapath_attach(hooks->datapath, message))
			log_error("%s", message);
		recount(hooks);
		missing = send_canary(hooks);
	}
	note_canary(hooks, missing);
}

void hooks_audit(struct hooks *hooks)
{
	if (hooks->is_attached)
		recount(hooks);
}
