/* SPDX-License-Identifier: Apache-2.0 */
/* What a person meant who mistyped a name. Pure. */
#ifndef GWBPF_CLI_NEAREST_H
#define GWBPF_CLI_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word;
	const char *found; /* the name most like word of those offered; NULL: none is like it */
	size_t distance;   /* of that, in typing errors */
};

/* Capitals count as small letters. Of names that are as near the first one is found. */
void nearest_begin(struct nearest *nearest, const char *word);
void nearest_offer(struct nearest *nearest, const char *name);

#endif
