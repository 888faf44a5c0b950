// SPDX-License-Identifier: Apache-2.0
/* The table of mh: exact shares, and few clients that move when the members change. */
#include "unit/tables.h"

#define LENGTH 4093
#define CLIENTS 1000

static bool is_prime(size_t number)
{
	for (size_t i = 2; i * i <= number; i++)
		if (number % i == 0)
			return false;
	return number > 1;
}

static void test_the_length_is_one_prime_for_any_number_of_members(void **state)
{
	static const size_t counts[] = {1, 2, 3, 4, 16, 17, 64, 65, 256, 999, GW_SET_MAX};
	struct tables *t = *state;

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		t->count = 0;
		add_members(t, counts[c], 1);
		fill(t, GW_POLICY_MH);
		assert_int_equal(t->length, LENGTH);
	}
	assert_true(is_prime(LENGTH));
}

/* Of every member, by less than one place. */
static void expect_exact_shares(const struct tables *t)
{
	double sum = (double)sum_of_weights(t);

	for (size_t i = 0; i < t->count; i++) {
		double wanted = t->members[i].weight * (double)LENGTH / sum;

		assert_true(t->places[i] > wanted - 1 && t->places[i] < wanted + 1);
	}
}

static void test_shares_are_within_one_place_of_the_weights(void **state)
{
	struct tables *t = *state;

	for (int round = 0; round < 100; round++) {
		t->count = 0;
		for (int i = rand() % 100; i >= 0; i--)
			add_member(t, (uint16_t)(40000 + rand() % 25536));
		fill(t, GW_POLICY_MH);
		expect_exact_shares(t);
	}
	t->count = 0;
	add_members(t, GW_SET_MAX, 1);
	fill(t, GW_POLICY_MH);
	expect_exact_shares(t);
}

/* 1023.25 and 3069.75; then twice 2046.5. */
static void test_what_rounding_leaves_goes_to_the_nearest(void **state)
{
	struct tables *t = *state;

	add_member(t, 1);
	add_member(t, 3);
	fill(t, GW_POLICY_MH);
	assert_int_equal(t->places[0], 1023);
	assert_int_equal(t->places[1], 3070);
	t->members[0].weight = 3;
	fill(t, GW_POLICY_MH);
	assert_int_equal(t->places[0], 2047);
	assert_int_equal(t->places[1], 2046);
}

/* One that is due less than a place gets one; then the others share what is left. */
static void test_the_lightest_have_a_place_at_the_expense_of_the_rest(void **state)
{
	struct tables *t = *state;

	add_member(t, 65535);
	add_members(t, GW_SET_MAX - 2, 1);
	add_member(t, 65535);
	fill(t, GW_POLICY_MH);
	for (size_t i = 1; i < GW_SET_MAX - 1; i++)
		assert_int_equal(t->places[i], 1);
	assert_int_equal(t->places[0] + t->places[GW_SET_MAX - 1], LENGTH - (GW_SET_MAX - 2));
	assert_in_range(t->places[0] - t->places[GW_SET_MAX - 1], 0, 1);
}

static void test_the_table_is_the_same_each_time(void **state)
{
	struct tables *t = *state;
	uint16_t first[LENGTH];

	add_members(t, 10, 3);
	add_members(t, 10, 5);
	fill(t, GW_POLICY_MH);
	memcpy(first, t->table, sizeof(first));
	fill(t, GW_POLICY_MH);
	assert_memory_equal(t->table, first, sizeof(first));
}

/* A client's place; any even spread will do. */
static size_t place_of(uint64_t client)
{
	client *= 0x9e3779b97f4a7c15u;
	client ^= client >> 32;
	return client % LENGTH;
}

/* Who has each client, by address; 0 is nobody's. */
static void find_owners(struct tables *t, uint32_t owners[CLIENTS])
{
	fill(t, GW_POLICY_MH);
	for (uint64_t client = 0; client < CLIENTS; client++)
		owners[client] = t->members[t->table[place_of(client)]].address.word[3];
}

/* How many of the clients that need not move do so when this member goes. */
static size_t count_moved(struct tables *t, size_t which)
{
	uint32_t before[CLIENTS], after[CLIENTS];
	uint32_t gone = t->members[which].address.word[3];
	size_t moved = 0;

	find_owners(t, before);
	remove_member(t, which);
	find_owners(t, after);
	for (size_t i = 0; i < CLIENTS; i++) {
		assert_true(after[i] != gone);
		moved += before[i] != gone && before[i] != after[i];
	}
	return moved;
}

static void expect_moved(struct tables *t, size_t count, uint16_t weight, size_t most)
{
	for (int round = 0; round < 10; round++) {
		t->count = 0;
		add_members(t, count, weight);
		assert_in_range(count_moved(t, (size_t)rand() % count), 0, most);
	}
}

/* Of a thousand; measured are 9 of 4 at most, 30 of 17, 43 of 100. A hash by remainder would move
 * nearly all. */
static void test_few_clients_move_when_a_member_goes(void **state)
{
	expect_moved(*state, 3, 1, 15);
	expect_moved(*state, 4, 1, 15);
	expect_moved(*state, 10, 7, 40);
	expect_moved(*state, 17, 1, 40);
	expect_moved(*state, 100, 1, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_the_length_is_one_prime_for_any_number_of_members),
		TABLE_TEST(test_shares_are_within_one_place_of_the_weights),
		TABLE_TEST(test_what_rounding_leaves_goes_to_the_nearest),
		TABLE_TEST(test_the_lightest_have_a_place_at_the_expense_of_the_rest),
		TABLE_TEST(test_the_table_is_the_same_each_time),
		TABLE_TEST(test_few_clients_move_when_a_member_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
