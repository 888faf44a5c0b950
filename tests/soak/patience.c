// SPDX-License-Identifier: Apache-2.0
#include "soak/patience.h"

#include <time.h>

#include "kernel/lab.h"

#define PATIENCE_S 90

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

bool patience_becomes(bool (*check)(void *arg), void *arg)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	const time_t until = seconds() + PATIENCE_S;

	while (!check(arg)) {
		if (seconds() > until)
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
