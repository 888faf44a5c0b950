/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from the maps for HTTP. Each may take long: it is called in a worker. */
#ifndef GWBPF_AGENT_ANSWERS_H
#define GWBPF_AGENT_ANSWERS_H

#include <stdint.h>

#include "agent/process.h"
#include "agent/stats.h"

struct evbuffer;

struct answers_input {
	const char *pin_dir;
	const struct stats *stats;
	uint32_t metrics_backends;
	const char *node;
	struct process process; /* the agent's, not the worker's */
};

/* arg is a struct answers_input. 0 or -errno. */
int answer_metrics(struct evbuffer *to, void *arg);
int answer_page(struct evbuffer *to, void *arg);
int answer_status(struct evbuffer *to, void *arg);
int answer_services(struct evbuffer *to, void *arg);
int answer_backends(struct evbuffer *to, void *arg);
int answer_connections(struct evbuffer *to, void *arg);
int answer_events(struct evbuffer *to, void *arg);
int answer_events_with_clients(struct evbuffer *to, void *arg);

#endif
