/* SPDX-License-Identifier: Apache-2.0 */
/* How many objects, and parts of them, are refused now: by origin, as the sources tell it. */
#ifndef GWBPF_AGENT_REFUSED_H
#define GWBPF_AGENT_REFUSED_H

#include <stddef.h>

struct refused {
	void *origins; /* a zeroed one is empty */
	size_t count;
};

void refused_add(struct refused *refused, const char *origin);

/* Nothing of origin is refused any more. */
void refused_mend(struct refused *refused, const char *origin);

void refused_done(struct refused *refused);

#endif
