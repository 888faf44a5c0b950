// SPDX-License-Identifier: Apache-2.0
#include "kernel/counts.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "kernel/lab.h"

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
#define FIELD(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct gw_counters, name)                                          \
	}
	FIELD(attempts),    FIELD(established),  FIELD(refused),  FIELD(timed_out),
	FIELD(unreachable), FIELD(other_failed), FIELD(canceled), FIELD(closed),
	FIELD(reset),       FIELD(lost),
#undef FIELD
};

struct expectation {
	const char *name;
	bool is_service;
	uint32_t active;
	const struct gw_counters *want;
	uint32_t seen_active;
	struct gw_counters seen;
};

static uint64_t field(const struct gw_counters *counters, size_t i)
{
	return *(const uint64_t *)((const char *)counters + fields[i].offset);
}

static void look(struct expectation *expectation)
{
	struct view *view = lab_view();

	if (expectation->is_service) {
		const struct view_service *service = lab_find_service(view, expectation->name);

		expectation->seen = service->counters;
		expectation->seen_active = service->active;
	} else {
		const struct view_backend *backend = lab_backend(view, expectation->name);

		expectation->seen = backend->counters;
		expectation->seen_active = backend->active;
	}
	view_close(view);
}

static uint64_t histogram_sum(const struct gw_counters *counters)
{
	uint64_t sum = 0;

	for (int i = 0; i < GW_HISTOGRAM_MAX; i++)
		sum += counters->connect_buckets[i];
	return sum;
}

static bool is_met(void *arg)
{
	struct expectation *expectation = arg;

	look(expectation);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (field(&expectation->seen, i) != field(expectation->want, i))
			return false;
	return expectation->seen_active == expectation->active &&
	       histogram_sum(&expectation->seen) == expectation->want->established;
}

static void expect(struct expectation *expectation)
{
	bool met = lab_becomes(is_met, expectation);

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && !met; i++)
		if (field(&expectation->seen, i) != field(expectation->want, i))
			print_message("%s of %s: %" PRIu64 ", expected %" PRIu64 "\n",
				      fields[i].name, expectation->name,
				      field(&expectation->seen, i), field(expectation->want, i));
	if (!met)
		fail_msg("%s: not the counts expected (active %u, expected %u; %" PRIu64
			 " in the histogram)",
			 expectation->name, expectation->seen_active, expectation->active,
			 histogram_sum(&expectation->seen));
}

void counts_expect_backend(const char *address, uint32_t active, const struct gw_counters *want)
{
	struct expectation expectation = {.name = address, .active = active, .want = want};

	expect(&expectation);
}

void counts_expect_service(const char *name, uint32_t active, const struct gw_counters *want)
{
	struct expectation expectation = {
		.name = name,
		.is_service = true,
		.active = active,
		.want = want,
	};

	expect(&expectation);
}

static struct expectation look_at(const char *address)
{
	struct expectation expectation = {.name = address};

	look(&expectation);
	return expectation;
}

/* An upper bound, so that what is never canceled ends as well. */
#define CANCELS_MAX 50

static bool none_is_active(void *arg)
{
	return !counts_active(arg);
}

uint64_t counts_cancel(const char *address, void (*give_up)(void))
{
	struct gw_counters want = look_at(address).seen, seen = want;
	uint64_t times = 0;

	while (seen.canceled == want.canceled) {
		assert_in_range(++times, 1, CANCELS_MAX);
		give_up();
		lab_wait(none_is_active, (void *)address, "the end of a connect that is given up");
		seen = look_at(address).seen;
	}
	want.attempts += times;
	want.canceled++;
	want.timed_out += times - 1;
	counts_expect_backend(address, 0, &want);
	return times;
}

uint32_t counts_active(const char *address)
{
	return look_at(address).seen_active;
}

uint64_t counts_established(const char *address)
{
	return look_at(address).seen.established;
}
