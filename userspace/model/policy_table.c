// SPDX-License-Identifier: Apache-2.0
#include "model/policy_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SH_LENGTH 256
#define MH_SHARE 64 /* places of the Maglev table for each member, where they fit */

static uint32_t greatest_common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

struct weighing {
	uint32_t divisor;
	uint32_t max;
	uint64_t sum;
	bool are_equal; /* all that are not 0 */
};

static struct weighing look_at_weights(const struct member *members, size_t count)
{
	struct weighing weights = {.are_equal = true};

	for (size_t i = 0; i < count; i++) {
		uint32_t weight = members[i].weight;

		if (!weight)
			continue;
		if (weights.max && weight != weights.max)
			weights.are_equal = false;
		weights.divisor = greatest_common_divisor(weight, weights.divisor);
		if (weight > weights.max)
			weights.max = weight;
		weights.sum += weight;
	}
	return weights;
}

/*
 * One cycle: at each level, from the highest weight down by the greatest common divisor, come those
 * that weigh as much (ip_vs_wrr.c). A cycle that is too long is shortened: its shares are then
 * those of weights divided and rounded up.
 */
static size_t fill_cycle(const struct member *members, size_t count, uint16_t *table)
{
	struct weighing weights = look_at_weights(members, count);
	uint32_t step = weights.divisor;
	size_t length;

	if (!weights.sum)
		return 0;
	do {
		length = 0;
		for (uint32_t level = weights.max; level && length <= GW_TABLE_MAX;
		     level = level > step ? level - step : 0) {
			for (size_t i = 0; i < count; i++) {
				if (members[i].weight < level || !members[i].weight)
					continue;
				if (length < GW_TABLE_MAX)
					table[length] = (uint16_t)i;
				length++;
			}
		}
		step *= 2;
	} while (length > GW_TABLE_MAX);
	return length;
}

/* Round robin by weight (ip_vs_sh.c). */
static size_t fill_hash(const struct member *members, size_t count, uint16_t *table)
{
	size_t place = 0;

	if (!look_at_weights(members, count).sum)
		return 0;
	for (;;) {
		for (size_t i = 0; i < count; i++) {
			for (uint32_t j = 0; j < members[i].weight; j++) {
				table[place++] = (uint16_t)i;
				if (place == SH_LENGTH)
					return place;
			}
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

static size_t mh_length(size_t count)
{
	static const size_t primes[] = {251, 509, 1021, 2039, 4093};
	size_t i = 0;

	while (i < sizeof(primes) / sizeof(*primes) - 1 && primes[i] < count * MH_SHARE)
		i++;
	return primes[i];
}

struct permutation {
	size_t next;
	size_t skip;
	uint32_t turns; /* in each round: its weight by the common divisor */
};

/* The next place in this member's own order that nobody has. */
static void take_place(struct permutation *permutation, uint16_t member, uint16_t *table,
		       size_t length)
{
	while (table[permutation->next] != UINT16_MAX)
		permutation->next = (permutation->next + permutation->skip) % length;
	table[permutation->next] = member;
}

/* Maglev: each member takes places in an order of its own, by turns (ip_vs_mh.c). */
static size_t fill_maglev(const struct member *members, size_t count, uint16_t *table)
{
	struct weighing weights = look_at_weights(members, count);
	struct permutation permutations[GW_SET_MAX];
	size_t length = mh_length(count), taken = 0;

	if (!weights.sum)
		return 0;
	for (size_t i = 0; i < count; i++)
		permutations[i] = (struct permutation){
			.next = member_hash(&members[i], 0) % length,
			.skip = member_hash(&members[i], 0x9e3779b97f4a7c15u) % (length - 1) + 1,
			.turns = members[i].weight / weights.divisor,
		};
	memset(table, 0xff, length * sizeof(*table));
	for (;;) {
		for (size_t i = 0; i < count; i++) {
			for (uint32_t j = 0; j < permutations[i].turns; j++) {
				take_place(&permutations[i], (uint16_t)i, table, length);
				if (++taken == length)
					return length;
			}
		}
	}
}

size_t policy_table_fill(enum gw_policy policy, const struct member *members, size_t count,
			 uint16_t *table)
{
	bool are_equal = look_at_weights(members, count).are_equal;

	switch (policy) {
	case GW_POLICY_WRR:
		return fill_cycle(members, count, table);
	case GW_POLICY_RANDOM:
	case GW_POLICY_P2C:
		return are_equal ? 0 : fill_cycle(members, count, table);
	case GW_POLICY_SH:
		return fill_hash(members, count, table);
	case GW_POLICY_MH:
		return fill_maglev(members, count, table);
	default:
		return 0;
	}
}
