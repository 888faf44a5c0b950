/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent counts of its own work, for /metrics. */
#ifndef GWBPF_AGENT_STATS_H
#define GWBPF_AGENT_STATS_H

#include <stdint.h>

#include "model/store.h"
#include "kernel/mover.h"
#include "source/sink.h"

/* Upper bounds in seconds; one more bucket is open. */
#define STATS_APPLY_BOUNDS                                                                         \
	{                                                                                          \
		10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3,     \
			0.25, 1                                                                    \
	}
#define STATS_APPLY_BUCKETS 14

/* The same, of the time from a change in the cluster: Kubernetes notes that in whole seconds. */
#define STATS_PROGRAMMING_BOUNDS                                                                   \
	{                                                                                          \
		1, 2, 3, 5, 10, 20, 30, 60, 120, 300                                               \
	}
#define STATS_PROGRAMMING_BUCKETS 11

struct stats {
	uint64_t source_errors[SOURCE_ERROR_MAX_];
	uint64_t objects_refused_total;
	const struct store *store;                   /* what is refused now, by the source */
	size_t services_refused;                     /* now, for want of room or of an address */
	double last_event_time;                      /* CLOCK_REALTIME; 0: none yet */
	uint64_t apply_buckets[STATS_APPLY_BUCKETS]; /* not cumulative */
	double apply_seconds;
	uint64_t programming_buckets[STATS_PROGRAMMING_BUCKETS]; /* not cumulative */
	double programming_seconds;
	uint64_t moves[MOVE_RESULT_MAX_]; /* of connections, by what came of it */
};

/* From the bytes to the kernel. */
void stats_add_apply(struct stats *stats, double seconds);

/* From the change in the cluster to the kernel. */
void stats_add_programming(struct stats *stats, double seconds);

#endif
