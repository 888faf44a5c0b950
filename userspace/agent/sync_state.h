/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a sync, for the two files that it is made of: sync.c and program.c. */
#ifndef GWBPF_AGENT_SYNC_STATE_H
#define GWBPF_AGENT_SYNC_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/following.h"
#include "agent/pods.h"
#include "agent/refused.h"
#include "agent/repeats.h"
#include "agent/retries.h"
#include "agent/stats.h"
#include "agent/sync.h"
#include "model/claims.h"
#include "model/model.h"

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
	struct model *model;
	struct claims *claims;
	struct sink sink;
	struct stats stats;
	char zone[GW_NAME_MAX];
	bool has_node;
	bool complete;    /* all that there is has been delivered once */
	size_t programmed; /* Services in the round that runs */
	struct retries retries;
	uint64_t claims_released; /* addresses that others may wait for */
	struct turn turn;
	bool is_listed;    /* the source has told everything; what is left of it follows */
	struct refused unprogrammed; /* by Service: for want of room or of an address */
	struct refused mended;       /* origins of which nothing may be refused any more */
	struct following following;
	struct repeats repeats; /* of what a source says that is wrong */
	struct pods pods;
	bool has_new_pods; /* nobody has looked for their cgroups yet */
	double start_time; /* what changed before is no delay of ours */
	double pending[PENDING_MAX]; /* when what is not programmed yet changed, since 1970 */
	size_t pending_count;
};

/* "NAMESPACE/NAME": whom an address belongs to. */
void owner_name(const char *namespace, const char *name, char ret[OWNER_MAX]);

/* Bring into the kernel what the model holds of this Service, also if that is nothing. What was
 * refused, or failed, is noted to be tried again. */
void program_service(const char *namespace, const char *name, struct sync *sync);

#endif
