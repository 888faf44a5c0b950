// SPDX-License-Identifier: Apache-2.0
#include "agent/stats.h"

#include <stddef.h>

static size_t find_bucket(const double *bounds, size_t count, double value)
{
	size_t bucket = 0;

	while (bucket < count && value > bounds[bucket])
		bucket++;
	return bucket;
}

void stats_add_apply(struct stats *stats, double seconds)
{
	static const double bounds[STATS_APPLY_BUCKETS - 1] = STATS_APPLY_BOUNDS;

	stats->apply_buckets[find_bucket(bounds, STATS_APPLY_BUCKETS - 1, seconds)]++;
	stats->apply_seconds += seconds;
}

void stats_add_programming(struct stats *stats, double seconds)
{
	static const double bounds[STATS_PROGRAMMING_BUCKETS - 1] = STATS_PROGRAMMING_BOUNDS;

	/* The clocks of two machines differ. */
	if (seconds < 0)
		seconds = 0;
	stats->programming_buckets[find_bucket(bounds, STATS_PROGRAMMING_BUCKETS - 1, seconds)]++;
	stats->programming_seconds += seconds;
}
