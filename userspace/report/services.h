/* SPDX-License-Identifier: Apache-2.0 */
/* The Service ports that are balanced on this node, as JSON. */
#ifndef GWBPF_REPORT_SERVICES_H
#define GWBPF_REPORT_SERVICES_H

#include "kernel/view.h"
#include "report/json.h"

json_t *report_services(const struct view *view);

/* Connects that did not succeed, without those that the application gave up. */
uint64_t report_failed(const struct gw_counters *counters);

#endif
