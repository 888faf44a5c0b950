/* SPDX-License-Identifier: Apache-2.0 */
/* Members by their weights alone, and the table that a policy fills for them. */
#ifndef GWBPF_TESTS_TABLES_H
#define GWBPF_TESTS_TABLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "model/policy_table.h"

struct tables {
	struct member members[GW_SET_MAX];
	size_t count;
	uint16_t table[GW_TABLE_MAX + 1]; /* the last one must stay as it is */
	size_t length;
	uint32_t places[GW_SET_MAX];
};

/* 10.1.0.0, 10.1.0.1, ..., port 7051 */
static inline void add_member(struct tables *t, uint16_t weight)
{
	t->members[t->count] = (struct member){
		.address = {{0, 0, htonl(0xffff), htonl(0x0a010000 + (uint32_t)t->count)}},
		.port = 7051,
		.weight = weight,
	};
	t->count++;
}

static inline void add_members(struct tables *t, size_t count, uint16_t weight)
{
	while (count-- > 0)
		add_member(t, weight);
}

/* As if its pod had gone: the members behind it move up. */
static inline void remove_member(struct tables *t, size_t which)
{
	t->count--;
	memmove(&t->members[which], &t->members[which + 1],
		(t->count - which) * sizeof(t->members[0]));
}

/* Fill, and count the places; whoever reads or writes beyond what there is fails the test. */
static inline void fill(struct tables *t, enum gw_policy policy)
{
	memset(t->table, 0xee, sizeof(t->table));
	memset(t->places, 0, sizeof(t->places));
	t->length = policy_table_fill(policy, t->members, t->count, t->table);
	assert_in_range(t->length, 0, GW_TABLE_MAX);
	assert_int_equal(t->table[GW_TABLE_MAX], 0xeeee);
	for (size_t i = 0; i < t->length; i++) {
		assert_true(t->table[i] < t->count);
		t->places[t->table[i]]++;
	}
}

static inline uint64_t sum_of_weights(const struct tables *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->count; i++)
		sum += t->members[i].weight;
	return sum;
}

/* Those with a weight are there, those without are not. */
static inline void expect_all_that_have_a_weight(const struct tables *t)
{
	for (size_t i = 0; i < t->count; i++)
		assert_int_equal(t->places[i] > 0, t->members[i].weight > 0);
}

static inline int setup(void **state)
{
	*state = calloc(1, sizeof(struct tables));
	srand(5);
	return *state ? 0 : -1;
}

static inline int teardown(void **state)
{
	free(*state);
	return 0;
}

#define TABLE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
