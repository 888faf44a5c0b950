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

/* What it has above its share rounded up. */
static uint64_t surplus(const struct balance_backend *backend, const struct sums *sums)
{
	return backend->weight ? above(backend->active, share_rounded_up(backend, sums)) : 0;
}

/* Whether it could do with one less: it has more than its share rounded down, and where others have
 * fewer than that (4, 4, 4, 4, 0), it gives one though it has no surplus. */
static bool can_give(const struct balance_backend *backend, const struct sums *sums)
{
	uint64_t least = share_rounded_down(backend, sums);

	return backend->weight && share_rounded_up(backend, sums) > least &&
	       backend->active > least;
}

/* What is missing to the share rounded down. */
static uint64_t missing(const struct balance_backend *backend, const struct sums *sums)
{
	return backend->receives ? above(share_rounded_down(backend, sums), backend->active) : 0;
}

/* How many more it would have if all were even; not rounded, times the sum of the weights. */
static uint64_t lack(const struct balance_backend *backend, const struct sums *sums)
{
	if (!backend->receives)
		return 0;
	return above(sums->active * backend->weight, backend->active * sums->weight);
}

typedef uint64_t (*number_of)(const struct balance_backend *backend, const struct sums *sums);

static uint64_t sum_of(const struct balance_backend *backends, size_t count,
		       const struct sums *sums, number_of number)
{
	uint64_t all = 0;

	for (size_t i = 0; i < count; i++)
		all += number(&backends[i], sums);
	return all;
}

/* Which part of one connection each that can give one gives: for what is missing beyond all
 * surplus. */
static double part_given(const struct balance_backend *backends, size_t count,
			 const struct sums *sums)
{
	uint64_t wanted = above(sum_of(backends, count, sums, missing),
				sum_of(backends, count, sums, surplus));
	uint64_t givers = 0;

	for (size_t i = 0; i < count; i++)
		givers += can_give(&backends[i], sums);
	if (!givers)
		return 0;
	return wanted < givers ? (double)wanted / (double)givers : 1;
}

/* Which part of a surplus may leave, where this node has that share of it. All others decide as
 * well, and do not see what leaves at this moment: if each moved its share of the whole, chance
 * would often move too many. Where nobody else has any, nobody else moves any. */
static double part_of(double share)
{
	return 0.5 * (1 + share * share);
}

/* The whole number that all so far come to, above what came before: so the sum is rounded once, and
 * not each part of it. sum begins with a random number below 1. */
static uint32_t add_rounded(double *sum, double number)
{
	/* Three thirds are one. */
	const double before = *sum + 1e-9, after = before + number;

	*sum += number;
	return (uint32_t)after - (uint32_t)before;
}

uint32_t balance_decide(struct balance_backend *backends, size_t count, balance_random random,
			void *arg)
{
	const struct sums sums = sum_up(backends, count);
	double rounded = random(arg), given;
	uint32_t leaving = 0;

	for (size_t i = 0; i < count; i++)
		backends[i].leave = 0;
	if (!sums.weight || !sum_of(backends, count, &sums, lack))
		return 0;
	given = part_given(backends, count, &sums);
	for (size_t i = 0; i < count; i++) {
		struct balance_backend *backend = &backends[i];
		double too_many = (double)surplus(backend, &sums), share;

		if (can_give(backend, &sums))
			too_many += given;
		if (too_many <= 0 || !backend->own)
			continue;
		share = (double)backend->own / backend->active;
		backend->leave = add_rounded(&rounded, part_of(share) * share * too_many);
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
	number_of number = missing;
	uint64_t all, at;

	if (!sums.weight)
		return count;
	all = sum_of(backends, count, &sums, number);
	if (!all) {
		number = lack;
		all = sum_of(backends, count, &sums, number);
	}
	at = (uint64_t)(random(arg) * (double)all);
	for (size_t i = 0; i < count; i++) {
		uint64_t lacks = number(&backends[i], &sums);

		if (at < lacks)
			return i;
		at -= lacks;
	}
	return count;
}
