// SPDX-License-Identifier: Apache-2.0
/* The set of a Service is replaced whole, under connects that never pause: none of them fails, and
 * none reaches a backend that its Service never had. */
#include "kernel/lab.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/server.h"
#include "kernel/compact.h"
#include "kernel/registry.h"

#define RUN_MS 2000
#define CLIENTS 2      /* for each Service */
#define SET 50         /* a search takes its time */
#define LEFT_ALONE 250 /* last byte of both VIPs: who answers if nobody balances */

/* Backends are 10.2.0.N, and greet with N. The sets of a Service have nothing in common. */
struct peers {
	const char *name;
	const char *vip;
	enum gw_policy policy;
	int first; /* N; the second set begins behind the first */
	bool may_be_left_alone;
};

static struct peers a = {"a", "10.96.1.250:7051", GW_POLICY_LC, 1, false};
static struct peers b = {"b", "10.96.2.250:7051", GW_POLICY_LC, 101, false};

static bool is_peer(const struct peers *peers, int greeting)
{
	if (greeting == LEFT_ALONE)
		return peers->may_be_left_alone;
	return greeting >= peers->first && greeting < peers->first + 2 * SET;
}

static void connect_without_pause(struct crew_member *me, void *arg)
{
	const struct peers *peers = me->number % 2 ? &b : &a;
	int fd, greeting;

	(void)arg;
	while (!me->stop && !me->problem[0]) {
		fd = lab_connect(peers->vip);
		greeting = fd < 0 ? fd : server_greeting(fd);
		if (greeting < 0)
			crew_problem(me, "service '%s': %s", peers->name, strerror(-greeting));
		else if (!is_peer(peers, greeting))
			crew_problem(me, "service '%s': reached 10.2.0.%d", peers->name, greeting);
		if (fd >= 0)
			lab_abort(fd);
		me->done++;
	}
}

static void write_set(const struct peers *peers, int which)
{
	char texts[SET][LAB_TEXT];
	const char *set[SET + 1];

	for (int i = 0; i < SET; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.2.0.%d:7051",
			 peers->first + which * SET + i);
		set[i] = texts[i];
	}
	set[SET] = NULL;
	lab_service(peers->name, peers->vip, peers->policy, set);
}

static void collect(void)
{
	assert_int_equal(tables_collect(lab.tables, 0), 0);
}

static void swap_sets(int round)
{
	write_set(&a, round % 2);
	write_set(&b, round % 2);
	/* Ids are used again; ranges are in any case, as there are few. */
	if (round % 64 == 0)
		collect();
}

/* What one lets go, the other one takes at once, and with it the same number of generation. */
static void swap_ranges(int round)
{
	write_set(&a, round % 2);
	collect();
	write_set(&b, round % 2);
	collect();
}

/* All are moved while they are read, and then again before the last readers may have left. */
static void move_sets(int round)
{
	write_set(&a, round % 2);
	assert_int_equal(tables_compact(lab.tables), 0);
	write_set(&b, round % 2);
	assert_int_equal(tables_compact(lab.tables), 0);
}

/* Each takes over the index, the range and the ids that the other one has just let go. */
static void swap_services(int round)
{
	const struct peers *first = round % 2 ? &a : &b, *second = round % 2 ? &b : &a;

	lab_remove_service(first->name);
	collect();
	write_set(first, round % 2);
	lab_remove_service(second->name);
	write_set(second, round % 2);
}

/* Returns how many connects there were. */
static uint64_t change_under_load(void (*change)(int round))
{
	uint64_t end, connects;
	struct crew *crew;
	int round = 0;

	write_set(&a, 0);
	write_set(&b, 0);
	crew = crew_start(2 * CLIENTS, connect_without_pause, NULL);
	end = clock_now_ms() + RUN_MS;
	while (clock_now_ms() < end)
		change(++round);
	connects = crew_stop(crew);
	print_message("# %d changes, %llu connects\n", round, (unsigned long long)connects);
	assert_in_range(connects, 100, UINT64_MAX);
	return connects;
}

static void expect_all_counted(uint64_t connects)
{
	uint64_t sum = 0;
	struct view *view = lab_view();
	const struct view_service *services;

	assert_int_equal(view_services(view, &services), 2);
	for (int i = 0; i < 2; i++) {
		uint64_t count = services[i].counters.attempts;

		counts_expect_service(services[i].name, 0,
				      &(struct gw_counters){
					      .attempts = count,
					      .established = count,
					      .closed = count,
				      });
		sum += count;
	}
	assert_int_equal(sum, connects);
	view_close(view);
}

static void test_sets_are_replaced_whole_under_load(void **state)
{
	(void)state;
	expect_all_counted(change_under_load(swap_sets));
}

static void use_one_cpu(bool only_one)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (int i = 0; i < (only_one ? 1 : CPU_SETSIZE); i++)
		CPU_SET(i, &cpus);
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

/* Here a connect can be interrupted for a whole time slice, between any two of its looks. */
static void test_sets_are_replaced_whole_on_one_cpu(void **state)
{
	uint64_t connects;

	(void)state;
	use_one_cpu(true);
	connects = change_under_load(swap_sets);
	use_one_cpu(false);
	expect_all_counted(connects);
}

static void test_ranges_that_are_used_again_at_once_are_not_mixed_up(void **state)
{
	(void)state;
	expect_all_counted(change_under_load(swap_ranges));
}

static void test_sets_are_moved_whole_under_load(void **state)
{
	(void)state;
	expect_all_counted(change_under_load(move_sets));
}

static void test_services_that_come_and_go_are_never_taken_for_one_another(void **state)
{
	(void)state;
	a.may_be_left_alone = b.may_be_left_alone = true;
	change_under_load(swap_services);
	a.may_be_left_alone = b.may_be_left_alone = false;
}

static pid_t server;

/* Limits so low that everything is used again soon. */
static int start(void **state)
{
	lab.max_services = 4;
	lab.max_backends = 512;
	lab_start(state);
	lab_run("ip route replace local 10.2.0.0/16 dev lo && "
		"ip route replace local 10.96.0.0/16 dev lo");
	server = server_start(lab_listen("0.0.0.0:7051"), SERVER_GREET);
	return 0;
}

static int stop(void **state)
{
	server_stop(server);
	return lab_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		LAB_TEST(test_sets_are_replaced_whole_under_load),
		LAB_TEST(test_sets_are_replaced_whole_on_one_cpu),
		LAB_TEST(test_ranges_that_are_used_again_at_once_are_not_mixed_up),
		LAB_TEST(test_sets_are_moved_whole_under_load),
		LAB_TEST(test_services_that_come_and_go_are_never_taken_for_one_another),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
