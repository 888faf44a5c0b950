/* SPDX-License-Identifier: Apache-2.0 */
/* Why an endpoint of a Service is used on this node, or is not: for people who ask. Pure. */
#ifndef GWBPF_MODEL_WHY_H
#define GWBPF_MODEL_WHY_H

#include <stddef.h>

#include "model/choose.h"

/* Word in JSON, and its meaning for people. */
#define WHY_REASONS(X)                                                                             \
	X(USED, "used", "it is used")                                                              \
	X(OTHER_FAMILY, "other-family", "it is of another address family than the Service")        \
	X(NO_PORT, "no-port", "its EndpointSlice has no TCP port of this name")                    \
	X(REFUSED, "refused", "no connection may be sent to its address")                          \
	X(MIRRORED, "mirrored", "it is of an Endpoints object, and there are EndpointSlices")      \
	X(TWICE, "twice", "another endpoint has the same address and port")                        \
	X(TERMINATING, "terminating", "it is terminating")                                         \
	X(NOT_READY, "not-ready", "it is not ready")                                               \
	X(OTHER_NODE, "other-node", "it is hinted for another node")                               \
	X(OTHER_ZONE, "other-zone", "it is hinted for another zone")                               \
	X(NOT_LOCAL, "not-local", "it is on another node (internalTrafficPolicy: Local)")          \
	X(SURPLUS, "surplus", "the Service has more endpoints than are used")                      \
	X(LEFT_ALONE, "left-alone", "the Service is left alone")

enum why {
#define WHY_ENUM(id, name, text) WHY_##id,
	WHY_REASONS(WHY_ENUM)
#undef WHY_ENUM
		WHY_MAX_
};

struct why_endpoint {
	const struct endpoint *endpoint;
	uint16_t port; /* 0: its slice has none of that name */
	enum why why;
	const struct member *member; /* of the choice, if it is used */
};

/* Call visit for each endpoint of the choice's Service, in the order of its slices. */
typedef void (*why_visit)(const struct why_endpoint *endpoint, void *arg);
void why_visit_endpoints(const struct model *model, const struct choice *choice, why_visit visit,
			 void *arg);

const char *why_name(enum why why);
const char *why_text(enum why why);

#endif
