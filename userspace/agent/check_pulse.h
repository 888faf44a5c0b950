/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For how long the child could not look, although looks were under way: it had no CPU, or one look
 * took all of its time. A timer comes each 50 ms, and what it comes late is added up.
 */
#ifndef GWBPF_AGENT_CHECK_PULSE_H
#define GWBPF_AGENT_CHECK_PULSE_H

#include <stdint.h>

struct event_base;

/* For each look: when it begins, and when it ends. All are of one base. */
void check_pulse_join(struct event_base *base);
void check_pulse_leave(void);

/* In milliseconds; only rises while a look is under way. Without memory for the timer all time counts. */
uint64_t check_pulse_late_ms(void);

#endif
