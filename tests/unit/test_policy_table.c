// SPDX-License-Identifier: Apache-2.0
/* The tables of wrr, random, p2c and sh, against what IPVS computes. */
#include "unit/tables.h"

static const enum gw_policy with_table[] = {GW_POLICY_WRR, GW_POLICY_RANDOM, GW_POLICY_P2C,
					    GW_POLICY_SH, GW_POLICY_MH};

static uint32_t common_divisor(const struct tables *t)
{
	uint32_t divisor = 65535;

	while (divisor > 1) {
		bool divides = true;

		for (size_t i = 0; i < t->count; i++)
			divides = divides && t->members[i].weight % divisor == 0;
		if (divides)
			break;
		divisor--;
	}
	return divisor;
}

static int highest_weight(const struct tables *t)
{
	int highest = 0;

	for (size_t i = 0; i < t->count; i++)
		if (t->members[i].weight > highest)
			highest = t->members[i].weight;
	return highest;
}

/* ip_vs_wrr_schedule(), from where it begins: the next after `last` that weighs `current` or more;
 * behind the end `current` falls by the divisor, and at 0 begins anew. */
struct ipvs_wrr {
	int divisor;
	int max;
	int current;
	int last;
};

static struct ipvs_wrr ipvs_wrr_begin(const struct tables *t)
{
	int divisor = (int)common_divisor(t);
	int max = highest_weight(t) - (divisor - 1);

	return (struct ipvs_wrr){divisor, max, max, -1};
}

static int ipvs_wrr_next(struct ipvs_wrr *wrr, const struct tables *t)
{
	for (;;) {
		while (++wrr->last < (int)t->count)
			if (t->members[wrr->last].weight >= wrr->current)
				return wrr->last;
		wrr->last = -1;
		wrr->current -= wrr->divisor;
		if (wrr->current <= 0)
			wrr->current = wrr->max;
	}
}

static void expect_wrr_of_ipvs(struct tables *t)
{
	struct ipvs_wrr wrr = ipvs_wrr_begin(t);
	uint64_t turns = sum_of_weights(t) / (uint64_t)wrr.divisor;

	fill(t, GW_POLICY_WRR);
	assert_int_equal(t->length, turns);
	for (size_t i = 0; i < 2 * t->length; i++)
		assert_int_equal(t->table[i % t->length], ipvs_wrr_next(&wrr, t));
	for (size_t i = 0; i < t->count; i++)
		assert_int_equal(t->places[i] * (uint32_t)wrr.divisor, t->members[i].weight);
}

static void test_wrr_is_one_cycle_in_the_order_of_ipvs(void **state)
{
	static const uint16_t cases[][5] = {
		{1, 1, 1}, {3, 2, 1},      {1, 2, 3},    {4, 2},          {6, 4, 2},
		{5, 0, 3}, {0, 7, 0, 7},   {1, 1, 4090}, {65535},         {65535, 65535},
		{9, 9, 1}, {65534, 32767}, {0, 0, 1},    {4, 3, 2, 1, 1},
	};
	struct tables *t = *state;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		t->count = 0;
		for (size_t i = 0; i < 5; i++)
			add_member(t, cases[c][i]);
		expect_wrr_of_ipvs(t);
	}
}

static void test_wrr_of_random_weights_is_that_of_ipvs(void **state)
{
	struct tables *t = *state;

	for (int round = 0; round < 300; round++) {
		int scale = 1 + rand() % 9;

		t->count = 0;
		for (int i = rand() % 20; i >= 0; i--)
			add_member(t, (uint16_t)(rand() % 12 * scale));
		if (sum_of_weights(t))
			expect_wrr_of_ipvs(t);
	}
}

static void test_random_and_p2c_draw_from_the_cycle_of_wrr(void **state)
{
	static const enum gw_policy policies[] = {GW_POLICY_RANDOM, GW_POLICY_P2C};
	struct tables *t = *state;
	uint16_t cycle[GW_TABLE_MAX];
	size_t length;

	add_members(t, 3, 2);
	add_member(t, 5);
	add_member(t, 0);
	fill(t, GW_POLICY_WRR);
	length = t->length;
	memcpy(cycle, t->table, sizeof(cycle));
	for (size_t p = 0; p < 2; p++) {
		fill(t, policies[p]);
		assert_int_equal(t->length, length);
		assert_memory_equal(t->table, cycle, length * sizeof(cycle[0]));
	}
}

static void test_random_and_p2c_need_no_table_where_all_weigh_the_same(void **state)
{
	struct tables *t = *state;

	add_members(t, 7, 3);
	fill(t, GW_POLICY_RANDOM);
	assert_int_equal(t->length, 0);
	fill(t, GW_POLICY_P2C);
	assert_int_equal(t->length, 0);
}

/* Without a table one of weight 0 would be drawn, and its neighbour get its share. */
static void test_random_and_p2c_need_a_table_where_one_is_drained(void **state)
{
	struct tables *t = *state;

	for (size_t drained = 0; drained < 3; drained++) {
		t->count = 0;
		add_members(t, 3, 3);
		t->members[drained].weight = 0;
		fill(t, GW_POLICY_RANDOM);
		assert_int_equal(t->length, 2);
		expect_all_that_have_a_weight(t);
		fill(t, GW_POLICY_P2C);
		assert_int_equal(t->length, 2);
		expect_all_that_have_a_weight(t);
	}
}

static void test_a_cycle_that_is_too_long_keeps_everybody(void **state)
{
	struct tables *t = *state;

	add_member(t, 1);
	add_member(t, 65535);
	fill(t, GW_POLICY_WRR);
	assert_int_equal(t->places[0], 1);
	assert_in_range(t->length, 3800, GW_TABLE_MAX);

	t->count = 0;
	add_members(t, GW_SET_MAX - 1, 1);
	add_member(t, 65535);
	fill(t, GW_POLICY_WRR);
	expect_all_that_have_a_weight(t);
	assert_in_range(t->places[GW_SET_MAX - 1], 2900, GW_TABLE_MAX);
}

static void test_a_shortened_cycle_is_near_to_the_weights(void **state)
{
	struct tables *t = *state;

	for (int round = 0; round < 50; round++) {
		uint64_t sum;

		t->count = 0;
		for (int i = 0; i < 8; i++)
			add_member(t, (uint16_t)(20000 + rand() % 45536));
		fill(t, GW_POLICY_WRR);
		sum = sum_of_weights(t);
		/* Each turn stands for at least sum / 4096; so much is a turn rounded up. */
		for (size_t i = 0; i < t->count; i++) {
			double wanted = (double)t->members[i].weight * (double)t->length /
					(double)sum;

			assert_true(t->places[i] > wanted - 1.1 && t->places[i] < wanted + 1.1);
		}
	}
}

static void test_any_weights_of_any_number_fit_and_lose_nobody(void **state)
{
	static const enum gw_policy policies[] = {GW_POLICY_WRR, GW_POLICY_MH};
	struct tables *t = *state;

	for (int round = 0; round < 60; round++) {
		int limit = 2 << rand() % 16;

		t->count = 0;
		for (int i = rand() % GW_SET_MAX; i >= 0; i--)
			add_member(t, (uint16_t)(rand() % limit));
		add_member(t, 65535);
		t->count = t->count > GW_SET_MAX ? GW_SET_MAX : t->count;
		for (size_t p = 0; p < 2; p++) {
			fill(t, policies[p]);
			if (sum_of_weights(t))
				expect_all_that_have_a_weight(t);
		}
	}
}

/* ip_vs_sh_reassign(), without those of weight 0, which IPVS puts in and does not use. */
static void expect_sh_of_ipvs(struct tables *t)
{
	uint32_t had = 0;
	size_t at = 0;

	fill(t, GW_POLICY_SH);
	assert_int_equal(t->length, 256);
	for (size_t place = 0; place < 256; place++) {
		while (had >= t->members[at].weight) {
			at = (at + 1) % t->count;
			had = 0;
		}
		assert_int_equal(t->table[place], at);
		had++;
	}
}

static void test_sh_is_filled_round_robin_by_weight(void **state)
{
	struct tables *t = *state;

	for (int round = 0; round < 300; round++) {
		t->count = 0;
		for (int i = rand() % 20; i >= 0; i--)
			add_member(t, (uint16_t)(rand() % 13));
		if (sum_of_weights(t))
			expect_sh_of_ipvs(t);
	}
	t->count = 0;
	add_members(t, 256, 1);
	expect_sh_of_ipvs(t);
}

/* With the rule of IPVS the first member would have all places, or the last one none. */
static void test_sh_of_large_weights_gives_everybody_its_share(void **state)
{
	struct tables *t = *state;

	add_member(t, 65535);
	add_member(t, 1);
	fill(t, GW_POLICY_SH);
	assert_int_equal(t->places[0], 255);
	assert_int_equal(t->places[1], 1);

	t->count = 0;
	add_members(t, 3, 100);
	fill(t, GW_POLICY_SH);
	assert_int_equal(t->length, 256);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(t->places[i], 85, 86);
}

static void test_sh_beyond_256_members_uses_256(void **state)
{
	struct tables *t = *state;

	add_member(t, 0);
	add_members(t, GW_SET_MAX - 1, 100);
	fill(t, GW_POLICY_SH);
	assert_int_equal(t->length, 256);
	for (size_t i = 0; i < GW_SET_MAX; i++)
		assert_int_equal(t->places[i], i >= 1 && i <= 256);
}

static void test_members_without_weight_are_in_no_table(void **state)
{
	struct tables *t = *state;

	add_members(t, 2, 0);
	add_members(t, 3, 7);
	add_member(t, 0);
	for (size_t p = 0; p < sizeof(with_table) / sizeof(with_table[0]); p++) {
		fill(t, with_table[p]);
		assert_true(t->length > 0);
		expect_all_that_have_a_weight(t);
	}
}

static void test_without_any_weight_there_is_no_table(void **state)
{
	static const size_t counts[] = {0, 1, 3, GW_SET_MAX};
	struct tables *t = *state;

	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		t->count = 0;
		add_members(t, counts[c], 0);
		for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
			fill(t, (enum gw_policy)policy);
			assert_int_equal(t->length, 0);
		}
	}
}

static void test_policies_that_only_scan_need_no_table(void **state)
{
	static const enum gw_policy scanning[] = {GW_POLICY_LC,  GW_POLICY_RR, GW_POLICY_WLC,
						  GW_POLICY_SED, GW_POLICY_NQ, GW_POLICY_FO,
						  GW_POLICY_OVF};
	struct tables *t = *state;

	add_member(t, 3);
	add_member(t, 1);
	for (size_t p = 0; p < sizeof(scanning) / sizeof(scanning[0]); p++) {
		fill(t, scanning[p]);
		assert_int_equal(t->length, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TABLE_TEST(test_wrr_is_one_cycle_in_the_order_of_ipvs),
		TABLE_TEST(test_wrr_of_random_weights_is_that_of_ipvs),
		TABLE_TEST(test_random_and_p2c_draw_from_the_cycle_of_wrr),
		TABLE_TEST(test_random_and_p2c_need_no_table_where_all_weigh_the_same),
		TABLE_TEST(test_random_and_p2c_need_a_table_where_one_is_drained),
		TABLE_TEST(test_a_cycle_that_is_too_long_keeps_everybody),
		TABLE_TEST(test_a_shortened_cycle_is_near_to_the_weights),
		TABLE_TEST(test_any_weights_of_any_number_fit_and_lose_nobody),
		TABLE_TEST(test_sh_is_filled_round_robin_by_weight),
		TABLE_TEST(test_sh_of_large_weights_gives_everybody_its_share),
		TABLE_TEST(test_sh_beyond_256_members_uses_256),
		TABLE_TEST(test_members_without_weight_are_in_no_table),
		TABLE_TEST(test_without_any_weight_there_is_no_table),
		TABLE_TEST(test_policies_that_only_scan_need_no_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
