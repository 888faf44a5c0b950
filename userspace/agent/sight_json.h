/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that `gwbpf monitor` gets, each a JSON object with the same fields. */
#ifndef GWBPF_AGENT_SIGHT_JSON_H
#define GWBPF_AGENT_SIGHT_JSON_H

#include <stdint.h>

#include <jansson.h>

struct client_name;
struct gw_sight;
struct tables_names;

/* The first line: what this is, and of which node. */
json_t *sight_json_head(const char *node);

/* What the hooks saw; names are those of its backend, or of its Service alone. */
json_t *sight_json(const struct gw_sight *sight, const struct tables_names *names,
		   const struct client_name *client);

/* So many lines are missing here; 0: nobody knows how many. */
json_t *sight_json_lost(uint64_t count, const char *cause);

/* An event of the agent's (agent/events.h), which is taken over, as a line. */
json_t *sight_json_event(json_t *event);

#endif
