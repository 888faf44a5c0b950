// SPDX-License-Identifier: Apache-2.0
/* How an ejected peer comes back: who tries it, how often, and what it gets afterwards. */
#include "kernel/lab.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/clients.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/health.h"

#define VIP "10.96.0.10:7051"
#define BAD_IP "10.1.0.1"
#define BAD "10.1.0.1:7051"
#define GOOD "10.1.0.2:7051"
#define BASE_MS 10000
#define MAX_MS 50000

static const char *const bad_and_good[] = {BAD, GOOD, NULL};

/* To the last one BAD is well; nobody listens there for the others. */
static int clients[3], good[3], bad;
#define FIRST clients[0]
#define SECOND clients[1]
#define WELL clients[2]

static void serve(enum gw_policy policy, const char *const *backends)
{
	lab_service("peers", VIP, policy, backends);
}

/* As this client, connect to this backend alone. */
static void fail_at(int client, const char *backend)
{
	const char *const alone[] = {backend, NULL};

	clients_be(client);
	serve(GW_POLICY_RR, alone);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
}

/* Two that know the backend fail there. */
static void fail_twice_at(const char *backend)
{
	const char *const alone[] = {backend, NULL};

	for (int i = 0; i < 2; i++) {
		clients_be(clients[i]);
		clients_reach(VIP, alone);
	}
	fail_at(FIRST, backend);
	fail_at(SECOND, backend);
}

/* Of its attempts two are those that reached it, and two those that failed. */
#define EJECTED_ATTEMPTS 4

static void eject(const char *backend)
{
	fail_twice_at(backend);
	assert_true(health_of(backend).is_ejected);
	lab_forgive();
}

static void eject_bad(void)
{
	eject(BAD);
	serve(GW_POLICY_RR, bad_and_good);
}

/* How many of this many connects this client has sent to the backend. */
static uint64_t share(int client, const char *backend, int connects)
{
	uint64_t before = health_attempts(backend);

	clients_be(client);
	for (int i = 0; i < connects; i++)
		clients_touch(VIP);
	return health_attempts(backend) - before;
}

/* BAD is due, and this client tries it in vain. */
static void probe_in_vain(int client)
{
	lab_forgive();
	health_expire(BAD);
	assert_int_equal(share(client, BAD, 10), 1);
}

static void recover(void)
{
	health_expire(BAD);
	clients_be(WELL);
	assert_int_equal(clients_touch(VIP), 0);
	assert_false(health_of(BAD).is_ejected);
}

/* Returns for how long it was away, at most. */
static uint64_t let_it_go_and_come_back(unsigned int away_us)
{
	static const char *const good_alone[] = {GOOD, NULL};
	uint64_t before_ms = clock_now_ms();

	serve(GW_POLICY_RR, good_alone);
	usleep(away_us);
	serve(GW_POLICY_RR, bad_and_good);
	return clock_now_ms() - before_ms;
}

/* It is away for so short a time that it has only moved. On a busy machine a moment may be longer. */
static void let_it_move(void)
{
	for (int tries = 0; let_it_go_and_come_back(0) >= 1000; tries++) {
		assert_in_range(tries, 0, 9);
		eject_bad();
	}
}

/* One that became ready again is not what it was. */
static void test_an_endpoint_that_went_and_came_back_starts_clean(void **state)
{
	struct gw_health before, health;

	(void)state;
	eject_bad();
	let_it_move();
	assert_true(health_of(BAD).is_ejected);
	before = health_of(BAD);
	let_it_go_and_come_back(1100000);
	health = health_of(BAD);
	assert_false(health.is_ejected);
	assert_int_equal(health.doublings, 0);
	assert_int_equal(health.failures, 0);
	assert_true(health.changed_ns > before.changed_ns);
	assert_int_equal(health.ejections, before.ejections);
	assert_int_equal(health.accusations, before.accusations);
	assert_int_equal(health.error, ECONNREFUSED);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_USABLE);
	eject_bad();
	assert_int_equal(health_ejected_ms(BAD), BASE_MS);
}

static void test_an_accusation_ends_with_the_endpoint(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		static const char *const alone[] = {BAD, NULL};

		clients_be(clients[i]);
		clients_reach(VIP, alone);
	}
	fail_at(FIRST, BAD);
	let_it_go_and_come_back(1100000);
	assert_int_equal(health_of(BAD).failed_until_ns, 0);
	fail_at(SECOND, BAD);
	assert_int_equal(health_of(BAD).ejections, 0);
}

static void connect_often(struct crew_member *me, void *arg)
{
	(void)arg;
	for (int i = 0; i < 20; i++) {
		int fd = lab_connect(VIP);

		me->done += fd >= 0;
		if (fd >= 0)
			lab_abort(fd);
	}
}

/* The probe hangs, so that all the others meet the lease. */
static void test_one_of_many_at_once_tries_it(void **state)
{
	(void)state;
	eject_bad();
	clients_be(FIRST);
	clients_lose(BAD_IP);
	health_expire(BAD);
	assert_int_equal(crew_wait(crew_start(8, connect_often, NULL)), 8 * 20 - 1);
	assert_int_equal(health_attempts(BAD), EJECTED_ATTEMPTS + 1);
}

static void test_of_several_each_is_tried_once_and_nobody_is_refused(void **state)
{
	static const char *const all[] = {
		"10.1.0.1:7051",
		"10.1.0.3:7051",
		"10.1.0.4:7051",
		"10.1.0.5:7051",
		"10.1.0.6:7051",
		"10.1.0.7:7051",
		GOOD,
		NULL,
	};

	(void)state;
	lab.settings.keep_percent = 0;
	for (int i = 0; i < 6; i++)
		eject(all[i]);
	serve(GW_POLICY_RR, all);
	for (int i = 0; i < 6; i++)
		health_expire(all[i]);
	clients_be(FIRST);
	assert_int_equal(crew_wait(crew_start(8, connect_often, NULL)), 8 * 20 - 6);
	for (int i = 0; i < 6; i++)
		assert_int_equal(health_attempts(all[i]), EJECTED_ATTEMPTS + 1);
	assert_int_equal(lab_reason(GW_REASON_OVERTAKEN), 0);
}

static void test_a_lease_ends_after_5_s(void **state)
{
	uint64_t before_ns;
	int fd;

	(void)state;
	lab.settings.connect_timeout_ms = 0;
	eject_bad();
	clients_be(FIRST);
	clients_lose(BAD_IP);
	health_expire(BAD);
	before_ns = clock_now_ns();
	fd = lab_begin_dial(VIP);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_PROBING);
	assert_in_range(health_of(BAD).lease_until_ns, before_ns + 5000000000u,
			clock_now_ns() + 5000000000u);
	assert_int_equal(share(WELL, BAD, 4), 0);
	health_expire(BAD);
	assert_int_equal(share(WELL, BAD, 1), 1);
	assert_false(health_of(BAD).is_ejected);
	close(fd);
}

/* A client that gives up a trial at once, and comes again and again, would keep all others off. */
static void expect_free_for_others(int hog)
{
	assert_int_equal(health_of(BAD).lease_until_ns, 0);
	assert_int_equal(share(hog, BAD, 4), 0);
	assert_int_equal(share(WELL, BAD, 1), 1);
	assert_false(health_of(BAD).is_ejected);
}

/* BAD is due, also where one before it came to nothing: the next connect tries it. */
static int begin_trial(void)
{
	lab_forgive();
	health_expire(BAD);
	return lab_begin_dial(VIP);
}

static void cancel_trial(void)
{
	close(begin_trial());
}

static void test_a_trial_that_is_canceled_gives_the_lease_back(void **state)
{
	(void)state;
	eject_bad();
	clients_be(FIRST);
	clients_lose(BAD_IP);
	counts_cancel(BAD, cancel_trial);
	expect_free_for_others(FIRST);
}

static void test_a_trial_that_is_never_sent_gives_the_lease_back(void **state)
{
	int fd;

	(void)state;
	eject_bad();
	clients_be(FIRST);
	lab_run("ip link set bottom down");
	health_expire(BAD);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "bottom", 7), 0);
	assert_int_equal(lab_dial(fd, VIP), -ENETUNREACH);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_PROBING);
	close(fd);
	expect_free_for_others(FIRST);
}

/* The socket connects elsewhere before anything has come of it. */
static int begun_anew = -1;

static void begin_trial_anew_elsewhere(void)
{
	close(begun_anew);
	begun_anew = begin_trial();
	lab_disconnect(begun_anew);
	assert_int_equal(lab_dial(begun_anew, VIP), -EINPROGRESS);
}

static void test_a_trial_that_is_begun_anew_elsewhere_gives_the_lease_back(void **state)
{
	(void)state;
	eject_bad();
	clients_be(FIRST);
	clients_lose(BAD_IP);
	counts_cancel(BAD, begin_trial_anew_elsewhere);
	expect_free_for_others(FIRST);
	close(begun_anew);
	begun_anew = -1;
}

/* Each time it is another client that finds it dead. */
static void test_the_time_doubles_up_to_the_longest(void **state)
{
	static const uint64_t times_ms[] = {2 * BASE_MS, 4 * BASE_MS, MAX_MS, MAX_MS};

	(void)state;
	eject_bad();
	assert_int_equal(health_ejected_ms(BAD), BASE_MS);
	for (size_t i = 0; i < sizeof(times_ms) / sizeof(*times_ms); i++) {
		probe_in_vain(clients[i % 2]);
		assert_int_equal(health_ejected_ms(BAD), times_ms[i]);
	}
}

static void test_what_was_is_forgotten_after_the_longest_time_in_health(void **state)
{
	static const struct {
		uint64_t age_ms, ejected_ms;
	} relapses[] = {
		{MAX_MS - 20000, 2 * BASE_MS},
		{MAX_MS + 1000, BASE_MS},
	};

	(void)state;
	eject_bad();
	for (size_t i = 0; i < sizeof(relapses) / sizeof(*relapses); i++) {
		recover();
		health_age(BAD, relapses[i].age_ms);
		eject_bad();
		assert_int_equal(health_ejected_ms(BAD), relapses[i].ejected_ms);
	}
}

/* It is cut off: the peer is well, and it is the only one to whom it is not. */
static void test_one_client_alone_cannot_keep_it_ejected(void **state)
{
	struct gw_health before;

	(void)state;
	eject_bad();
	probe_in_vain(FIRST);
	before = health_of(BAD);
	probe_in_vain(FIRST);
	assert_int_equal(health_of(BAD).changed_ns, before.changed_ns);
	assert_int_equal(health_of(BAD).ejections, before.ejections);
	/* Any other client may try it now. */
	assert_int_equal(share(WELL, BAD, 1), 1);
	assert_false(health_of(BAD).is_ejected);
}

static void test_a_client_that_suspects_it_does_not_try_it(void **state)
{
	(void)state;
	fail_twice_at(BAD);
	serve(GW_POLICY_RR, bad_and_good);
	health_expire(BAD);
	assert_int_equal(share(FIRST, BAD, 4), 0);
	assert_int_equal(share(WELL, BAD, 1), 1);
}

/* An agent that has been away for 16 s, and may be for 300. */
static void be_without_agent(void)
{
	struct gw_meta *meta = tables_meta(lab.tables);

	meta->heartbeat_ns = clock_now_ns() - 16000000000ull;
	meta->stale_after_ns = 300000000000ull;
}

static void test_without_an_agent_it_is_tried_only_beside_one_that_is_well(void **state)
{
	static const char *const alone[] = {BAD, NULL};
	uint64_t before = lab_reason(GW_REASON_NO_AGENT);

	(void)state;
	eject_bad();
	health_expire(BAD);
	serve(GW_POLICY_RR, alone);
	be_without_agent();
	assert_int_equal(share(WELL, BAD, 3), 0);
	assert_int_equal(lab_reason(GW_REASON_NO_AGENT), before + 3);
	serve(GW_POLICY_RR, bad_and_good);
	assert_int_equal(share(WELL, BAD, 1), 1);
	assert_false(health_of(BAD).is_ejected);
	tables_meta(lab.tables)->stale_after_ns = 0;
}

static const char *const four[] = {BAD, GOOD, "10.1.0.3:7051", "10.1.0.4:7051", NULL};

static void eject_of_four(const char *backend)
{
	eject(backend);
	serve(GW_POLICY_RR, four);
}

static void test_fewer_than_the_kept_share_are_never_left(void **state)
{
	(void)state;
	eject_of_four(BAD);
	eject_of_four("10.1.0.3:7051");
	assert_int_equal(share(FIRST, BAD, 8), 0);
	eject_of_four("10.1.0.4:7051");
	/* All are used: each of those that fail once, as this client suspects it then. */
	assert_int_equal(share(FIRST, GOOD, 8), 8 - 3);
}

static void test_those_that_stay_ejected_are_passed_over_when_enough_are_back(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		if (i != 1)
			eject_of_four(four[i]);
	share(WELL, BAD, 4);
	assert_false(health_of(BAD).is_ejected);
	lab_forgive();
	health_calm("peers");
	health_age(BAD, lab.settings.eject_base_ms);
	assert_int_equal(share(WELL, BAD, 8), 4);
	assert_int_equal(share(WELL, GOOD, 8), 4);
}

static void test_after_the_first_time_it_has_its_whole_share_again(void **state)
{
	(void)state;
	eject_bad();
	recover();
	assert_in_range(share(WELL, BAD, 10), 0, 4);
	health_age(BAD, BASE_MS);
	assert_int_equal(share(WELL, BAD, 10), 5);
}

/* Less than a half of the first time has passed: of its turns it gets less than a half. */
static void test_its_share_grows_for_the_whole_first_time_however_long_that_is(void **state)
{
	uint64_t attempts = 0;

	(void)state;
	lab.settings.eject_base_ms = 10000;
	lab.settings.eject_max_ms = 300000;
	eject_bad();
	recover();
	/* As the time goes on, however long a part of them takes. */
	for (int part = 0; part < 4; part++) {
		health_age(BAD, 4500);
		attempts += share(WELL, BAD, 100);
	}
	assert_in_range(attempts, 80, 160);
}

static int begin(void **state)
{
	lab_forgive();
	lab_begin(state);
	lab.settings = (struct settings){
		.connect_timeout_ms = 500,
		.eject_base_ms = BASE_MS,
		.eject_max_ms = MAX_MS,
		.keep_percent = 50,
	};
	for (size_t i = 0; i < 3; i++) {
		clients[i] = clients_make();
		clients_be(clients[i]);
		good[i] = lab_listen(GOOD);
	}
	bad = lab_listen(BAD);
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		close(good[i]);
		close(clients[i]);
	}
	close(bad);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_one_of_many_at_once_tries_it),
		LAB_TEST(test_of_several_each_is_tried_once_and_nobody_is_refused),
		LAB_TEST(test_an_endpoint_that_went_and_came_back_starts_clean),
		LAB_TEST(test_an_accusation_ends_with_the_endpoint),
		LAB_TEST(test_a_lease_ends_after_5_s),
		LAB_TEST(test_a_trial_that_is_canceled_gives_the_lease_back),
		LAB_TEST(test_a_trial_that_is_never_sent_gives_the_lease_back),
		LAB_TEST(test_a_trial_that_is_begun_anew_elsewhere_gives_the_lease_back),
		LAB_TEST(test_the_time_doubles_up_to_the_longest),
		LAB_TEST(test_what_was_is_forgotten_after_the_longest_time_in_health),
		LAB_TEST(test_one_client_alone_cannot_keep_it_ejected),
		LAB_TEST(test_a_client_that_suspects_it_does_not_try_it),
		LAB_TEST(test_without_an_agent_it_is_tried_only_beside_one_that_is_well),
		LAB_TEST(test_fewer_than_the_kept_share_are_never_left),
		LAB_TEST(test_those_that_stay_ejected_are_passed_over_when_enough_are_back),
		LAB_TEST(test_after_the_first_time_it_has_its_whole_share_again),
		LAB_TEST(test_its_share_grows_for_the_whole_first_time_however_long_that_is),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
