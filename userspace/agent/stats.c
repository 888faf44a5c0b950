// SPDX-License-Identifier: Apache-2.0
#include "agent/stats.h"

#include <stddef.h>

void stats_add_apply(struct stats *stats, double seconds)
{
	static const double bounds[STATS_APPLY_BUCKETS - 1] = STATS_APPLY_BOUNDS;
	size_t bucket = 0;

	while (bucket < STATS_APPLY_BUCKETS - 1 && seconds > bounds[bucket])
		bucket++;
	stats->apply_buckets[bucket]++;
	stats->apply_seconds += seconds;
}
