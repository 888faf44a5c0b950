/* SPDX-License-Identifier: Apache-2.0 */
/* Problems and warnings of a status, as texts. Each names the object and the next step. */
#ifndef GWBPF_REPORT_STATUS_TEXTS_H
#define GWBPF_REPORT_STATUS_TEXTS_H

#include "report/status.h"

void status_add_problem(struct status *status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void status_add_warning(struct status *status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Last: those that had no room become one more text, which counts them. */
void status_count_left_out(struct status *status);

#endif
