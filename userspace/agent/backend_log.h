/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of backends, in the log: one that comes and goes tells of each kind once a minute, and
 * one tenant's backends together have no more lines than repeats.h says.
 */
#ifndef GWBPF_AGENT_BACKEND_LOG_H
#define GWBPF_AGENT_BACKEND_LOG_H

#include <stdint.h>

struct repeats;
struct tables;

/* kind: what line tells of the backend. */
void backend_log_tell(struct repeats *repeats, const struct tables *tables, uint32_t backend,
		      uint32_t generation, const char *kind, const char *line);

/* To be called again and again: says once a minute what was told and not logged. */
void backend_log_sum_up(struct repeats *repeats);

#endif
