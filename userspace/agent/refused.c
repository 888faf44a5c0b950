// SPDX-License-Identifier: Apache-2.0
#include "agent/refused.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct origin {
	char *name;
	size_t count;
};

static int compare(const void *left, const void *right)
{
	const struct origin *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static struct origin *find(const struct refused *refused, const char *name)
{
	struct origin key = {.name = (char *)name};
	struct origin **found = tfind(&key, &refused->origins, compare);

	return found ? *found : NULL;
}

static void free_origin(void *arg)
{
	struct origin *origin = arg;

	free(origin->name);
	free(origin);
}

static struct origin *add_origin(struct refused *refused, const char *name)
{
	struct origin *origin = calloc(1, sizeof(*origin));

	if (!origin)
		return NULL;
	origin->name = strdup(name);
	if (origin->name && tsearch(origin, &refused->origins, compare))
		return origin;
	free_origin(origin);
	return NULL;
}

/* Without memory it is not counted: it was logged. */
void refused_add(struct refused *refused, const char *origin)
{
	struct origin *known = find(refused, origin);

	if (!known)
		known = add_origin(refused, origin);
	if (!known)
		return;
	known->count++;
	refused->count++;
}

void refused_mend(struct refused *refused, const char *origin)
{
	struct origin *known = find(refused, origin);

	if (!known)
		return;
	refused->count -= known->count;
	tdelete(known, &refused->origins, compare);
	free_origin(known);
}

void refused_done(struct refused *refused)
{
	tdestroy(refused->origins, free_origin);
	*refused = (struct refused){0};
}
