// SPDX-License-Identifier: Apache-2.0
#include "model/balance.h"

/* What the backends have and weigh together. */
struct sums {
	uint64_t active;
	uint64_t weight;
};

static struct sums sum_up(const struct balance_backend *backends, size_t count)
{
	struct sums sums = {0};

	for (size_t i = 0; i < count; i++) {
		if (!backends[i].weight)
			continue;
		sums.active += backends[i].active;
		sums.weight += backends[i].weight;
	}
	return sums;
}

static uint64_t share_rounded_down(const struct balance_backend *backend, const struct sums *sums)
{
	return sums->active * backend->weight / sums->weight;
}

static uint64_t share_rounded_up(const struct balance_backend *backend, const struct sums *sums)
{
	return (sums->active * backend->weight + sums->weight - 1) / sums->weight;
}

static uint64_t above(uint64_t number, uint64_t limit)
{
	return number > limit ? number - limit : 0;
}

/* Where the surplus begins: at the share rounded up, or, if nobody has more than that while
 * somebody has less than the share rounded down (4, 4, 4, 4, 0), at the share rounded down. */
static uint64_t surplus(const struct balance_backend *backend, const struct sums *sums,
			bool is_rounded_up)
{
	if (!backend->weight)
		return 0;
	return above(backend->active, is_rounded_up ? share_rounded_up(backend, sums) :
						      share_rounded_down(backend, sums));
}

static uint64_t surplus_of_all(const struct balance_backend *backends, size_t count,
			       const struct sums *sums, bool is_rounded_up)
{
	uint64_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += surplus(&backends[i], sums, is_rounded_up);
	return all;
}

/* What is missing where there are fewer than the share rounded down. */
static uint64_t missing_of_all(const struct balance_backend *backends, size_t count,
			       const struct sums *sums)
{
	uint64_t all = 0;

	for (size_t i = 0; i < count; i++)
		if (backends[i].receives)
			all += above(share_rounded_down(&backends[i], sums), backends[i].active);
	return all;
}

/* How many more it would have if all were even; not rounded, times the sum of the weights. */
static uint64_t lack(const struct balance_backend *backend, const struct sums *sums)
{
	if (!backend->receives)
		return 0;
	return above(sums->active * backend->weight, backend->active * sums->weight);
}

static uint64_t lack_of_receivers(const struct balance_backend *backends, size_t count,
				  const struct sums *sums)
{
	uint64_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += lack(&backends[i], sums);
	return all;
}

/* The next whole number below or above, so that the mean over many draws is the number itself. */
static uint32_t round_at_random(double number, balance_random random, void *arg)
{
	uint32_t whole = (uint32_t)number;

	return random(arg) < number - whole ? whole + 1 : whole;
}

uint32_t balance_decide(struct balance_backend *backends, size_t count, balance_random random,
			void *arg)
{
	const struct sums sums = sum_up(backends, count);
	bool is_rounded_up = true;
	uint32_t leaving = 0;
	double part = 0.5;

	for (size_t i = 0; i < count; i++)
		backends[i].leave = 0;
	if (!sums.weight || !lack_of_receivers(backends, count, &sums))
		return 0;
	if (!surplus_of_all(backends, count, &sums, true)) {
		uint64_t all = surplus_of_all(backends, count, &sums, false);

		if (!all)
			return 0;
		is_rounded_up = false;
		part = 0.5 * (double)missing_of_all(backends, count, &sums) / (double)all;
	}
	for (size_t i = 0; i < count; i++) {
		struct balance_backend *backend = &backends[i];
		double too_many = (double)surplus(backend, &sums, is_rounded_up);

		if (too_many == 0 || !backend->own)
			continue;
		backend->leave = round_at_random(part * too_many * backend->own / backend->active,
						 random, arg);
		if (backend->leave > backend->own)
			backend->leave = backend->own;
		leaving += backend->leave;
	}
	return leaving;
}

size_t balance_destination(const struct balance_backend *backends, size_t count,
			   balance_random random, void *arg)
{
	const struct sums sums = sum_up(backends, count);
	uint64_t all = sums.weight ? lack_of_receivers(backends, count, &sums) : 0;
	uint64_t at;

	if (!all)
		return count;
	at = (uint64_t)(random(arg) * (double)all);
	for (size_t i = 0; i < count; i++) {
		uint64_t lacks = lack(&backends[i], &sums);

		if (at < lacks)
			return i;
		at -= lacks;
	}
	return count;
}

double balance_ratio(const struct balance_backend *backends, size_t count)
{
	const struct sums sums = sum_up(backends, count);
	double most = 0;

	if (!sums.active)
		return 0;
	for (size_t i = 0; i < count; i++) {
		double share, part;

		if (!backends[i].weight)
			continue;
		share = (double)sums.active * backends[i].weight / (double)sums.weight;
		part = backends[i].active / share;
		if (part > most)
			most = part;
	}
	return most;
}
