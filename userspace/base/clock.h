/* SPDX-License-Identifier: Apache-2.0 */
/* The time as one number. */
#ifndef GWBPF_BASE_CLOCK_H
#define GWBPF_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since the clock's own beginning. */
static inline uint64_t clock_read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* CLOCK_MONOTONIC, as bpf_ktime_get_ns() reads it. */
static inline uint64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_now_ms(void)
{
	return clock_now_ns() / 1000000;
}

static inline double clock_read_seconds(clockid_t clock)
{
	return (double)clock_read_ns(clock) / 1e9;
}

#endif
