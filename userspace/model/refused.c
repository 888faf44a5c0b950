// SPDX-License-Identifier: Apache-2.0
#include "model/refused.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

struct origin {
	char *name;
	size_t count;
	char *texts[REFUSED_TEXTS_MAX]; /* the first ones; NULL: there was no memory */
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

	for (size_t i = 0; i < REFUSED_TEXTS_MAX; i++)
		free(origin->texts[i]);
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
void refused_add(struct refused *refused, const char *origin, const char *text)
{
	struct origin *known = find(refused, origin);

	if (!known)
		known = add_origin(refused, origin);
	if (!known)
		return;
	if (known->count < REFUSED_TEXTS_MAX)
		known->texts[known->count] = strdup(text);
	known->count++;
	refused->count++;
}

bool refused_mend(struct refused *refused, const char *origin)
{
	struct origin *known = find(refused, origin);

	if (!known)
		return false;
	refused->count -= known->count;
	tdelete(known, &refused->origins, compare);
	free_origin(known);
	return true;
}

bool refused_has(const struct refused *refused, const char *origin)
{
	return find(refused, origin) != NULL;
}

struct visit {
	refused_visit visit;
	void *arg;
};

static void visit_origin(const void *node, VISIT when, void *arg)
{
	const struct origin *origin = *(const struct origin *const *)node;
	const struct visit *visit = arg;

	if (when != postorder && when != leaf)
		return;
	for (size_t i = 0; i < REFUSED_TEXTS_MAX; i++)
		if (origin->texts[i])
			visit->visit(origin->name, origin->texts[i], visit->arg);
}

void refused_visit_all(const struct refused *refused, refused_visit visit, void *arg)
{
	struct visit all = {visit, arg};

	twalk_r(refused->origins, visit_origin, &all);
}

void refused_done(struct refused *refused)
{
	tdestroy(refused->origins, free_origin);
	*refused = (struct refused){0};
}
