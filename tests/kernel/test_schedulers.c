// SPDX-License-Identifier: Apache-2.0
/* Policies with weights, against plain models of what IPVS computes. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/stand.h"
#include "model/policy_table.h"

#define STEPS 150
#define ROUNDS 4

/* What the test itself has opened. */
struct load {
	uint64_t active;
	uint64_t weight;
};

typedef bool (*is_less)(const struct load *a, const struct load *b);

static bool less_lc(const struct load *a, const struct load *b)
{
	return a->active < b->active;
}

static bool less_wlc(const struct load *a, const struct load *b)
{
	return a->active * b->weight < b->active * a->weight;
}

static bool less_sed(const struct load *a, const struct load *b)
{
	return (a->active + 1) * b->weight < (b->active + 1) * a->weight;
}

static bool less_nq(const struct load *a, const struct load *b)
{
	if (!a->active || !b->active)
		return !a->active && b->active;
	return less_sed(a, b);
}

static bool less_fo(const struct load *a, const struct load *b)
{
	return a->weight > b->weight;
}

/* If all are beyond their weight IPVS refuses; here the highest weight is taken. */
static bool less_ovf(const struct load *a, const struct load *b)
{
	bool a_over = a->active > a->weight, b_over = b->active > b->weight;

	return a_over == b_over ? a->weight > b->weight : b_over;
}

static const struct {
	enum gw_policy policy;
	is_less less;
} models[] = {
	{GW_POLICY_LC, less_lc}, {GW_POLICY_WLC, less_wlc}, {GW_POLICY_SED, less_sed},
	{GW_POLICY_NQ, less_nq}, {GW_POLICY_FO, less_fo},   {GW_POLICY_OVF, less_ovf},
};

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

/* At least one of them is not 0. */
static void draw_weights(uint16_t weights[STAND_BACKENDS])
{
	for (int i = 0; i < STAND_BACKENDS; i++)
		weights[i] = (uint16_t)(random() % 3 ? random() % 12 : 0);
	weights[random() % STAND_BACKENDS] = (uint16_t)(1 + random() % 12);
}

/* A Service, and the connections to it. */
struct run {
	const char *vip;
	struct load loads[STAND_BACKENDS];
	int fds[STEPS];
	int owners[STEPS];
	int open;
};

static struct run begin_run(enum gw_policy policy)
{
	struct run run = {0};
	uint16_t weights[STAND_BACKENDS];

	draw_weights(weights);
	run.vip = stand_serve(policy, weights);
	for (int i = 0; i < STAND_BACKENDS; i++)
		run.loads[i].weight = weights[i];
	return run;
}

static void expect_the_least(const struct run *run, int who, is_less less)
{
	assert_true(who >= 0);
	assert_true(run->loads[who].weight > 0);
	for (int i = 0; i < STAND_BACKENDS; i++)
		if (run->loads[i].weight)
			assert_false(less(&run->loads[i], &run->loads[who]));
}

static void open_one(struct run *run, is_less less)
{
	int who = stand_connect(&stand, run->vip, &run->fds[run->open]);

	expect_the_least(run, who, less);
	run->loads[who].active++;
	run->owners[run->open++] = who;
}

static void close_one(struct run *run, int which)
{
	lab_abort(run->fds[which]);
	lab_forgive(); /* that it ended so soon */
	run->loads[run->owners[which]].active--;
	run->open--;
	run->fds[which] = run->fds[run->open];
	run->owners[which] = run->owners[run->open];
}

static void run_against(enum gw_policy policy, is_less less)
{
	struct run run = begin_run(policy);

	for (int step = 0; step < STEPS; step++) {
		if (run.open && random() % 5 < 2)
			close_one(&run, (int)(random() % run.open));
		else
			open_one(&run, less);
	}
	while (run.open)
		close_one(&run, 0);
}

static void test_each_choice_is_the_least_by_the_model(void **state)
{
	(void)state;
	for (size_t m = 0; m < sizeof(models) / sizeof(*models); m++)
		for (int round = 0; round < ROUNDS; round++)
			run_against(models[m].policy, models[m].less);
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
		LAB_TEST(test_each_choice_is_the_least_by_the_model),
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
