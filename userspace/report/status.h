/* SPDX-License-Identifier: Apache-2.0 */
/* Whether it works on this node, and what to do next if not. */
#ifndef GWBPF_REPORT_STATUS_H
#define GWBPF_REPORT_STATUS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/utsname.h>

#include "kernel/datapath.h"
#include "kernel/neighbours.h"
#include "kernel/view.h"
#include "report/json.h"
#include "report/lookup.h"

#define STATUS_TEXTS_MAX 32 /* problems, and warnings: the last one counts those beyond */

enum hook_life {
	HOOK_MISSING,
	HOOK_ATTACHED, /* nobody tests whether connections pass it, or nobody has yet */
	HOOK_LIVE,
	HOOK_DEAD, /* attached, but none was seen to pass it, or none of a pod's can */
};

struct status {
	struct view *view;            /* NULL: what is pinned cannot be read */
	const struct view_meta *meta; /* likewise */
	uint32_t abi;                 /* 0: not known */
	struct hook_status hooks[GW_HOOK_MAX_];
	enum hook_life life[GW_HOOK_MAX_];
	bool has_hooks;
	uint64_t cgroup_id; /* 0: nothing is attached */
	char cgroup_path[PATH_MAX];
	struct neighbour neighbours[NEIGHBOURS_MAX];
	size_t neighbour_count;
	char kernel[sizeof(((struct utsname *)NULL)->release)];
	char problems[STATUS_TEXTS_MAX][LOOKUP_MESSAGE_MAX]; /* clients get what is wrong */
	size_t problem_count;
	char warnings[STATUS_TEXTS_MAX][LOOKUP_MESSAGE_MAX]; /* somebody should look */
	size_t warning_count;
	bool knows_older;
	uint64_t older; /* connections to the Services that began before gwbpf saw them */
	size_t problems_left_out, warnings_left_out;
};

/* Whatever is missing is a problem; only not being allowed to look is an error, which message
 * explains. */
int status_open(const char *pin_dir, struct status *status, char message[LOOKUP_MESSAGE_MAX]);
void status_close(struct status *status);

/* The program that is most likely to keep connections from the hooks: one that runs first at connect
 * rather than any other. NULL: nobody else's is there. */
const struct neighbour *status_find_suspect(const struct neighbour *neighbours, size_t count);

/* What is said of hooks that no connection passes, and of who is in the way. Returns buf. */
const char *status_tell_dead(const char *names, const struct neighbour *neighbours, size_t count,
			     char buf[LOOKUP_MESSAGE_MAX]);

size_t status_service_count(const struct status *status);
size_t status_backend_count(const struct status *status, uint64_t *active);
bool status_agent_is_running(const struct view_meta *meta);
const char *status_source(const struct view_meta *meta); /* "" if there is none */

/* Whether the agent goes by its source: it has read all of it, and can still read it. */
enum status_sync {
	STATUS_SYNC_NOT_READ,
	STATUS_SYNC_ALL,
	STATUS_SYNC_UNREACHABLE,
	STATUS_SYNC_FORBIDDEN,
};

enum status_sync status_sync(const struct status *status);
const char *status_sync_text(const struct status *status); /* "in sync" */

json_t *status_to_json(const struct status *status);

#endif
