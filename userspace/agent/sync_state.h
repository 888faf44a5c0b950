/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a sync, for the two files that it is made of: sync.c and program.c. */
#ifndef GWBPF_AGENT_SYNC_STATE_H
#define GWBPF_AGENT_SYNC_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/repeats.h"
#include "agent/retries.h"
#include "agent/stats.h"
#include "agent/sync.h"
#include "model/claims.h"
#include "model/model.h"

#define OWNER_MAX (2 * GW_NAME_MAX)
#define PENDING_MAX 1024

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
	bool is_retrying;  /* what was refused before: that is in the log already */
	struct retries retries;
	struct repeats repeats; /* of what a source says that is wrong */
	double start_time; /* what changed before is no delay of ours */
	double pending[PENDING_MAX]; /* when what is not programmed yet changed, since 1970 */
	size_t pending_count;
};

/* "NAMESPACE/NAME": whom an address belongs to. */
void owner_name(const char *namespace, const char *name, char ret[OWNER_MAX]);

/* Bring into the kernel what the model holds of this Service, also if that is nothing. arg: the
 * struct sync. Returns whether that is done; what was refused is noted to be tried again. */
bool program_service(const char *namespace, const char *name, void *arg);

#endif
