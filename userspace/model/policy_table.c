// SPDX-License-Identifier: Apache-2.0
/*
 * Positions by weight: one cycle, or as many of a fixed number of places as each one's share is.
 * Knows nothing of loads or clients.
 */
#include "model/policy_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SH_LENGTH 256
/* A prime, and one for all: with another length every client would move. */
#define MH_LENGTH 4093
#define NOBODY UINT16_MAX

struct weighing {
	uint32_t divisor; /* common to all weights */
	uint32_t max;
	uint32_t sum;
	bool are_equal;
};

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static struct weighing weigh(const struct member *members, size_t count)
{
	struct weighing weighing = {.are_equal = true};

	for (size_t i = 0; i < count; i++) {
		uint32_t weight = members[i].weight;

		if (weight != members[0].weight)
			weighing.are_equal = false;
		weighing.divisor = greatest_common_divisor(weight, weighing.divisor);
		if (weight > weighing.max)
			weighing.max = weight;
		weighing.sum += weight;
	}
	return weighing;
}

/* Rounded up: whoever has a weight has a turn. */
static uint32_t turns_of(const struct member *member, uint32_t step)
{
	return (member->weight + step - 1) / step;
}

static uint32_t count_turns(const struct member *members, size_t count, uint32_t step)
{
	uint32_t turns = 0;

	for (size_t i = 0; i < count; i++)
		turns += turns_of(&members[i], step);
	return turns;
}

/* By what to divide the weights, so that a cycle of them fits: the common divisor, or the least
 * that is enough. */
static uint32_t find_step(const struct member *members, size_t count,
			  const struct weighing *weighing)
{
	uint32_t low = weighing->divisor, high = weighing->max;

	if (count_turns(members, count, low) <= GW_TABLE_MAX)
		return low;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (count_turns(members, count, middle) <= GW_TABLE_MAX)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* One cycle: at each level, from the highest down, come those that have as many turns. Filled from
 * its end, where all are, so that only those are looked at that stand there. */
static size_t fill_cycle(const struct member *members, size_t count,
			 const struct weighing *weighing, uint16_t *table)
{
	uint32_t step = find_step(members, count, weighing);
	size_t length = count_turns(members, count, step), begin = length;
	uint16_t standing[GW_SET_MAX];
	size_t left = count;

	for (size_t i = 0; i < count; i++)
		standing[i] = (uint16_t)i;
	for (uint32_t level = 1; begin > 0; level++) {
		size_t before = left;

		left = 0;
		for (size_t i = 0; i < before; i++) {
			if (turns_of(&members[standing[i]], step) >= level)
				standing[left++] = standing[i];
		}
		begin -= left;
		memcpy(&table[begin], standing, left * sizeof(*table));
	}
	return length;
}

/* How many places of a table each member gets. */
struct shares {
	uint32_t places[GW_SET_MAX];
	uint64_t rests[GW_SET_MAX]; /* what rounding down left of each share */
	size_t order[GW_SET_MAX];
};

/*
 * Those whose share is less than one place get one all the same, at the expense of the others,
 * whose shares shrink by it: hence again until there is no more such. What is left for the others
 * goes to length and sum.
 */
static void give_the_least(const struct member *members, size_t count, struct shares *shares,
			   uint32_t *length, uint32_t *sum)
{
	bool is_settled = false;

	while (!is_settled) {
		uint32_t whole = *length, of = *sum;

		is_settled = true;
		for (size_t i = 0; i < count; i++) {
			uint64_t share = (uint64_t)members[i].weight * whole;

			if (!members[i].weight || shares->places[i] || share >= of)
				continue;
			shares->places[i] = 1;
			--*length;
			*sum -= members[i].weight;
			is_settled = false;
		}
	}
}

/* The largest rest first; of equal ones the first member. */
static int compare_rests(const void *a, const void *b, void *arg)
{
	const uint64_t *rests = ((const struct shares *)arg)->rests;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	if (rests[left] != rests[right])
		return rests[left] > rests[right] ? -1 : 1;
	return left < right ? -1 : 1;
}

/* Each member's share of the places, rounded up or down, and their sum exactly length. At most as
 * many members as places may have a weight. */
static void share_out(const struct member *members, size_t count, uint32_t sum, uint32_t length,
		      struct shares *shares)
{
	uint32_t left;
	size_t others = 0;

	memset(shares, 0, sizeof(*shares));
	give_the_least(members, count, shares, &length, &sum);
	left = length;
	for (size_t i = 0; i < count; i++) {
		uint64_t share = (uint64_t)members[i].weight * length;

		if (!members[i].weight || shares->places[i])
			continue;
		shares->places[i] = (uint32_t)(share / sum);
		shares->rests[i] = share % sum;
		shares->order[others++] = i;
		left -= shares->places[i];
	}
	qsort_r(shares->order, others, sizeof(shares->order[0]), compare_rests, shares);
	for (uint32_t i = 0; i < left; i++)
		shares->places[shares->order[i]]++;
}

/* How many of the members have a weight, and how far the first max of these reach. */
static size_t reach_of(const struct member *members, size_t count, size_t max)
{
	size_t weighted = 0, i;

	for (i = 0; i < count; i++) {
		weighted += members[i].weight > 0;
		if (weighted > max)
			break;
	}
	return i;
}

/* Round robin by weight. Weights that do not fit are brought down to the shares that they mean:
 * else the first members would take all. */
static size_t fill_hash(const struct member *members, size_t count, uint16_t *table)
{
	size_t reach = reach_of(members, count, SH_LENGTH), place = 0;
	struct weighing weighing = weigh(members, reach);
	struct shares shares;

	if (weighing.sum > SH_LENGTH)
		share_out(members, reach, weighing.sum, SH_LENGTH, &shares);
	else
		for (size_t i = 0; i < reach; i++)
			shares.places[i] = members[i].weight;
	for (size_t i = 0;; i = (i + 1) % reach) {
		for (uint32_t j = 0; j < shares.places[i]; j++) {
			table[place++] = (uint16_t)i;
			if (place == SH_LENGTH)
				return place;
		}
	}
}

/* FNV-1a over address and port: the same on every node. */
static uint64_t member_hash(const struct member *member, uint64_t seed)
{
	const uint8_t *bytes = (const uint8_t *)&member->address;
	uint64_t hash = 0xcbf29ce484222325u ^ seed;

	for (size_t i = 0; i < sizeof(member->address); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	hash = (hash ^ (member->port & 0xffu)) * 0x100000001b3u;
	hash = (hash ^ (uint64_t)(member->port >> 8)) * 0x100000001b3u;
	/* The low bits of FNV are weak; what follows takes remainders. */
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdu;
	return hash ^ hash >> 33;
}

/* The order in which a member wants the places of the table. */
struct permutation {
	size_t next;
	size_t skip;
	uint32_t taken;
};

static struct permutation permutation_of(const struct member *member)
{
	struct permutation permutation = {
		.next = member_hash(member, 0) % MH_LENGTH,
		.skip = member_hash(member, 0x9e3779b97f4a7c15u) % (MH_LENGTH - 1) + 1,
	};

	return permutation;
}

/* The first that nobody has. */
static void take_place(struct permutation *permutation, uint16_t member, uint16_t *table)
{
	while (table[permutation->next] != NOBODY)
		permutation->next = (permutation->next + permutation->skip) % MH_LENGTH;
	table[permutation->next] = member;
	permutation->taken++;
}

static uint32_t least_places(const struct shares *shares, size_t count)
{
	uint32_t least = MH_LENGTH;

	for (size_t i = 0; i < count; i++) {
		if (shares->places[i] && shares->places[i] < least)
			least = shares->places[i];
	}
	return least;
}

/* Maglev: by turns each member takes places in an order of its own. In each round it takes a part
 * of its share, so that nobody is left with what the others did not want. */
static size_t fill_maglev(const struct member *members, size_t count,
			  const struct weighing *weighing, uint16_t *table)
{
	struct permutation permutations[GW_SET_MAX];
	struct shares shares;
	uint32_t rounds;

	share_out(members, count, weighing->sum, MH_LENGTH, &shares);
	rounds = least_places(&shares, count);
	for (size_t i = 0; i < count; i++)
		permutations[i] = permutation_of(&members[i]);
	memset(table, 0xff, MH_LENGTH * sizeof(*table)); /* NOBODY */
	for (uint32_t round = 1; round <= rounds; round++) {
		for (size_t i = 0; i < count; i++) {
			uint32_t due = shares.places[i] * round / rounds;

			while (permutations[i].taken < due)
				take_place(&permutations[i], (uint16_t)i, table);
		}
	}
	return MH_LENGTH;
}

size_t policy_table_fill(enum gw_policy policy, const struct member *members, size_t count,
			 uint16_t *table)
{
	struct weighing weighing = weigh(members, count);

	if (!weighing.sum)
		return 0;
	switch (policy) {
	case GW_POLICY_WRR:
		return fill_cycle(members, count, &weighing, table);
	case GW_POLICY_RANDOM:
	case GW_POLICY_P2C:
		return weighing.are_equal ? 0 : fill_cycle(members, count, &weighing, table);
	case GW_POLICY_SH:
		return fill_hash(members, count, table);
	case GW_POLICY_MH:
		return fill_maglev(members, count, &weighing, table);
	default:
		return 0;
	}
}

enum gw_policy policy_without_table(enum gw_policy policy)
{
	switch (policy) {
	case GW_POLICY_WRR:
		return GW_POLICY_SED;
	case GW_POLICY_RANDOM:
		return GW_POLICY_P2C;
	default:
		return policy;
	}
}
