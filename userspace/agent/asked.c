// SPDX-License-Identifier: Apache-2.0
#include "agent/asked.h"

#include <string.h>

#include "base/fnv.h"

uint16_t asked_place(const char *namespace)
{
	uint32_t hash = fnv_text(namespace);

	return (uint16_t)((hash ^ hash >> 16) % ASKED_PLACES);
}

bool asked_may(const struct asked *asked, uint16_t place)
{
	return asked->of[place] < asked->most - asked->count && asked->begun[place] < asked->pace;
}

void asked_begin(struct asked *asked, uint16_t place)
{
	asked->of[place]++;
	asked->begun[place]++;
	asked->count++;
}

void asked_end(struct asked *asked, uint16_t place)
{
	asked->of[place]--;
	asked->count--;
}

void asked_turn(struct asked *asked)
{
	memset(asked->begun, 0, sizeof(asked->begun));
}

void asked_clear(struct asked *asked)
{
	memset(asked->of, 0, sizeof(asked->of));
	asked->count = 0;
}
