// SPDX-License-Identifier: Apache-2.0
#include "agent/duties.h"

#include <stddef.h>

static const struct {
	enum duty duty;
	unsigned int ticks; /* from one time to the next */
} table[] = {
	{DUTY_CHECK_HOOKS, 10},
	{DUTY_AUDIT, 300},
};

unsigned int duties_at(unsigned int tick)
{
	unsigned int duties = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (tick % table[i].ticks == 0)
			duties |= table[i].duty;
	return duties;
}
