// SPDX-License-Identifier: Apache-2.0
#include "source/kube/pulse.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "source/kube/http.h"

/* Everybody may read it, and it costs the server nothing. */
#define QUESTION "/version"

struct kube_pulse {
	struct kube_pulse_setup setup;
	struct event *timer;
	struct kube_request *request; /* NULL: nothing is asked */
};

static void set_timer(struct kube_pulse *pulse, uint64_t delay_ms)
{
	struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};

	evtimer_add(pulse->timer, &delay);
}

static void on_started(long status, void *arg)
{
	(void)status;
	(void)arg;
}

/* That it says something is what counts. */
static int on_received(const char *bytes, size_t size, void *arg)
{
	(void)bytes;
	(void)size;
	(void)arg;
	return 0;
}

/* What ends otherwise than by silence ends the watches as well, and they say so. */
static void on_ended(const struct kube_answer *answer, void *arg)
{
	struct kube_pulse *pulse = arg;
	const struct kube_pulse_setup *setup = &pulse->setup;

	pulse->request = NULL;
	set_timer(pulse, setup->timing->silence_ms);
	if (!answer->complete && answer->error == SOURCE_ERROR_TIMEOUT)
		setup->silent(setup->arg);
}

static const struct kube_request_ops ops = {
	.started = on_started,
	.received = on_received,
	.ended = on_ended,
};

static int ask(struct kube_pulse *pulse)
{
	const struct kube_pulse_setup *setup = &pulse->setup;
	char message[KUBE_MESSAGE_MAX];
	struct kube_config config;
	struct kube_call call = {
		.config = &config,
		.path = QUESTION,
		.timeout_ms = setup->timing->question_ms,
		.ops = &ops,
		.arg = pulse,
	};
	int err = setup->configure(message, &config, setup->arg);

	if (err)
		return err;
	err = kube_http_get(setup->http, &call, &pulse->request);
	kube_config_done(&config);
	return err;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kube_pulse *pulse = arg;
	uint32_t silence_ms = pulse->setup.timing->silence_ms;
	uint64_t quiet_ms = kube_http_quiet_ms(pulse->setup.http);

	(void)fd;
	(void)what;
	if (quiet_ms < silence_ms)
		set_timer(pulse, silence_ms - quiet_ms);
	else if (ask(pulse))
		set_timer(pulse, silence_ms);
}

int kube_pulse_start(const struct kube_pulse_setup *setup, struct kube_pulse **ret)
{
	struct kube_pulse *pulse = calloc(1, sizeof(*pulse));

	if (!pulse)
		return -ENOMEM;
	pulse->setup = *setup;
	pulse->timer = evtimer_new(setup->base, on_timer, pulse);
	if (!pulse->timer) {
		free(pulse);
		return -ENOMEM;
	}
	if (setup->timing->silence_ms)
		set_timer(pulse, setup->timing->silence_ms);
	*ret = pulse;
	return 0;
}

void kube_pulse_stop(struct kube_pulse *pulse)
{
	if (!pulse)
		return;
	kube_request_cancel(pulse->request);
	event_free(pulse->timer);
	free(pulse);
}
