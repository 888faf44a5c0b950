/* SPDX-License-Identifier: Apache-2.0 */
/* An event of a backend (agent/events.h), by its id. */
#ifndef GWBPF_AGENT_BACKEND_EVENT_H
#define GWBPF_AGENT_BACKEND_EVENT_H

#include <stdint.h>

#include "agent/events.h"

struct client_name;
struct tables;

struct backend_event {
	enum events_kind kind;
	uint32_t backend;
	uint32_t generation;
	uint64_t client;                /* its netns cookie; 0: nobody's doing */
	uint32_t pid;                   /* likewise */
	const struct client_name *name; /* that client's, where that is known; NULL */
};

/* Keep it, with the names that the backend has now. */
void backend_event_add(const struct tables *tables, const struct backend_event *event,
		       const char *cause, ...) __attribute__((format(printf, 3, 4)));

#endif
