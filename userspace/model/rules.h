/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of kube-proxy by which some endpoints of a Service port are used and others are not:
 * the first one that leaves an endpoint decides. For choose.c alone.
 */
#ifndef GWBPF_MODEL_RULES_H
#define GWBPF_MODEL_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/choose.h"

/* Every endpoint behind one Service port and address family. */
struct candidates {
	struct member *members; /* ordered by address and port, no two alike */
	size_t count;
};

struct rule {
	enum choice_reason reason;
	bool (*use)(const struct endpoint *endpoint, const struct place *place);
	/* What must be so of every ready endpoint, or else the rule does not apply. */
	bool (*require)(const struct endpoint *endpoint);
};

/* The first rule that uses a candidate of at least this weight; NULL: none does. local: those of
 * internalTrafficPolicy: Local. */
const struct rule *rules_find(bool local, const struct candidates *all, const struct place *place,
			      uint16_t weight_min);

/* How many candidates of at least this weight the rule uses. */
size_t rules_count(const struct rule *rule, const struct candidates *all, const struct place *place,
		   uint16_t weight_min);

/* Whether there is an endpoint that some rule would use, if it were elsewhere. */
bool rules_are_met_anywhere(const struct candidates *all);

#endif
