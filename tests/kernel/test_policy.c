// SPDX-License-Identifier: Apache-2.0
/* Which backend a connect gets while all are well: each policy keeps its word exactly. */
#include "kernel/lab.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/crew.h"

#define BACKENDS 3
#define CONNECTIONS 300

static const char *const three[] = {"10.1.0.1:7051", "10.1.0.2:7051", "10.1.0.3:7051", NULL};

/* The Service of the test, anew at another address: its backends have counted nothing so far. */
static const char *make_service(enum gw_policy policy, const char *const *backends)
{
	static char vip[LAB_TEXT];
	static int number;

	assert_int_equal(lab_begin(NULL), 0);
	snprintf(vip, sizeof(vip), "10.96.1.%d:7051", ++number);
	lab_service("peers", vip, policy, backends);
	return vip;
}

struct stand {
	int listeners[BACKENDS];
	int accepted; /* from the last one that reached us */
};

static int open_stand(void **state)
{
	static struct stand stand;
	for (int i = 0; i < BACKENDS; i++)
		stand.listeners[i] = lab_listen(three[i]);
	*state = &stand;
	return 0;
}

static int close_stand(void **state)
{
	struct stand *stand = *state;

	for (int i = 0; i < BACKENDS; i++)
		close(stand->listeners[i]);
	return 0;
}

/* Who got the connection that was just made. */
static int reached(struct stand *stand)
{
	struct pollfd ready[BACKENDS];

	for (int i = 0; i < BACKENDS; i++)
		ready[i] = (struct pollfd){.fd = stand->listeners[i], .events = POLLIN};
	assert_int_equal(poll(ready, BACKENDS, LAB_PATIENCE_MS), 1);
	for (int i = 0; i < BACKENDS; i++) {
		if (!ready[i].revents)
			continue;
		stand->accepted = accept(ready[i].fd, NULL, NULL);
		assert_true(stand->accepted >= 0);
		return i;
	}
	return -1;
}

static int connect_to(struct stand *stand, const char *vip, int *fd)
{
	*fd = lab_connect(vip);
	assert_true(*fd >= 0);
	return reached(stand);
}

/* Connect once, and leave nothing behind. */
static int touch(struct stand *stand, const char *vip)
{
	int fd, who = connect_to(stand, vip, &fd);

	lab_abort(fd);
	close(stand->accepted);
	return who;
}

static void test_connections_that_stay_are_even_with_lc(void **state)
{
	const char *vip = make_service(GW_POLICY_LC, three);
	int fds[CONNECTIONS];

	(void)state;
	for (int i = 0; i < CONNECTIONS; i++) {
		fds[i] = lab_connect(vip);
		assert_true(fds[i] >= 0);
	}
	for (int i = 0; i < BACKENDS; i++)
		counts_expect(three[i], 100, .attempts = 100, .established = 100);
	for (int i = 0; i < CONNECTIONS; i++)
		lab_abort(fds[i]);
	for (int i = 0; i < BACKENDS; i++)
		counts_expect(three[i], 0, .attempts = 100, .established = 100, .closed = 100);
}

/* One connection at a time, a hundred steps: opened or closed by lot. */
static void test_lc_always_takes_one_that_has_the_fewest(void **state)
{
	const char *vip = make_service(GW_POLICY_LC, three);
	struct stand *stand = *state;
	int counts[BACKENDS] = {0}, owner[CONNECTIONS], fds[CONNECTIONS], open = 0;
	int least, which;

	srandom(7);
	for (int step = 0; step < CONNECTIONS; step++) {
		if (open && random() % 2) {
			which = (int)(random() % open);
			lab_abort(fds[which]);
			counts[owner[which]]--;
			fds[which] = fds[--open];
			owner[which] = owner[open];
			lab_forgive(); /* that it ended so soon */
			continue;
		}
		least = counts[0] < counts[1] ? counts[0] : counts[1];
		least = least < counts[2] ? least : counts[2];
		which = connect_to(stand, vip, &fds[open]);
		assert_int_equal(counts[which], least);
		counts[which]++;
		owner[open++] = which;
		close(stand->accepted);
		lab_forgive(); /* that it hung up so soon */
	}
	while (open)
		lab_abort(fds[--open]);
}

static void test_lc_goes_round_while_counts_are_equal(void **state)
{
	const char *vip = make_service(GW_POLICY_LC, three);
	int seen[BACKENDS] = {0};

	for (int i = 0; i < 30; i++) {
		lab_forgive();
		seen[touch(*state, vip)]++;
	}
	for (int i = 0; i < BACKENDS; i++)
		assert_int_equal(seen[i], 10);
}

/* One connection that stays to each backend, which of equals come in turn. */
static void load_backends(struct stand *stand, const char *vip, int *fds)
{
	int counts[BACKENDS] = {0};

	for (int i = 0; i < BACKENDS; i++) {
		lab_forgive();
		counts[connect_to(stand, vip, &fds[i])]++;
	}
	for (int i = 0; i < BACKENDS; i++)
		assert_int_equal(counts[i], 1);
}

/* A search begins at one backend further on each time, and goes on with the first after the last. */
static void test_of_equals_lc_takes_the_first_from_where_it_begins(void **state)
{
	/* Which one has one more than the others, where the search begins, who is the first. */
	static const int first[BACKENDS][BACKENDS] = {{1, 1, 2}, {0, 2, 2}, {0, 1, 0}};
	const char *vip = make_service(GW_POLICY_LC, three);
	int fds[BACKENDS], seen[BACKENDS] = {0}, fd, fuller, start;

	load_backends(*state, vip, fds);
	for (int round = 0; round < BACKENDS; round++) {
		lab_forgive();
		fuller = start = connect_to(*state, vip, &fd);
		seen[fuller]++;
		for (int i = 0; i < 3 * BACKENDS; i++) {
			start = (start + 1) % BACKENDS;
			lab_forgive();
			assert_int_equal(touch(*state, vip), first[fuller][start]);
		}
		lab_abort(fd);
		lab_forgive();
		touch(*state, vip); /* the next round begins elsewhere */
	}
	for (int i = 0; i < BACKENDS; i++) {
		assert_int_equal(seen[i], 1);
		lab_abort(fds[i]);
	}
}

static void test_rr_takes_one_after_the_other(void **state)
{
	const char *vip = make_service(GW_POLICY_RR, three);
	int first = touch(*state, vip);

	for (int i = 1; i < CONNECTIONS; i++)
		assert_int_equal(touch(*state, vip), (first + i) % BACKENDS);
	for (int i = 0; i < BACKENDS; i++)
		counts_expect(three[i], 0, .attempts = 100, .established = 100, .closed = 100);
}

static void test_random_reaches_all_in_no_order(void **state)
{
	const char *vip = make_service(GW_POLICY_RANDOM, three);
	int seen[BACKENDS] = {0}, repeats = 0, last = -1, who;

	for (int i = 0; i < CONNECTIONS; i++) {
		who = touch(*state, vip);
		repeats += who == last;
		seen[who]++;
		last = who;
	}
	/* 100 each and 100 repeats expected; six standard deviations are 49. */
	for (int i = 0; i < BACKENDS; i++)
		assert_in_range(seen[i], 51, 149);
	assert_in_range(repeats, 51, 149);
}

#define CROWD 4
#define CROWD_CONNECTIONS 750

struct crowd {
	const char *vip;
	int linger; /* keep them open until told to stop */
};

static void connect_often(struct crew_member *me, void *arg)
{
	const struct crowd *crowd = arg;
	int fd;

	for (int i = 0; i < CROWD_CONNECTIONS; i++) {
		fd = lab_connect(crowd->vip);
		if (fd < 0)
			crew_problem(me, "connect: %s", strerror(-fd));
		if (!crowd->linger)
			lab_abort(fd);
	}
	if (crowd->linger)
		crew_rest(me);
}

static void test_rr_is_exact_with_four_processes_at_once(void **state)
{
	struct crowd crowd = {.vip = make_service(GW_POLICY_RR, three)};

	(void)state;
	crew_wait(crew_start(CROWD, connect_often, &crowd));
	for (int i = 0; i < BACKENDS; i++)
		counts_expect(three[i], 0, .attempts = 1000, .established = 1000, .closed = 1000);
}

/* Each process can be one connection behind in what it sees of the others. */
static void test_lc_is_even_with_four_processes_at_once(void **state)
{
	struct crowd crowd = {.vip = make_service(GW_POLICY_LC, three), .linger = true};
	struct crew *crew = crew_start(CROWD, connect_often, &crowd);

	(void)state;
	crew_await_rest(crew);
	for (int i = 0; i < BACKENDS; i++)
		assert_in_range(counts_active(three[i]), 1000 - CROWD, 1000 + CROWD);
	crew_stop(crew);
}

#define MANY 1000

/* All addresses of 10.2.0.0/16 are this host's. */
static const char **many_backends(void)
{
	static char texts[MANY][LAB_TEXT];
	static const char *many[MANY + 1];

	lab_run("ip route replace local 10.2.0.0/16 dev lo");
	for (int i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.2.%d.%d:7052", i / 250, i % 250 + 1);
		many[i] = texts[i];
	}
	return many;
}

static void expect_active(const char *const *backends, uint32_t active)
{
	struct view *view = lab_view();

	for (int i = 0; backends[i]; i++)
		assert_int_equal(lab_backend(view, backends[i])->active, active);
	view_close(view);
}

static void expect_one_was_established(const char *const *backends)
{
	struct view *view = lab_view();

	for (int i = 0; backends[i]; i++)
		assert_int_equal(lab_backend(view, backends[i])->counters.established, 1);
	view_close(view);
}

static void connect_all(const char *vip, int fds[MANY])
{
	for (int i = 0; i < MANY; i++) {
		fds[i] = lab_connect(vip);
		assert_true(fds[i] >= 0);
	}
}

static void test_rr_and_lc_spread_over_a_thousand_backends(void **state)
{
	static const enum gw_policy policies[] = {GW_POLICY_LC, GW_POLICY_RR};
	int listener = lab_listen("0.0.0.0:7052"), fds[MANY];
	const char **many = many_backends();

	(void)state;
	for (size_t p = 0; p < sizeof(policies) / sizeof(*policies); p++) {
		connect_all(make_service(policies[p], many), fds);
		expect_active(many, 1);
		for (int i = 0; i < MANY; i++)
			lab_abort(fds[i]);
		expect_active(many, 0);
		expect_one_was_established(many);
	}
	close(listener);
}

/* The search must get round all of them, wherever it begins. */
static void test_lc_finds_the_one_of_a_thousand_that_has_fewer(void **state)
{
	int listener = lab_listen("0.0.0.0:7052"), fds[MANY];
	const char **many = many_backends();
	const char *vip = make_service(GW_POLICY_LC, many);

	(void)state;
	connect_all(vip, fds);
	for (int i = 0; i < MANY; i += 90) {
		lab_abort(fds[i]);
		lab_forgive();
		fds[i] = lab_connect(vip);
	}
	expect_active(many, 1);
	for (int i = 0; i < MANY; i++)
		lab_abort(fds[i]);
	close(listener);
}

/* A thousand times in a thousand, 632 are reached at least once; 80 are over six deviations. */
static void test_random_draws_from_a_thousand_backends(void **state)
{
	const char *vip = make_service(GW_POLICY_RANDOM, (const char *const *)many_backends());
	int listener = lab_listen("0.0.0.0:7052"), reached_once = 0, fd;
	const struct view_backend *backends;
	struct view *view;
	size_t count;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		fd = lab_connect(vip);
		assert_true(fd >= 0);
		lab_abort(fd);
	}
	view = lab_view();
	count = view_backends(view, &backends);
	for (size_t i = 0; i < count; i++)
		reached_once += backends[i].counters.established > 0;
	assert_in_range(reached_once, 632 - 80, 632 + 80);
	view_close(view);
	close(listener);
}

/* Nodes, and Services of one node, must not all fall upon the same peer first: the chance that 16
 * draws of three agree is 1 in 14 million. */
static void test_services_do_not_all_begin_with_the_same_backend(void **state)
{
	static const enum gw_policy policies[] = {GW_POLICY_LC, GW_POLICY_RR};
	int others;

	for (size_t p = 0; p < sizeof(policies) / sizeof(*policies); p++) {
		int first = touch(*state, make_service(policies[p], three));

		others = 0;
		for (int i = 0; i < 16; i++)
			others += touch(*state, make_service(policies[p], three)) != first;
		assert_true(others);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)
		LAB_TEST(test_connections_that_stay_are_even_with_lc),
		LAB_TEST(test_lc_always_takes_one_that_has_the_fewest),
		LAB_TEST(test_lc_goes_round_while_counts_are_equal),
		LAB_TEST(test_of_equals_lc_takes_the_first_from_where_it_begins),
		LAB_TEST(test_rr_takes_one_after_the_other),
		LAB_TEST(test_random_reaches_all_in_no_order),
		LAB_TEST(test_rr_is_exact_with_four_processes_at_once),
		LAB_TEST(test_lc_is_even_with_four_processes_at_once),
		LAB_TEST(test_rr_and_lc_spread_over_a_thousand_backends),
		LAB_TEST(test_lc_finds_the_one_of_a_thousand_that_has_fewer),
		LAB_TEST(test_random_draws_from_a_thousand_backends),
		LAB_TEST(test_services_do_not_all_begin_with_the_same_backend),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
