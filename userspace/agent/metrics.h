/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics: Prometheus text format 0.0.4, from a picture of the maps and the agent's own counts. */
#ifndef GWBPF_AGENT_METRICS_H
#define GWBPF_AGENT_METRICS_H

#include <stdint.h>

#include "agent/process.h"
#include "agent/stats.h"
#include "kernel/view.h"

struct evbuffer;

struct metrics_input {
	const struct view *view;
	const struct stats *stats;
	const struct process *process;
	uint32_t backends_max; /* with more, only the series of Services */
};

/* -ENOMEM */
int metrics_write(const struct metrics_input *input, struct evbuffer *to);

#endif
