// SPDX-License-Identifier: Apache-2.0
#include "cli/top_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "kernel/view.h"

#define LEVELS 8

static uint64_t failures_of(const struct gw_counters *counters)
{
	return counters->refused + counters->timed_out + counters->unreachable +
	       counters->other_failed;
}

static int make_room(struct top_rows *rows, const struct view_backend *const *backends,
		     size_t count)
{
	struct top_row *all = reallocarray(rows->rows, count + 1, sizeof(*all));
	struct top_history *histories;
	size_t ids = rows->history_count;

	if (!all)
		return -ENOMEM;
	rows->rows = all;
	for (size_t i = 0; i < count; i++)
		if (backends[i]->id >= ids)
			ids = backends[i]->id + 1;
	if (ids == rows->history_count)
		return 0;
	histories = reallocarray(rows->histories, ids, sizeof(*histories));
	if (!histories)
		return -ENOMEM;
	memset(&histories[rows->history_count], 0,
	       (ids - rows->history_count) * sizeof(*histories));
	rows->histories = histories;
	rows->history_count = ids;
	return 0;
}

static void push(struct top_history *history, float rate)
{
	if (history->count == TOP_HISTORY)
		memmove(&history->rates[0], &history->rates[1],
			--history->count * sizeof(*history->rates));
	history->rates[history->count++] = rate;
}

/* Counters of one backend only rise: less than before is another one. */
static void take_one(struct top_rows *rows, const struct view_backend *backend, double seconds)
{
	struct top_history *history = &rows->histories[backend->id];
	struct top_row *row = &rows->rows[rows->count++];
	uint64_t attempts = backend->counters.attempts;
	uint64_t failures = failures_of(&backend->counters);

	*row = (struct top_row){.backend = backend, .history = history};
	if (history->generation != backend->generation || attempts < history->attempts ||
	    failures < history->failures) {
		*history = (struct top_history){.generation = backend->generation};
	} else if (seconds > 0) {
		row->connects = (double)(attempts - history->attempts) / seconds;
		row->failures = (double)(failures - history->failures) / seconds;
		push(history, (float)row->connects);
	}
	history->attempts = attempts;
	history->failures = failures;
	rows->connects += row->connects;
	rows->failures += row->failures;
	rows->active += backend->active;
	for (size_t i = 0; i < history->count; i++)
		if (history->rates[i] > rows->most)
			rows->most = history->rates[i];
}

int top_rows_take(struct top_rows *rows, const struct view_backend *const *backends, size_t count,
		  uint64_t now_ns)
{
	double seconds = rows->taken_ns ? (double)(now_ns - rows->taken_ns) / 1e9 : 0;
	int err = make_room(rows, backends, count);

	if (err)
		return err;
	rows->taken_ns = now_ns;
	rows->count = 0;
	rows->connects = rows->failures = 0;
	rows->active = 0;
	rows->most = 0;
	for (size_t i = 0; i < count; i++)
		take_one(rows, backends[i], seconds);
	return 0;
}

static int compare_names(const struct top_row *a, const struct top_row *b)
{
	int order = strcmp(a->backend->namespace, b->backend->namespace);

	if (!order)
		order = strcmp(a->backend->service, b->backend->service);
	if (!order)
		order = strcmp(a->backend->pod, b->backend->pod);
	if (!order)
		order = addr_port_compare(&a->backend->address, a->backend->port,
					  &b->backend->address, b->backend->port);
	return order;
}

static int compare_values(double a, double b)
{
	return (a < b) - (a > b);
}

static int by_connects(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = compare_values(x->connects, y->connects);

	return order ? order : compare_names(x, y);
}

static int by_active(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = compare_values(x->backend->active, y->backend->active);

	return order ? order : compare_names(x, y);
}

static int by_failures(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int order = compare_values(x->failures, y->failures);

	if (!order)
		order = compare_values((double)failures_of(&x->backend->counters),
				       (double)failures_of(&y->backend->counters));
	return order ? order : compare_names(x, y);
}

static int by_name(const void *a, const void *b)
{
	return compare_names(a, b);
}

static const struct {
	const char *name;
	int (*compare)(const void *a, const void *b);
} sorts[] = {
	[TOP_BY_CONNECTS] = {"connects", by_connects},
	[TOP_BY_ACTIVE] = {"active", by_active},
	[TOP_BY_FAILURES] = {"failures", by_failures},
	[TOP_BY_NAME] = {"name", by_name},
};

void top_rows_sort(struct top_rows *rows, enum top_sort sort)
{
	if (rows->count)
		qsort(rows->rows, rows->count, sizeof(*rows->rows), sorts[sort].compare);
}

const char *top_sort_name(enum top_sort sort)
{
	return sorts[sort].name;
}

unsigned int top_level(float rate, float most)
{
	unsigned int level;

	if (rate <= 0 || most <= 0)
		return 0;
	level = (unsigned int)(rate / most * LEVELS + 0.5f);
	return level < 1 ? 1 : level > LEVELS ? LEVELS : level;
}

void top_rows_done(struct top_rows *rows)
{
	free(rows->rows);
	free(rows->histories);
	*rows = (struct top_rows){0};
}
