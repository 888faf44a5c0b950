// SPDX-License-Identifier: Apache-2.0
/*
 * The change of a set: all that the agent does for it, and the store that puts a range in force
 * which is filled already. Asserts nothing of time.
 */
#include "kernel/lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/figures.h"
#include "bench/bed.h"
#include "kernel/maps.h"

#define VIP "10.96.0.10:7051"
#define CHANGES 200
#define STORES 1000

static const size_t sizes[] = {3, 16, 256, 1000};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

static char texts[GW_SET_MAX][LAB_TEXT];
static const char *backends[GW_SET_MAX + 1];

/* The first ones of all backends, planned and written as the agent does it. */
static void serve_by(size_t count)
{
	backends[count] = NULL;
	lab_service("bench", VIP, GW_POLICY_LC, backends);
	backends[count] = texts[count];
}

static double change_us(size_t size)
{
	static double times[CHANGES];

	for (size_t i = 0; i < CHANGES; i++) {
		double start = now_us();

		serve_by(size - i % 2);
		times[i] = now_us() - start;
	}
	return quantile(times, CHANGES, 0.5);
}

/* What each connect reads once. Twice the same one: only the time of the store counts here. */
static double store_us(void)
{
	static double times[STORES];
	struct maps maps;
	double start;

	assert_return_code(maps_open(LAB_PINS, true, &maps), 0);
	for (size_t i = 0; i < STORES; i++) {
		start = now_us();
		for (int j = 0; j < 100; j++)
			__atomic_store_n(&maps.sets[0], maps.sets[0], __ATOMIC_RELEASE);
		times[i] = (now_us() - start) / 100;
	}
	maps_close(&maps);
	return quantile(times, STORES, 0.5);
}

static void bench_a_change_of_a_set(void **state)
{
	json_t *all = json_object(), *by_size = json_object();
	double store;
	char key[16];

	(void)state;
	printf("one backend more or less in a set, p50 in us:\n");
	for (size_t i = 0; i < SIZES; i++) {
		double us;

		serve_by(sizes[i]);
		us = change_us(sizes[i]);
		printf("  %5zu backends: %8.1f planned, written and put in force\n", sizes[i], us);
		snprintf(key, sizeof(key), "%zu", sizes[i]);
		json_object_set_new(by_size, key, json_real(us));
	}
	store = store_us();
	printf("  the store alone that puts a filled range in force: %.4f\n", store);
	json_object_set_new(all, "change_us", by_size);
	json_object_set_new(all, "store_us", json_real(store));
	figures_save("sets", all);
}

static int start(void **state)
{
	for (size_t i = 0; i < GW_SET_MAX; i++) {
		snprintf(texts[i], LAB_TEXT, "10.2.%zu.%zu:7051", i / 250, 1 + i % 250);
		backends[i] = texts[i];
	}
	bed_on_one_cpu();
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest benches[] = {cmocka_unit_test(bench_a_change_of_a_set)};

	return lab_main(benches, 1, start, lab_stop);
}
