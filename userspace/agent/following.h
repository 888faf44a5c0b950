/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the agent follows its source, and what it cannot read of it. An API server that does not
 * answer is an outage, which must not disturb: what was last heard is what everybody else goes on
 * with too. One that answers and does not let the agent read is another matter: the cluster changes,
 * and this agent does not see it.
 */
#ifndef GWBPF_AGENT_FOLLOWING_H
#define GWBPF_AGENT_FOLLOWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/sink.h"

#define FOLLOWING_LOG_NS 60000000000ull /* how often an outage is logged while it lasts */

struct lag;

struct following {
	struct lag *lags; /* a zeroed one is empty */
	size_t count;
	uint64_t logged_ns; /* when an outage was logged last; 0: none since all was well */
};

enum following_state {
	FOLLOWING_ALL,
	FOLLOWING_UNREACHABLE,
	FOLLOWING_FORBIDDEN,
};

/* An attempt to read origin failed. Returns whether that is worth a line of the log: an outage is
 * logged once for all origins, then once a minute; whatever else, once. */
bool following_failed(struct following *following, const char *origin, enum source_error error,
		      const char *message, uint64_t now_ns);

/* origin is read again. Returns whether its failure was there. */
bool following_recovered(struct following *following, const char *origin);

/* That the Node or the pods may not be read costs little, and counts as nothing here. */
enum following_state following_state(const struct following *following);

struct following_lag {
	const char *origin;
	const char *message; /* of the last attempt */
	enum following_state state;
	uint64_t since_ns;
};

typedef void (*following_visit)(const struct following_lag *lag, void *arg);
void following_visit_all(const struct following *following, following_visit visit, void *arg);

void following_done(struct following *following);

#endif
