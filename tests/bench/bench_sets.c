// SPDX-License-Identifier: Apache-2.0
/*
 * The change of a set: all that the agent does for it; filling a range and the store that puts it
 * in force; and that store alone. Asserts nothing of time.
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
	backends[count] = count < GW_SET_MAX ? texts[count] : NULL;
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

/* The members are ready: what is left is to write them and then the word. Where the range in force
 * is, as nothing else can be harmed here. */
static double swap_us(size_t size)
{
	static double times[STORES];
	static struct gw_slot slots[GW_SET_MAX + 1];
	uint64_t word;
	struct maps maps;

	assert_return_code(maps_open(LAB_PINS, true, &maps), 0);
	word = maps.sets[0];
	memcpy(slots, &maps.slots[GW_SET_BASE(word)], (size + 1) * sizeof(*slots));
	for (size_t i = 0; i < STORES; i++) {
		double start = now_us();

		memcpy(&maps.slots[GW_SET_BASE(word)], slots, (size + 1) * sizeof(*slots));
		__atomic_store_n(&maps.sets[0], word, __ATOMIC_RELEASE);
		times[i] = now_us() - start;
	}
	maps_close(&maps);
	return quantile(times, STORES, 0.5);
}

/* What each connect reads once. */
static double store_us(void)
{
	static double times[STORES];
	struct maps maps;

	assert_return_code(maps_open(LAB_PINS, true, &maps), 0);
	for (size_t i = 0; i < STORES; i++) {
		double start = now_us();

		for (int j = 0; j < 100; j++)
			__atomic_store_n(&maps.sets[0], maps.sets[0], __ATOMIC_RELEASE);
		times[i] = (now_us() - start) / 100;
	}
	maps_close(&maps);
	return quantile(times, STORES, 0.5);
}

static void bench_a_change_of_a_set(void **state)
{
	json_t *by_size = json_object();
	double store;
	char key[16];

	(void)state;
	printf("one backend more or less in a set, p50 in us:\n");
	for (size_t i = 0; i < SIZES; i++) {
		double change, swap;

		serve_by(sizes[i]);
		swap = swap_us(sizes[i]);
		change = change_us(sizes[i]);
		printf("  %5zu backends: %8.1f with all that the agent does, %6.2f to write and swap\n",
		       sizes[i], change, swap);
		snprintf(key, sizeof(key), "%zu", sizes[i]);
		json_object_set_new(by_size, key,
				    json_pack("{s:f, s:f}", "change_us", change, "swap_us", swap));
	}
	store = store_us();
	printf("  the store alone: %.4f\n", store);
	figures_save("sets", json_pack("{s:o, s:f}", "sizes", by_size, "store_us", store));
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
