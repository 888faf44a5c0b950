// SPDX-License-Identifier: Apache-2.0
/* Whose failures take a peer from everybody: of those who know it, if nobody contradicts. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/clients.h"
#include "kernel/health.h"
#include "kernel/suspects.h"

#define VIP "10.96.0.10:7051"
#define PEER "10.1.0.1:7051"
#define GOOD "10.1.0.2:7051"

static const char *const alone[] = {PEER, NULL};
static const char *const both[] = {PEER, GOOD, NULL};

/* What the first two send to PEER is rejected, as by a firewall; to the third it is well. */
static int here, clients[3], listener;
#define FIRST clients[0]
#define SECOND clients[1]
#define WELL clients[2]

static void serve(const char *const *backends)
{
	lab_service("peers", VIP, GW_POLICY_RR, backends);
}

/* This client has been there before. */
static void know_it(int client)
{
	clients_be(client);
	clients_reach(VIP, alone);
}

static void be_rejected(int client)
{
	clients_be(client);
	serve(alone);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
}

static void reach(int client)
{
	clients_be(client);
	serve(alone);
	assert_int_equal(clients_touch(VIP), 0);
}

static uint64_t cookie_of_error(void)
{
	return health_of(PEER).error_client;
}

/* They never reached it, so they cannot know whether it is dead or forbidden. */
static void test_two_that_never_reached_it_eject_nobody(void **state)
{
	uint64_t before;

	(void)state;
	for (int i = 0; i < 3; i++) {
		lab_forgive();
		be_rejected(FIRST);
		be_rejected(SECOND);
	}
	assert_int_equal(health_of(PEER).accusations, 0);
	assert_int_equal(health_of(PEER).ejections, 0);
	assert_int_equal(health_state(PEER), VIEW_BACKEND_SUSPECT);
	serve(both);
	before = health_attempts(PEER);
	clients_be(WELL);
	for (int i = 0; i < 10; i++)
		assert_int_equal(clients_touch(VIP), 0);
	assert_int_equal(health_attempts(PEER), before + 5);
}

static void test_one_that_knows_it_needs_another_one(void **state)
{
	(void)state;
	know_it(FIRST);
	be_rejected(FIRST);
	be_rejected(SECOND);
	assert_int_equal(health_of(PEER).accusations, 1);
	assert_int_equal(health_of(PEER).ejections, 0);
}

static void test_two_that_know_it_take_it_from_all(void **state)
{
	struct gw_health health;

	(void)state;
	know_it(FIRST);
	know_it(SECOND);
	be_rejected(FIRST);
	health = health_of(PEER);
	assert_int_equal(health.accusations, 1);
	assert_int_equal(health.failed_client, health.error_client);
	be_rejected(SECOND);
	health = health_of(PEER);
	assert_int_equal(health.is_ejected, 1);
	assert_int_equal(health.ejections, 1);
	assert_int_equal(health.changed_client, health.error_client);
}

/* What a policy keeps two replicas from, a third client goes on using. */
static void test_a_third_client_contradicts(void **state)
{
	(void)state;
	know_it(FIRST);
	know_it(SECOND);
	for (int i = 1; i <= 3; i++) {
		lab_forgive();
		be_rejected(FIRST);
		reach(WELL);
		be_rejected(SECOND);
		reach(WELL);
		assert_int_equal(health_of(PEER).ejections, 0);
		assert_int_equal(health_of(PEER).accusations, 2 * i);
		assert_int_equal(health_of(PEER).contradictions, 2 * i);
	}
	assert_int_equal(health_of(PEER).failed_until_ns, 0);
}

/* Of a connection that had begun before, nobody knows whether it would come about now. */
static void test_one_that_began_before_contradicts_nobody(void **state)
{
	int early;

	(void)state;
	know_it(FIRST);
	know_it(SECOND);
	clients_be(WELL);
	clients_lose("10.1.0.1");
	serve(alone);
	early = lab_begin_dial(VIP);
	clients_await_repeat(early, 1);
	be_rejected(FIRST);
	clients_be(WELL);
	clients_find("10.1.0.1");
	assert_int_equal(lab_dial_error(early), 0);
	assert_int_equal(health_of(PEER).contradictions, 0);
	be_rejected(SECOND);
	assert_int_equal(health_of(PEER).ejections, 1);
	close(early);
}

static void test_what_failed_last_is_known_until_anybody_succeeds(void **state)
{
	uint64_t before_ns = clock_now_ns(), first;
	struct gw_health health;
	struct view *view;

	(void)state;
	be_rejected(FIRST);
	first = cookie_of_error();
	be_rejected(SECOND);
	health = health_of(PEER);
	assert_int_equal(health.error, ECONNREFUSED);
	assert_in_range(health.error_ns, before_ns, clock_now_ns());
	assert_int_not_equal(health.error_client, first);
	view = lab_view();
	assert_int_equal(lab_backend(view, PEER)->consecutive_failures, 2);
	view_close(view);
	reach(WELL);
	view = lab_view();
	assert_int_equal(lab_backend(view, PEER)->consecutive_failures, 0);
	view_close(view);
	assert_int_equal(health_of(PEER).error, ECONNREFUSED);
}

static void test_what_is_due_and_untried_is_returning(void **state)
{
	(void)state;
	know_it(FIRST);
	know_it(SECOND);
	be_rejected(FIRST);
	be_rejected(SECOND);
	assert_int_equal(health_state(PEER), VIEW_BACKEND_EJECTED);
	health_expire(PEER);
	assert_int_equal(health_state(PEER), VIEW_BACKEND_RETURNING);
	reach(WELL);
	assert_int_equal(health_of(PEER).returns, 1);
}

/* A trial by somebody who never reached it puts the next one off, and does not count. */
static void test_a_trial_by_one_that_never_reached_it_ejects_nobody_anew(void **state)
{
	struct gw_health health;

	(void)state;
	know_it(FIRST);
	know_it(SECOND);
	be_rejected(FIRST);
	be_rejected(SECOND);
	health_expire(PEER);
	clients_be(here);
	serve(alone);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	health = health_of(PEER);
	assert_int_equal(health.ejections, 1);
	assert_int_equal(health.doublings, 1);
	assert_int_equal(health.lease_until_ns, 0);
	assert_in_range(health.ejected_until_ns, clock_now_ns(), UINT64_MAX);
}

static int begin(void **state)
{
	lab_forgive();
	lab.settings = (struct settings){
		.eject_base_ms = 60000,
		.eject_max_ms = 300000,
		.keep_percent = 0,
	};
	here = clients_here();
	for (int i = 0; i < 3; i++)
		clients[i] = clients_make();
	clients_be(WELL);
	listener = lab_listen(PEER);
	lab_listen(GOOD);
	clients_be(here);
	return lab_begin(state);
}

static int end(void **state)
{
	(void)state;
	clients_be(here);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
	close(here);
	close(listener);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_two_that_never_reached_it_eject_nobody),
		LAB_TEST(test_one_that_knows_it_needs_another_one),
		LAB_TEST(test_two_that_know_it_take_it_from_all),
		LAB_TEST(test_a_third_client_contradicts),
		LAB_TEST(test_one_that_began_before_contradicts_nobody),
		LAB_TEST(test_what_failed_last_is_known_until_anybody_succeeds),
		LAB_TEST(test_what_is_due_and_untried_is_returning),
		LAB_TEST(test_a_trial_by_one_that_never_reached_it_ejects_nobody_anew),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
