/* SPDX-License-Identifier: Apache-2.0 */
/* What the node knows of a backend, and how time passes for it. */
#ifndef GWBPF_TESTS_HEALTH_H
#define GWBPF_TESTS_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#include "kernel/view.h"

struct gw_health health_of(const char *backend);
enum view_backend_state health_state(const char *backend);
uint64_t health_attempts(const char *backend);

/* For how long the last ejection is. */
uint64_t health_ejected_ms(const char *backend);

/* The time of its ejection is over, and that of a lease. */
void health_expire(const char *backend);

/* Its last change was so long ago. */
void health_age(const char *backend, uint64_t ms);

/* Nobody has reached it for long. */
void health_lonely(const char *backend);

/* Nobody is suspect, and nobody has just come back: this Service's searches need not look. */
void health_calm(const char *service);

#endif
