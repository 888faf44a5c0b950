/* SPDX-License-Identifier: Apache-2.0 */
/* Where the connections of this node go, and how they fare there: rows, and their columns. */
#ifndef GWBPF_REPORT_BACKENDS_H
#define GWBPF_REPORT_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/view.h"
#include "model/evenness.h"
#include "report/columns.h"
#include "report/json.h"

/* A backend, and what it is seen among. */
struct backend_row {
	const struct view *view;
	const struct view_backend *backend;
	const struct view_service
		*service; /* NULL: its port at that address is no longer balanced */

	/* Of all of its Service port at one address: */
	size_t group;                   /* their number, from 0 */
	uint64_t group_active;          /* their connections */
	struct evenness group_evenness; /* of those that take new ones */
};

extern const struct columns backends_columns; /* of a struct backend_row */

/* Whether a report is to hold this backend. */
typedef bool report_wants(const struct view_backend *backend, const void *arg);

/* In the order of the view; free(3). wants NULL: every one. -ENOMEM */
int backends_rows(const struct view *view, report_wants *wants, const void *arg,
		  struct backend_row **ret, size_t *count);

/* Those that take new connections are what is to be even. */
void backends_add_evenness(const struct view_backend *backend, struct evenness *evenness);

/* Whether it is as it should be, and if not, why and what to do about it. */
bool backends_is_well(const struct backend_row *row);
const char *backends_reason(const struct backend_row *row); /* NULL: it is well */
const char *backends_remedy(const struct backend_row *row); /* NULL: there is nothing to do */

#endif
