/* SPDX-License-Identifier: Apache-2.0 */
/* Why connections to a Service go where they go, and why not elsewhere. */
#ifndef GWBPF_REPORT_EXPLAIN_H
#define GWBPF_REPORT_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "kernel/remembered.h"
#include "report/connections.h"
#include "report/owners.h"

/* What all parts of an explanation are taken from. */
struct explain {
	const char *pin_dir;
	struct connections connections; /* with the view */
	struct doubt *doubts;
	size_t doubt_count;
	struct owners owners;
	const struct owner *from; /* the client that is asked about; NULL: any */
	const json_t *agent;      /* what the agent says (agent/explain.h); NULL: no agent did */
};

/* Read it all; from is the client's pod or process, or NULL. -ESRCH: there is no such client;
 * -ENOMEM, and what connections_open() says. explain_close() undoes it. */
int explain_open(const char *pin_dir, const char *from, struct explain *ret);
void explain_close(struct explain *explain);

/* One Service port at one address that stands in the maps. */
json_t *explain_service(const struct explain *explain, const struct view_service *service);

/* One that is not there, as the agent tells it (an element of its ports). */
json_t *explain_left_alone(const struct explain *explain, const json_t *port);

/* Why an address and port that no Service here has is not balanced: "message" and "remedy". */
json_t *explain_stranger(const struct explain *explain, const struct gw_addr *address,
			 uint16_t port);

/* --- for the files that it is made of --- */

/* Its endpoints, used or not; each with the reason and the remedy. */
json_t *explain_endpoints(const struct explain *explain, const struct view_service *service,
			  const json_t *port);

/* How much of its load could be moved. */
json_t *explain_moving(const struct explain *explain, const struct view_service *service);

/* What it goes by, and where each of it comes from. */
json_t *explain_settings(const struct explain *explain, const struct view_service *service);

/* A client, by its network namespace. */
json_t *explain_client(const struct explain *explain, uint64_t netns_cookie);

#endif
