/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the API server is still there while it has nothing to say: after some silence it is asked
 * for its version. Any answer is a sign of life, also a refusal.
 */
#ifndef GWBPF_SOURCE_KUBE_PULSE_H
#define GWBPF_SOURCE_KUBE_PULSE_H

#include "source/kube/watch.h"

struct kube_pulse;

struct kube_pulse_setup {
	struct event_base *base;
	struct kube_http *http;
	const struct kube_timing *timing; /* silence_ms 0: it is never asked */
	/* Load the configuration for one request; as of config.h. */
	int (*configure)(char *message, struct kube_config *ret, void *arg);
	/* It did not answer in time. */
	void (*silent)(void *arg);
	void *arg;
};

/* What setup points to must outlive it; setup itself may go. -ENOMEM */
int kube_pulse_start(const struct kube_pulse_setup *setup, struct kube_pulse **ret);
void kube_pulse_stop(struct kube_pulse *pulse); /* takes NULL */

#endif
