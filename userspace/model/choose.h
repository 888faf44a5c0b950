/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoints of a Service are used on this node: the rules of kube-proxy
 * (kubernetes/pkg/proxy/topology.go, endpointslicecache.go, serviceport.go; KEP-1669, KEP-1672,
 * KEP-2433, KEP-3015, KEP-4444). Pure.
 */
#ifndef GWBPF_MODEL_CHOOSE_H
#define GWBPF_MODEL_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "model/object.h"

/* For one Service so many endpoints are looked at, each once for every port and address, so that one
 * Service cannot keep the agent from all others. The ports beyond are left alone. */
#define CHOOSE_LOOKS_MAX (1u << 20)

/* Where we are. An empty zone is unknown: zone hints match nothing. */
struct place {
	const char *node;
	const char *zone;
};

enum verdict {
	VERDICT_BALANCE,
	VERDICT_REFUSE,      /* clients get ECONNREFUSED */
	VERDICT_LEAVE_ALONE, /* kube-proxy's */
};

/* Word in `gwbpf plan`, and its meaning for people. */
#define CHOICE_REASONS(X)                                                                          \
	X(READY, "ready", "every ready endpoint")                                                  \
	X(TERMINATING_FALLBACK, "terminating-fallback", "none is ready: those still serving")      \
	X(SAME_NODE, "same-node", "the ready endpoints hinted for this node")                      \
	X(SAME_ZONE, "same-zone", "the ready endpoints hinted for this zone")                      \
	X(LOCAL, "local", "internalTrafficPolicy: Local")                                          \
	X(DRAINED, "drained", "every usable endpoint is drained or has weight 0")                  \
	X(NO_ENDPOINTS, "no-endpoints", "no usable endpoint anywhere")                             \
	X(NO_LOCAL_ENDPOINTS, "no-local-endpoints", "internalTrafficPolicy: Local, none here")     \
	X(NOT_ENABLED, "not-enabled", "no label gwbpf.io/enabled: \"true\"")                       \
	X(HEADLESS, "headless", "no cluster IP")                                                   \
	X(EXTERNAL_NAME, "external-name", "type ExternalName")                                     \
	X(OTHER_PROXY, "other-proxy", "label service.kubernetes.io/service-proxy-name")            \
	X(NO_TCP_PORT, "no-tcp-port", "no TCP port")                                               \
	X(TOO_LARGE, "too-large", "its ports times its endpoints are too many")                    \
	X(INVALID, "invalid", "its settings are refused, and there are no earlier ones")           \
	X(SLICES_UNKNOWN, "slices-unknown", "its EndpointSlices have not been read yet")           \
	X(PODS_UNKNOWN, "pods-unknown", "the pods that clients-except is about have not been read")

enum choice_reason {
#define CHOICE_REASON_ENUM(id, name, text) CHOICE_##id,
	CHOICE_REASONS(CHOICE_REASON_ENUM)
#undef CHOICE_REASON_ENUM
		CHOICE_REASON_MAX_
};

struct member {
	struct gw_addr address;
	uint16_t port;
	uint16_t weight;                 /* 0: no new connections */
	bool is_named;                   /* by gwbpf.io/drain */
	const struct endpoint *endpoint; /* the model's */
};

/*
 * One Service port at one address. A rule of kube-proxy that leaves only endpoints of weight 0 is
 * passed over; if every rule does, the Service is drained: it refuses, and still has its members.
 * Strings are the model's: valid until it changes.
 */
struct choice {
	const struct service *service;
	const char *port_name;
	struct gw_addr vip;
	uint16_t port;
	enum verdict verdict;
	enum choice_reason reason;
	struct member *members; /* ordered by address and port, no two alike */
	size_t member_count;
	const uint64_t *excepted; /* cgroups of pods that are left alone, in order; NULL: none */
	size_t excepted_count;
	size_t surplus; /* usable endpoints beyond GW_SET_MAX, which are not used */
};

/*
 * What a Service means here: a choice for each of its ports and addresses, in that order; for a
 * Service without a TCP port or an address one choice that says why it is left alone.
 * The array belongs to the caller: choices_free(). -ENOMEM.
 */
int choose(const struct model *model, const struct service *service, const struct place *place,
	   struct choice **ret, size_t *count);
void choices_free(struct choice *choices, size_t count);

const char *verdict_name(enum verdict verdict);
const char *choice_reason_name(enum choice_reason reason);

#endif
