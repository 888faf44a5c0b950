/* SPDX-License-Identifier: Apache-2.0 */
/* Where the connections of this node go, and how they fare there, as JSON. */
#ifndef GWBPF_REPORT_BACKENDS_H
#define GWBPF_REPORT_BACKENDS_H

#include <stdbool.h>

#include "kernel/view.h"
#include "report/json.h"

/* Whether a report is to hold this backend. */
typedef bool report_wants(const struct view_backend *backend, const void *arg);

/* wants NULL: every one. */
json_t *report_backends(const struct view *view, report_wants *wants, const void *arg);

#endif
