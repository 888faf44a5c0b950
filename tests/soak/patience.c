// SPDX-License-Identifier: Apache-2.0
#include "soak/patience.h"

#include <time.h>

#include "base/clock.h"
#include "kernel/lab.h"

#define PATIENCE_MS 90000

bool patience_becomes(bool (*check)(void *arg), void *arg)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	const uint64_t until_ms = clock_now_ms() + PATIENCE_MS;

	while (!check(arg)) {
		if (clock_now_ms() > until_ms)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

void patience_wait(bool (*check)(void *arg), void *arg, const char *what)
{
	if (!patience_becomes(check, arg))
		fail_msg("never seen: %s", what);
}
