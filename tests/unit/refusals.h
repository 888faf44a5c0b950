/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the sources: collect what is refused, as "object: message". */
#ifndef GWBPF_TESTS_UNIT_REFUSALS_H
#define GWBPF_TESTS_UNIT_REFUSALS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define REFUSALS_MAX 32

struct refusals {
	char text[REFUSALS_MAX][1100];
	size_t count;
};

static inline void refusals_take(const char *object, const char *message, void *arg)
{
	struct refusals *refusals = arg;

	if (refusals->count < REFUSALS_MAX)
		snprintf(refusals->text[refusals->count], sizeof(refusals->text[0]), "%s: %s",
			 object, message);
	refusals->count++;
}

/* Whether one of them contains both. */
static inline bool refusals_have(const struct refusals *refusals, const char *what,
				 const char *more)
{
	size_t i;

	for (i = 0; i < refusals->count && i < REFUSALS_MAX; i++) {
		if (strstr(refusals->text[i], what) && strstr(refusals->text[i], more))
			return true;
	}
	for (i = 0; i < refusals->count && i < REFUSALS_MAX; i++)
		fprintf(stderr, "refused: %s\n", refusals->text[i]);
	return false;
}

#endif
