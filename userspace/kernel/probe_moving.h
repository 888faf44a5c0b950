/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this process may move connections of others (mover.h). */
#ifndef GWBPF_KERNEL_PROBE_MOVING_H
#define GWBPF_KERNEL_PROBE_MOVING_H

#include <stdbool.h>

#define PROBE_MOVING_MAX 256

/* What it lacks, with the remedy; "": nothing. Returns whether it lacks nothing. */
bool probe_moving(char lack[PROBE_MOVING_MAX]);

#endif
