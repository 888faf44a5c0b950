/* SPDX-License-Identifier: Apache-2.0 */
/* What only the agent knows of a Service: what its source says of it, and what is made of that. */
#ifndef GWBPF_AGENT_EXPLAIN_H
#define GWBPF_AGENT_EXPLAIN_H

#include <jansson.h>

struct sync;

/*
 * asked has namespace and name, or address and port, of a Service. The answer has "found", and for
 * a Service that the source knows: its names, "refused" (why its settings are, or null), settings
 * with where each comes from, and for each port and address the verdict, the reason and every
 * endpoint. NULL: asked names nothing, or there is no memory.
 */
json_t *explain_asked(const struct sync *sync, const json_t *asked);

#endif
