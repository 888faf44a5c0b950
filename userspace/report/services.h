/* SPDX-License-Identifier: Apache-2.0 */
/* The Service ports that are balanced on this node: their columns. */
#ifndef GWBPF_REPORT_SERVICES_H
#define GWBPF_REPORT_SERVICES_H

#include <stdbool.h>

#include "kernel/view.h"
#include "report/columns.h"

extern const struct columns services_columns; /* of a struct view_service */

#define SERVICES_NOTE_MAX 1024

/* Whether it is as it should be, and if not, why, and what to do about it. Returns buf. */
bool services_is_well(const struct view_service *service);
const char *services_note(const struct view_service *service, char buf[SERVICES_NOTE_MAX]);

/* Connects that did not succeed, without those that the application gave up. */
uint64_t report_failed(const struct gw_counters *counters);

#endif
