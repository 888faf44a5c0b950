/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures: what becomes of many measured values, and the file of all of them, for programs to read
 * (BENCH_JSON). Knows nothing of what is measured.
 */
#ifndef GWBPF_BENCH_FIGURES_H
#define GWBPF_BENCH_FIGURES_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

double now_us(void);

/* The value that this share (0 to 1) of them does not exceed; sorts them. */
double quantile(double *values, size_t count, double share);

/* The middle one and the two ends of several rounds. */
struct spread {
	double median;
	double min;
	double max;
};

struct spread spread_of(const double *values, size_t count);

/* Of the ratios of two values of each round, which belong together. */
struct spread spread_of_ratios(const double *values, const double *of, size_t count);

json_t *spread_json(const struct spread *spread);

/* Print an aim, the figure beside it and whether it is met, and put it into the list. */
struct aim {
	const char *what;
	double at_most; /* one of the two */
	double at_least;
	const char *unit;
	double floor; /* as measured: what cannot be done without; 0: it is not known */
};

void aim_print(const struct aim *aim, double figure, json_t *list);

/* Put it under this name into the file that BENCH_JSON names, if it does. Takes the value over. */
void figures_save(const char *name, json_t *value);

#endif
