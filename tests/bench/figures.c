// SPDX-License-Identifier: Apache-2.0
#include "bench/figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

double now_us(void)
{
	return (double)clock_now_ns() / 1e3;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double quantile(double *values, size_t count, double share)
{
	qsort(values, count, sizeof(*values), compare_doubles);
	return values[(size_t)((double)(count - 1) * share)];
}

struct spread spread_of(const double *values, size_t count)
{
	double *sorted = malloc(count * sizeof(*sorted));
	struct spread spread;

	if (!sorted)
		abort();
	memcpy(sorted, values, count * sizeof(*sorted));
	spread.median = quantile(sorted, count, 0.5);
	spread.min = sorted[0];
	spread.max = sorted[count - 1];
	free(sorted);
	return spread;
}

struct spread spread_of_ratios(const double *values, const double *of, size_t count)
{
	double *ratios = malloc(count * sizeof(*ratios));
	struct spread spread;

	if (!ratios)
		abort();
	for (size_t i = 0; i < count; i++)
		ratios[i] = values[i] / of[i];
	spread = spread_of(ratios, count);
	free(ratios);
	return spread;
}

json_t *spread_json(const struct spread *spread)
{
	return json_pack("{s:f, s:f, s:f}", "median", spread->median, "min", spread->min, "max",
			 spread->max);
}

void aim_print(const struct aim *aim, double figure, json_t *list)
{
	bool is_upper = aim->at_most > 0;
	double limit = is_upper ? aim->at_most : aim->at_least;
	bool is_met = is_upper ? figure <= limit : figure >= limit;

	printf("  %-56s %s %.2f%s: %.3f%s, %s", aim->what, is_upper ? "at most" : "at least", limit,
	       aim->unit, figure, aim->unit, is_met ? "met" : "MISSED");
	if (aim->floor > 0)
		printf("; the floor is %.3f%s", aim->floor, aim->unit);
	printf("\n");
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:f, s:f, s:b, s:f}", "what", aim->what, "unit",
					aim->unit, is_upper ? "at_most" : "at_least", limit,
					"figure", figure, "met", is_met, "floor", aim->floor));
}

void figures_save(const char *name, json_t *value)
{
	const char *path = getenv("BENCH_JSON");
	json_t *all = path ? json_load_file(path, 0, NULL) : NULL;

	fflush(stdout);
	if (!all)
		all = json_object();
	json_object_set_new(all, name, value);
	if (path && json_dump_file(all, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)))
		fprintf(stderr, "cannot write '%s'\n", path);
	json_decref(all);
}
