// SPDX-License-Identifier: Apache-2.0
#include "agent/check_pulse.h"

#include <event2/event.h>

#include "base/clock.h"

#define BEAT_MS 50

static struct {
	struct event *beat;
	unsigned int looks;
	uint64_t due_ms;
	uint64_t late_ms;
} pulse;

static void wait_for_beat(void)
{
	static const struct timeval delay = {.tv_usec = BEAT_MS * 1000};

	pulse.due_ms = clock_now_ms() + BEAT_MS;
	event_add(pulse.beat, &delay);
}

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	pulse.late_ms = check_pulse_late_ms();
	wait_for_beat();
}

void check_pulse_join(struct event_base *base)
{
	if (pulse.looks++)
		return;
	pulse.due_ms = clock_now_ms();
	pulse.beat = event_new(base, -1, 0, on_beat, NULL);
	if (pulse.beat)
		wait_for_beat();
}

void check_pulse_leave(void)
{
	if (--pulse.looks)
		return;
	pulse.late_ms = check_pulse_late_ms();
	if (pulse.beat)
		event_free(pulse.beat);
	pulse.beat = NULL;
}

uint64_t check_pulse_late_ms(void)
{
	uint64_t now_ms = clock_now_ms();

	return pulse.late_ms + (now_ms > pulse.due_ms ? now_ms - pulse.due_ms : 0);
}
