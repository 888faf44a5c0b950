// SPDX-License-Identifier: Apache-2.0
/* Policies with weights: cycles, shares and hashes as IPVS has them. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/stand.h"
#include "model/policy_table.h"

static struct stand stand;

static int open_stand(void **state)
{
	(void)state;
	srandom(3);
	stand_open(&stand);
	return 0;
}

static int close_stand(void **state)
{
	(void)state;
	stand_close(&stand);
	return 0;
}

/* Which table wrr walks, by the same members. */
static size_t cycle_of(const uint16_t weights[STAND_BACKENDS], uint16_t table[GW_TABLE_MAX])
{
	struct member members[STAND_BACKENDS] = {0};

	for (int i = 0; i < STAND_BACKENDS; i++)
		members[i].weight = weights[i];
	return policy_table_fill(GW_POLICY_WRR, members, STAND_BACKENDS, table);
}

static bool is_walk(const uint16_t *table, size_t length, size_t offset, const int *seen)
{
	for (size_t i = 0; i < 2 * length; i++)
		if (seen[i] != table[(offset + i) % length])
			return false;
	return true;
}

static void test_wrr_walks_the_cycle_of_ipvs(void **state)
{
	const uint16_t weights[] = {5, 3, 0, 2, 1};
	uint16_t table[GW_TABLE_MAX];
	size_t length = cycle_of(weights, table), matches = 0;
	const char *vip = stand_serve(GW_POLICY_WRR, weights);
	int seen[64];

	(void)state;
	assert_int_equal(length, 11);
	for (size_t i = 0; i < 2 * length; i++)
		seen[i] = stand_touch(&stand, vip);
	for (size_t offset = 0; offset < length; offset++)
		matches += is_walk(table, length, offset, seen);
	assert_int_equal(matches, 1);
}

#define CROWD 4
#define CYCLES 50

static void connect_often(struct crew_member *me, void *arg)
{
	for (int i = 0; i < CYCLES * 11; i++) {
		int fd = lab_connect(arg);

		if (fd < 0)
			crew_problem(me, "connect: %s", strerror(-fd));
		else
			lab_abort(fd);
	}
}

static void test_wrr_is_exact_with_four_processes_at_once(void **state)
{
	const uint16_t weights[] = {5, 3, 0, 2, 1};
	const char *vip = stand_serve(GW_POLICY_WRR, weights);

	(void)state;
	crew_wait(crew_start(CROWD, connect_often, (void *)vip));
	for (int i = 0; i < STAND_BACKENDS; i++) {
		uint64_t wanted = (uint64_t)weights[i] * CYCLES * CROWD;

		counts_expect(stand_addresses[i], 0, .attempts = wanted, .established = wanted,
			      .closed = wanted);
	}
}

static void count_touches(const char *vip, int touches, int seen[STAND_BACKENDS])
{
	memset(seen, 0, STAND_BACKENDS * sizeof(*seen));
	while (touches-- > 0)
		seen[stand_touch(&stand, vip)]++;
}

/* 450 and 150 expected of 600; six standard deviations are 64. */
static void test_random_draws_by_weight(void **state)
{
	const uint16_t weights[] = {3, 0, 0, 1, 0};
	int seen[STAND_BACKENDS];

	(void)state;
	count_touches(stand_serve(GW_POLICY_RANDOM, weights), 600, seen);
	assert_in_range(seen[0], 450 - 64, 450 + 64);
	assert_int_equal(seen[0] + seen[3], 600);
}

/* 150 each; the neighbour would have 240. */
static void test_the_neighbour_of_a_drained_one_gets_no_more_by_random(void **state)
{
	const uint16_t weights[] = {1, 0, 1, 1, 1};
	int seen[STAND_BACKENDS];

	(void)state;
	count_touches(stand_serve(GW_POLICY_RANDOM, weights), 600, seen);
	for (int i = 0; i < STAND_BACKENDS; i++)
		assert_in_range(seen[i], weights[i] ? 150 - 64 : 0, weights[i] ? 150 + 64 : 0);
}

/* The second backend refuses; whoever gets what would have gone there. */
static void count_around_a_failing_one(enum gw_policy policy, const uint16_t weights[], int seen[])
{
	const char *vip = stand_serve(policy, weights);
	int failures = 0, fd;

	close(stand.listeners[1]);
	while (!failures) {
		failures = stand_connect(&stand, vip, &fd) < 0;
		if (!failures)
			lab_abort(fd);
	}
	count_touches(vip, 600, seen);
	stand.listeners[1] = lab_listen(stand_addresses[1]);
}

static void test_the_neighbour_of_a_failing_one_gets_no_more_by_random(void **state)
{
	const uint16_t weights[] = {1, 1, 1, 1, 1};
	int seen[STAND_BACKENDS];

	(void)state;
	count_around_a_failing_one(GW_POLICY_RANDOM, weights, seen);
	assert_int_equal(seen[1], 0);
	for (int i = 0; i < STAND_BACKENDS; i++)
		assert_in_range(seen[i], i == 1 ? 0 : 150 - 64, 150 + 64);
}

/* A turn that it would have is skipped, and the next one counts. */
static void test_the_neighbour_of_a_failing_one_gets_its_own_share_by_wrr(void **state)
{
	const uint16_t weights[] = {2, 2, 2, 2, 0};
	int seen[STAND_BACKENDS];

	(void)state;
	count_around_a_failing_one(GW_POLICY_WRR, weights, seen);
	for (int i = 0; i < STAND_BACKENDS; i++)
		assert_int_equal(seen[i], i == 1 || !weights[i] ? 0 : 200);
}

static void test_rr_passes_a_drained_one_over(void **state)
{
	const uint16_t weights[] = {1, 0, 1, 7, 1};
	int seen[STAND_BACKENDS];

	(void)state;
	count_touches(stand_serve(GW_POLICY_RR, weights), 80, seen);
	for (int i = 0; i < STAND_BACKENDS; i++)
		assert_int_equal(seen[i], weights[i] ? 20 : 0);
}

/* Two draws keep the loads close to the weights: 300 and 100 of 400 that stay. */
static void test_p2c_follows_load_and_weight(void **state)
{
	const uint16_t weights[] = {3, 0, 1, 0, 0};
	const char *vip = stand_serve(GW_POLICY_P2C, weights);
	int seen[STAND_BACKENDS] = {0}, fds[400];

	(void)state;
	for (int i = 0; i < 400; i++) {
		int who = stand_connect(&stand, vip, &fds[i]);

		assert_true(who >= 0);
		seen[who]++;
	}
	assert_in_range(seen[0], 280, 320);
	assert_int_equal(seen[0] + seen[2], 400);
	for (int i = 0; i < 400; i++)
		lab_abort(fds[i]);
}

static void test_weight_zero_is_never_chosen(void **state)
{
	int seen[STAND_BACKENDS];

	(void)state;
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		uint16_t weights[STAND_BACKENDS] = {2, 2, 2, 2, 2};

		for (int i = 0; i < 3; i++)
			weights[(policy + 2 * i) % STAND_BACKENDS] = 0;
		count_touches(stand_serve((enum gw_policy)policy, weights), 40, seen);
		for (int i = 0; i < STAND_BACKENDS; i++)
			if (!weights[i])
				assert_int_equal(seen[i], 0);
	}
}

static void test_without_any_weight_clients_are_refused(void **state)
{
	static const uint16_t none[STAND_BACKENDS], one[STAND_BACKENDS] = {0, 0, 1, 0, 0};
	int fd;

	(void)state;
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		const char *vip = stand_serve((enum gw_policy)policy, none);

		assert_int_equal(stand_connect(&stand, vip, &fd), -1);
		assert_int_equal(fd, -ECONNREFUSED);
		stand_change(vip, (enum gw_policy)policy, one);
		assert_int_equal(stand_touch(&stand, vip), 2);
	}
}

#define CLIENTS 12
#define TRIES 6

struct hashed {
	const char *vip;
	int owners[CLIENTS];
};

/* A client of its own, with backends of its own behind the same addresses. */
static void connect_as_another(struct crew_member *me, void *arg)
{
	struct hashed *hashed = arg;
	struct stand mine;

	lab_enter_namespace();
	stand_open(&mine);
	hashed->owners[me->number] = stand_touch(&mine, hashed->vip);
	for (int i = 0; i < TRIES; i++)
		if (stand_touch(&mine, hashed->vip) != hashed->owners[me->number])
			crew_problem(me, "client %u was sent to another backend", me->number);
}

/* That all of 12 come to the same of three: 1 in 177,000. */
static void expect_one_backend_for_each_client(enum gw_policy policy)
{
	const uint16_t weights[] = {1, 0, 1, 0, 1};
	struct hashed *hashed = crew_memory(sizeof(*hashed));
	bool are_different = false;

	hashed->vip = stand_serve(policy, weights);
	crew_wait(crew_start(CLIENTS, connect_as_another, hashed));
	for (int i = 0; i < CLIENTS; i++) {
		assert_true(weights[hashed->owners[i]] > 0);
		are_different = are_different || hashed->owners[i] != hashed->owners[0];
	}
	assert_true(are_different);
}

static void test_sh_and_mh_send_a_client_always_to_the_same(void **state)
{
	(void)state;
	expect_one_backend_for_each_client(GW_POLICY_SH);
	expect_one_backend_for_each_client(GW_POLICY_MH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)
		LAB_TEST(test_wrr_walks_the_cycle_of_ipvs),
		LAB_TEST(test_wrr_is_exact_with_four_processes_at_once),
		LAB_TEST(test_random_draws_by_weight),
		LAB_TEST(test_the_neighbour_of_a_drained_one_gets_no_more_by_random),
		LAB_TEST(test_the_neighbour_of_a_failing_one_gets_no_more_by_random),
		LAB_TEST(test_the_neighbour_of_a_failing_one_gets_its_own_share_by_wrr),
		LAB_TEST(test_rr_passes_a_drained_one_over),
		LAB_TEST(test_p2c_follows_load_and_weight),
		LAB_TEST(test_weight_zero_is_never_chosen),
		LAB_TEST(test_without_any_weight_clients_are_refused),
		LAB_TEST(test_sh_and_mh_send_a_client_always_to_the_same),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
