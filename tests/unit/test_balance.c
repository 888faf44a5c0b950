// SPDX-License-Identifier: Apache-2.0
/*
 * How many connections leave a backend, and where they go; and a simulation of many nodes that
 * decide alone, from counts that are late, lost or lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/balance.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The same numbers in every run. */
static double next_random(void *arg)
{
	uint64_t *state = arg;

	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(*state >> 11) / (double)(1ull << 53);
}

static double always_low(void *arg)
{
	(void)arg;
	return 0;
}

static double always_high(void *arg)
{
	(void)arg;
	return 0.999999;
}

/* A backend all of whose connections are this node's. */
static struct balance_backend own(uint32_t active)
{
	return (struct balance_backend){.active = active,
					.own = active,
					.weight = 1,
					.receives = true};
}

static void test_even_backends_are_left_alone(void **state)
{
	static const uint32_t even[][3] = {{4, 4, 4}, {0, 0, 0}, {1, 0, 0}, {5, 4, 4}, {1, 1, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(even); i++) {
		struct balance_backend backends[] = {own(even[i][0]), own(even[i][1]),
						     own(even[i][2])};

		assert_int_equal(balance_decide(backends, 3, always_low, NULL), 0);
	}
}

/* Even with the worst of chances: nobody else can move any of it. */
static void test_a_node_alone_moves_the_whole_surplus(void **state)
{
	struct balance_backend backends[] = {own(12), own(12), own(0)};

	(void)state;
	assert_int_equal(balance_decide(backends, 3, always_low, NULL), 8);
	assert_int_equal(backends[0].leave, 4);
	assert_int_equal(backends[1].leave, 4);
	assert_int_equal(backends[2].leave, 0);
	backends[0] = own(5);
	backends[1] = own(4);
	backends[2] = own(3);
	assert_int_equal(balance_decide(backends, 3, always_low, NULL), 1);
}

static void test_the_more_others_have_the_nearer_to_half_of_its_share(void **state)
{
	struct balance_backend backends[] = {own(40), own(0)};

	(void)state;
	backends[0].own = 20; /* 20 too many, half of which are ours: 10 x 5/8 */
	assert_int_equal(balance_decide(backends, 2, always_low, NULL), 6);
	assert_int_equal(balance_decide(backends, 2, always_high, NULL), 7);
	backends[0].own = 4; /* 2 x 101/200 */
	assert_int_equal(balance_decide(backends, 2, always_low, NULL), 1);
	assert_int_equal(balance_decide(backends, 2, always_high, NULL), 2);
	backends[0].own = 0;
	assert_int_equal(balance_decide(backends, 2, always_high, NULL), 0);
}

static void test_an_empty_backend_gets_some_though_nobody_has_too_many(void **state)
{
	struct balance_backend backends[] = {own(4), own(4), own(4), own(4), own(0)};

	(void)state;
	assert_int_equal(balance_decide(backends, 5, always_low, NULL), 3);
	assert_int_equal(balance_decide(backends, 5, always_high, NULL), 3);
	assert_int_equal(backends[4].leave, 0);
	assert_int_equal(balance_destination(backends, 5, always_high, NULL), 4);
}

static void test_weights_are_shares(void **state)
{
	struct balance_backend backends[] = {own(9), own(3)};

	(void)state;
	backends[0].weight = 3;
	assert_int_equal(balance_decide(backends, 2, always_low, NULL), 0);
	backends[0].weight = 1;
	assert_int_equal(balance_decide(backends, 2, always_low, NULL), 3);
	backends[0].weight = 0; /* a drain empties it, not this */
	assert_int_equal(balance_decide(backends, 2, always_low, NULL), 0);
}

static void test_nothing_leaves_where_nobody_takes_it(void **state)
{
	struct balance_backend backends[] = {own(12), own(0)};

	(void)state;
	backends[0].receives = backends[1].receives = false;
	assert_int_equal(balance_decide(backends, 2, always_low, NULL), 0);
	assert_int_equal(balance_destination(backends, 2, always_low, NULL), 2);
	backends[0].receives = true;
	assert_int_equal(balance_decide(backends, 2, always_low, NULL), 0);
}

static void test_destinations_are_drawn_by_what_is_missing(void **state)
{
	struct balance_backend backends[] = {own(10), own(2), own(0)}; /* 0, 2 and 4 are missing */
	uint64_t seed = 1;
	int drawn[3] = {0};

	(void)state;
	for (int i = 0; i < 3000; i++)
		drawn[balance_destination(backends, 3, next_random, &seed)]++;
	assert_int_equal(drawn[0], 0);
	assert_in_range(drawn[1], 850, 1150);
	assert_in_range(drawn[2], 1850, 2150);
}

/* --- the simulation ---------------------------------------------------------------------- */

#define NODES_MAX 100
#define BACKENDS_MAX 16
#define SEEDS 200  /* how long one run takes is chance; the mean of so many is not */
#define HISTORY 11 /* seconds of counts that are remembered */

struct world {
	size_t nodes, backends;
	unsigned int lateness_s; /* of the counts */
	double lost;             /* how often a node hears nothing for one round */
	int liar;                /* a backend whose count is told as 0; -1: none */
	uint32_t open[NODES_MAX][BACKENDS_MAX];
	uint32_t told[HISTORY][BACKENDS_MAX];
	unsigned int now_s;
	unsigned int moves;
	uint64_t seed;
};

static uint32_t active_of(const struct world *world, size_t backend)
{
	uint32_t sum = 0;

	for (size_t node = 0; node < world->nodes; node++)
		sum += world->open[node][backend];
	return sum;
}

static void tell_counts(struct world *world)
{
	for (size_t i = 0; i < world->backends; i++)
		world->told[world->now_s % HISTORY][i] =
			(int)i == world->liar ? 0 : active_of(world, i);
}

/* What a node sees: counts of some seconds ago, but no fewer than it has open itself. */
static void see(const struct world *world, size_t node, struct balance_backend *backends)
{
	unsigned int then_s = world->now_s > world->lateness_s ? world->now_s - world->lateness_s
							       : 0;

	for (size_t i = 0; i < world->backends; i++) {
		uint32_t told = world->told[then_s % HISTORY][i], mine = world->open[node][i];

		backends[i] = (struct balance_backend){
			.active = told < mine ? mine : told,
			.own = mine,
			.weight = 1,
			.receives = true,
		};
	}
}

static void act(struct world *world, size_t node)
{
	struct balance_backend backends[BACKENDS_MAX];

	see(world, node, backends);
	balance_decide(backends, world->backends, next_random, &world->seed);
	for (size_t from = 0; from < world->backends; from++) {
		for (; backends[from].leave; backends[from].leave--) {
			size_t to = balance_destination(backends, world->backends, next_random,
							&world->seed);

			if (to == world->backends)
				return;
			backends[from].active--;
			backends[to].active++;
			world->open[node][from]--;
			world->open[node][to]++;
			world->moves++;
		}
	}
}

/* Each node decides once in two lifetimes of the counts, and no two at the same moment. */
static void run(struct world *world, unsigned int seconds)
{
	unsigned int period_s = world->lateness_s ? 2 * world->lateness_s : 2;

	for (unsigned int end_s = world->now_s + seconds; world->now_s < end_s; world->now_s++) {
		tell_counts(world);
		for (size_t node = 0; node < world->nodes; node++)
			if ((world->now_s + node) % period_s == 0 &&
			    next_random(&world->seed) >= world->lost)
				act(world, node);
	}
}

static unsigned int surplus_now(const struct world *world)
{
	uint32_t sum = 0, mean;
	unsigned int all = 0;

	for (size_t i = 0; i < world->backends; i++)
		sum += active_of(world, i);
	mean = sum / (uint32_t)world->backends;
	for (size_t i = 0; i < world->backends; i++)
		all += active_of(world, i) > mean ? active_of(world, i) - mean : 0;
	return all;
}

/* After a rolling restart: nobody is at the last backend, and chance decided about the others. */
static void begin(struct world *world, unsigned int clients_per_node)
{
	for (size_t node = 0; node < world->nodes; node++)
		for (unsigned int i = 0; i < clients_per_node; i++)
			world->open[node][(size_t)(next_random(&world->seed) *
						   (double)(world->backends - 1))]++;
}

static bool is_even(const struct world *world)
{
	uint32_t least = UINT32_MAX, most = 0;

	for (size_t i = 0; i < world->backends; i++) {
		uint32_t active = active_of(world, i);

		least = active < least ? active : least;
		most = active > most ? active : most;
	}
	return most - least <= 1;
}

struct scene {
	size_t nodes, backends;
	unsigned int clients; /* of each node */
	unsigned int lateness_s;
	double lost;
	unsigned int mean_s, longest_s; /* until all are even: of all runs, of the worst */
};

/* Run until the backends have been even for as long as an old count can still mislead a node. */
static unsigned int run_until_even(struct world *world)
{
	unsigned int even_s = 0;

	for (unsigned int calm_s = 0; calm_s < 3 * world->lateness_s + 3 && world->now_s < 900;) {
		run(world, 1);
		calm_s = is_even(world) ? calm_s + 1 : 0;
		if (!calm_s)
			even_s = world->now_s;
	}
	return even_s;
}

static struct world world_of(const struct scene *scene, uint64_t seed)
{
	struct world world = {
		.nodes = scene->nodes,
		.backends = scene->backends,
		.lateness_s = scene->lateness_s,
		.lost = scene->lost,
		.liar = -1,
		.seed = seed,
	};

	begin(&world, scene->clients);
	return world;
}

/* What all runs of one scene came to. */
struct outcome {
	unsigned int surplus, moves, moves_afterwards, even_s, longest_s;
};

static struct outcome play(const struct scene *scene)
{
	struct outcome outcome = {0};

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world world = world_of(scene, seed);
		unsigned int even_s;

		outcome.surplus += surplus_now(&world);
		even_s = run_until_even(&world);
		outcome.even_s += even_s;
		outcome.longest_s = even_s > outcome.longest_s ? even_s : outcome.longest_s;
		outcome.moves += world.moves;
		run(&world, 300);
		outcome.moves_afterwards += world.moves;
	}
	outcome.moves_afterwards -= outcome.moves;
	return outcome;
}

/* The seconds are the simulation's own: the same in every run. */
static void test_many_nodes_become_even_and_stay_so(void **state)
{
	static const struct scene scenes[] = {
		{1, 3, 12, 0, 0, 0, 0},      {1, 5, 16, 0, 0, 0, 0},
		{2, 3, 12, 1, 0, 9, 60},     {10, 3, 12, 1, 0, 17, 80},
		{50, 4, 2, 1, 0, 18, 80},    {100, 4, 2, 2, 0, 34, 150},
		{20, 4, 10, 5, 0, 90, 300},  {100, 10, 10, 10, 0, 220, 600},
		{20, 4, 10, 1, 0.3, 26, 80}, {100, 16, 4, 2, 0.5, 80, 200},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(scenes); i++) {
		struct outcome outcome = play(&scenes[i]);

		print_message("# %zu nodes, %zu backends, counts %u s old: even after %.1f s, %u s "
			      "at most, %.2f moves for each surplus connection\n",
			      scenes[i].nodes, scenes[i].backends, scenes[i].lateness_s,
			      (double)outcome.even_s / SEEDS, outcome.longest_s,
			      (double)outcome.moves / outcome.surplus);
		assert_true(outcome.even_s <= scenes[i].mean_s * SEEDS);
		assert_in_range(outcome.longest_s, 0, scenes[i].longest_s);
		assert_true(outcome.moves * 10 <= outcome.surplus * 12);
		assert_int_equal(outcome.moves_afterwards, 0);
	}
}

/* It draws connections to itself, but the others stay even, and nobody is moved twice for it. */
static void test_a_backend_that_tells_too_little_harms_no_other(void **state)
{
	static const struct scene scenes[] = {{10, 4, 12, 1, 0, 0, 0},
					      {50, 4, 2, 1, 0, 0, 0},
					      {100, 10, 10, 2, 0, 0, 0}};

	(void)state;
	for (size_t i = 0; i < COUNT(scenes); i++) {
		struct world world = world_of(&scenes[i], 1);
		uint32_t least = UINT32_MAX, most = 0;

		world.liar = 0;
		run(&world, 300);
		for (size_t b = 1; b < world.backends; b++) {
			uint32_t active = active_of(&world, b);

			least = active < least ? active : least;
			most = active > most ? active : most;
		}
		assert_in_range(most - least, 0, 2 + most / 4);
		assert_in_range(world.moves, 1, scenes[i].nodes * scenes[i].clients);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_even_backends_are_left_alone),
		cmocka_unit_test(test_a_node_alone_moves_the_whole_surplus),
		cmocka_unit_test(test_the_more_others_have_the_nearer_to_half_of_its_share),
		cmocka_unit_test(test_an_empty_backend_gets_some_though_nobody_has_too_many),
		cmocka_unit_test(test_weights_are_shares),
		cmocka_unit_test(test_nothing_leaves_where_nobody_takes_it),
		cmocka_unit_test(test_destinations_are_drawn_by_what_is_missing),
		cmocka_unit_test(test_many_nodes_become_even_and_stay_so),
		cmocka_unit_test(test_a_backend_that_tells_too_little_harms_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
