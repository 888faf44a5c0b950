/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects, and parts of them, are refused now, and why: by origin, as the sources tell it. */
#ifndef GWBPF_MODEL_REFUSED_H
#define GWBPF_MODEL_REFUSED_H

#include <stdbool.h>
#include <stddef.h>

struct refused {
	void *origins; /* a zeroed one is empty */
	size_t count;
};

#define REFUSED_TEXTS_MAX 8 /* of one origin: more are counted, and are in the log */

/* text: what is refused there, why, and the remedy. */
void refused_add(struct refused *refused, const char *origin, const char *text);

/* Nothing of origin is refused any more. Returns whether something was. */
bool refused_mend(struct refused *refused, const char *origin);

bool refused_has(const struct refused *refused, const char *origin);

/* Those that have a text, in the order of their origins. */
typedef void (*refused_visit)(const char *origin, const char *text, void *arg);
void refused_visit_all(const struct refused *refused, refused_visit visit, void *arg);

void refused_done(struct refused *refused);

#endif
