// SPDX-License-Identifier: Apache-2.0
/* Backends that fail: ejected when two clients say so, tried by one connection, taken back. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/clients.h"
#include "kernel/crew.h"

#define VIP "10.96.0.10:7051"
#define DEAD "10.1.0.1:7051"
#define WELL "10.1.0.2:7051"

static const char *const two[] = {DEAD, WELL, NULL};

/* Both have reached both backends; where the other one is, nobody listens any more. */
static int here, other;

static void serve(void)
{
	lab_service("peers", VIP, GW_POLICY_RR, two);
}

static int start(void **state)
{
	lab_start(state);
	lab.settings = (struct settings){
		.eject_base_ms = 60000,
		.eject_max_ms = 300000,
		.keep_percent = 50,
	};
	here = clients_here();
	other = clients_make();
	clients_reach(VIP, two);
	clients_be(other);
	clients_reach(VIP, two);
	clients_be(here);
	serve();
	return 0;
}

static int stop(void **state)
{
	clients_be(here);
	close(here);
	close(other);
	return lab_stop(state);
}

static enum view_backend_state state_of(const char *backend)
{
	struct view *view = lab_view();
	enum view_backend_state state = lab_backend(view, backend)->state;

	view_close(view);
	return state;
}

static uint64_t attempts_at(const char *backend)
{
	struct view *view = lab_view();
	uint64_t attempts = lab_backend(view, backend)->counters.attempts;

	view_close(view);
	return attempts;
}

/* Connect so often that every backend has had its turn. */
static void connect_some(int times)
{
	for (int i = 0; i < times; i++) {
		int fd = lab_connect(VIP);

		if (fd >= 0)
			close(fd);
	}
}

static void let_another_client_fail(void)
{
	clients_be(other);
	connect_some(4);
	clients_be(here);
}

static void test_two_clients_that_fail_eject_a_backend(void **state)
{
	int server = lab_listen(WELL);
	uint64_t attempts;

	(void)state;
	connect_some(2);
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_SUSPECT);
	let_another_client_fail();
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_EJECTED);
	/* The one that only the other client could not reach is not. */
	assert_int_equal(state_of(WELL), VIEW_BACKEND_SUSPECT);
	attempts = attempts_at(DEAD);
	connect_some(20);
	assert_int_equal(attempts_at(DEAD), attempts);
	close(server);
}

static void fail_often(struct crew_member *me, void *arg)
{
	(void)me;
	(void)arg;
	lab_enter_namespace();
	connect_some(50);
}

static void test_one_client_that_is_cut_off_takes_nothing_from_the_others(void **state)
{
	int dead = lab_listen(DEAD), well = lab_listen(WELL);
	uint64_t before;

	(void)state;
	crew_wait(crew_start(1, fail_often, NULL));
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_SUSPECT);
	assert_int_equal(state_of(WELL), VIEW_BACKEND_SUSPECT);
	before = attempts_at(DEAD);
	connect_some(10);
	assert_int_equal(attempts_at(DEAD), before + 5);
	close(dead);
	close(well);
}

static bool is_due(void *arg)
{
	struct view *view = lab_view();
	const struct view_backend *dead = lab_backend(view, DEAD);
	bool due = dead->state == VIEW_BACKEND_RETURNING;

	(void)arg;
	view_close(view);
	return due;
}

/* Eject DEAD for a second. On a busy machine the second may be over before the other client has its
 * turn, or before that can be seen. */
static void eject_briefly(void)
{
	int tries = 0;

	lab.settings.eject_base_ms = 1000;
	serve();
	do {
		assert_in_range(++tries, 1, 20);
		lab_forgive();
		let_another_client_fail();
		connect_some(2);
	} while (state_of(DEAD) != VIEW_BACKEND_EJECTED);
}

static void test_only_one_connection_tries_an_ejected_backend(void **state)
{
	int server = lab_listen(WELL);
	uint64_t attempts;

	(void)state;
	eject_briefly();
	lab_wait(is_due, NULL, "the time of the ejection ends");
	attempts = attempts_at(DEAD);
	/* The one that tries fails, and it is ejected again, for longer. */
	connect_some(20);
	assert_int_equal(attempts_at(DEAD), attempts + 1);
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_EJECTED);
	close(server);
}

static void test_a_backend_that_answers_again_comes_back_by_and_by(void **state)
{
	int well = lab_listen(WELL), dead, first;
	uint64_t before;

	(void)state;
	eject_briefly();
	lab_forgive();
	dead = lab_listen(DEAD);
	lab_wait(is_due, NULL, "the time of the ejection ends");
	/* The slow start takes as long as is set when it begins: longer than any machine needs here. */
	lab.settings.eject_base_ms = 60000;
	serve();
	before = attempts_at(DEAD);
	first = lab_connect(VIP);
	assert_true(first >= 0);
	assert_int_equal(attempts_at(DEAD), before + 1);
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_USABLE);
	/* Slow start: not half of them at once. */
	connect_some(20);
	assert_in_range(attempts_at(DEAD), before + 1, before + 8);
	close(first);
	close(dead);
	close(well);
}

static void test_the_kept_share_is_never_ejected(void **state)
{
	uint64_t before;

	(void)state;
	/* Nobody listens anywhere: both fail for both clients. */
	connect_some(4);
	let_another_client_fail();
	before = attempts_at(WELL) + attempts_at(DEAD);
	connect_some(10);
	/* Kubernetes' word counts: they are tried, not refused without a try. */
	assert_int_equal(attempts_at(WELL) + attempts_at(DEAD), before + 10);
	assert_int_equal(lab_reason(GW_REASON_NO_BACKENDS), 0);
}

static void test_ejection_that_is_off_ejects_nobody(void **state)
{
	int server = lab_listen(WELL);

	(void)state;
	lab.settings.eject_base_ms = 0;
	serve();
	connect_some(2);
	let_another_client_fail();
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_SUSPECT);
	close(server);
}

static void test_health_needs_no_agent_and_outlives_it(void **state)
{
	int server = lab_listen(WELL);
	uint64_t attempts;

	(void)state;
	lab_close();
	connect_some(2);
	let_another_client_fail();
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_EJECTED);
	attempts = attempts_at(DEAD);
	connect_some(10);
	lab_open();
	serve();
	connect_some(10);
	assert_int_equal(state_of(DEAD), VIEW_BACKEND_EJECTED);
	assert_int_equal(attempts_at(DEAD), attempts);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		LAB_TEST(test_two_clients_that_fail_eject_a_backend),
		LAB_TEST(test_one_client_that_is_cut_off_takes_nothing_from_the_others),
		LAB_TEST(test_only_one_connection_tries_an_ejected_backend),
		LAB_TEST(test_a_backend_that_answers_again_comes_back_by_and_by),
		LAB_TEST(test_the_kept_share_is_never_ejected),
		LAB_TEST(test_ejection_that_is_off_ejects_nobody),
		LAB_TEST(test_health_needs_no_agent_and_outlives_it),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
