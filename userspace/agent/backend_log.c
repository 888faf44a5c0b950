// SPDX-License-Identifier: Apache-2.0
#include "agent/backend_log.h"

#include <stdio.h>

#include "agent/repeats.h"
#include "base/clock.h"
#include "base/log.h"
#include "kernel/tables.h"

void backend_log_tell(struct repeats *repeats, const struct tables *tables, uint32_t backend,
		      uint32_t generation, const char *kind, const char *line)
{
	char key[64], group[GW_NAME_MAX + 1];
	struct tables_names names;

	tables_name_backend(tables, backend, generation, &names);
	snprintf(group, sizeof(group), "/%s", names.service.namespace);
	snprintf(key, sizeof(key), "%s %u %u", kind, backend, generation);
	if (repeats_tell_of(repeats, group, key, line, clock_now_ms()))
		log_info("%s", line);
}

static void log_repeats(size_t count, const char *text, void *arg)
{
	(void)arg;
	log_info("%zu times more within a minute, the last time: %s", count, text);
}

void backend_log_sum_up(struct repeats *repeats)
{
	repeats_sum_up(repeats, clock_now_ms(), log_repeats, NULL);
}
