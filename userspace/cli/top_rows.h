/* SPDX-License-Identifier: Apache-2.0 */
/* Backends with what they get a second, and what they got in the last minute. Pure. */
#ifndef GWBPF_CLI_TOP_ROWS_H
#define GWBPF_CLI_TOP_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct view_backend;

#define TOP_HISTORY 60 /* samples that are kept of each backend */

enum top_sort {
	TOP_BY_CONNECTS,
	TOP_BY_ACTIVE,
	TOP_BY_FAILURES,
	TOP_BY_NAME,
	TOP_SORT_MAX_,
};

struct top_history {
	uint32_t generation; /* of the backend that has the id */
	uint64_t attempts;
	uint64_t failures;
	size_t count;             /* of the rates, TOP_HISTORY at most */
	float rates[TOP_HISTORY]; /* connects a second, the newest last */
};

struct top_row {
	const struct view_backend *backend; /* the caller's */
	const struct top_history *history;
	double connects; /* a second, since the last sample; 0 if there was none */
	double failures;
};

struct top_rows {
	struct top_row *rows; /* in the order of the last top_rows_sort() */
	size_t count;
	struct top_history *histories; /* by backend id */
	size_t history_count;
	uint64_t taken_ns;
	double connects, failures; /* of all */
	uint64_t active;
	float most; /* the highest rate in any history that is shown */
};

/* Take a sample: these are all that are shown now, and must live until the next one. A zeroed struct
 * is empty. -ENOMEM */
int top_rows_take(struct top_rows *rows, const struct view_backend *const *backends, size_t count,
		  uint64_t now_ns);

/* Most first; by name in their order. Equal ones by service and address. */
void top_rows_sort(struct top_rows *rows, enum top_sort sort);

const char *top_sort_name(enum top_sort sort);

/* How high a rate is, from 0 to 8: 0 is nothing, 8 the highest. */
unsigned int top_level(float rate, float most);

void top_rows_done(struct top_rows *rows);

#endif
