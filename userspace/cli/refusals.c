// SPDX-License-Identifier: Apache-2.0
/* A growing list of refusals. */
#include "cli/refusals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct refusals *refusals)
{
	size_t room = refusals->room ? 2 * refusals->room : 16;
	struct refusal *items;

	if (refusals->count < refusals->room)
		return 0;
	items = reallocarray(refusals->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	refusals->items = items;
	refusals->room = room;
	return 0;
}

static void refusal_done(struct refusal *refusal)
{
	free(refusal->file);
	free(refusal->object);
	free(refusal->message);
}

int refusals_add(struct refusals *refusals, const char *file, const char *object,
		 const char *message)
{
	struct refusal refusal = {
		.file = strdup(file),
		.object = strdup(object),
		.message = strdup(message),
	};

	if (!refusal.file || !refusal.object || !refusal.message || make_room(refusals)) {
		refusal_done(&refusal);
		return -ENOMEM;
	}
	refusals->items[refusals->count++] = refusal;
	return 0;
}

void refusals_done(struct refusals *refusals)
{
	size_t i;

	for (i = 0; i < refusals->count; i++)
		refusal_done(&refusals->items[i]);
	free(refusals->items);
}
