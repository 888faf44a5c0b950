// SPDX-License-Identifier: Apache-2.0
#include "agent/retries.h"

#include <stdlib.h>
#include <string.h>

void retries_done(struct retries *retries)
{
	for (size_t i = 0; i < retries->count; i++)
		free(retries->names[i]);
	free(retries->names);
	*retries = (struct retries){0};
}

bool retries_has(const struct retries *retries, const char *name)
{
	for (size_t i = 0; i < retries->count; i++)
		if (!strcmp(retries->names[i], name))
			return true;
	return false;
}

void retries_note(struct retries *retries, const char *name)
{
	char **names, *copy;

	if (retries_has(retries, name))
		return;
	names = reallocarray(retries->names, retries->count + 1, sizeof(*names));
	if (!names)
		return;
	retries->names = names;
	copy = strdup(name);
	if (copy)
		names[retries->count++] = copy;
}

void retries_run(struct retries *retries, void (*run)(const char *name, void *arg), void *arg)
{
	struct retries due = *retries;

	*retries = (struct retries){0};
	for (size_t i = 0; i < due.count; i++)
		run(due.names[i], arg);
	retries_done(&due);
}
