// SPDX-License-Identifier: Apache-2.0
/* What looks like a failing peer, and is none: nobody is kept from it. */
#include "kernel/lab.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/clients.h"
#include "kernel/counts.h"
#include "kernel/health.h"
#include "kernel/slow.h"
#include "kernel/suspects.h"

#define VIP "10.96.0.10:7051"
#define ODD_IP "10.1.0.1"
#define ODD "10.1.0.1:7051"
#define GOOD "10.1.0.2:7051"
#define CONNECT_MS 60000 /* longer than any machine needs until what is lost is found */

/* Each finds listeners at ODD and GOOD, its own. */
static int clients[3], odd[3], good[3];
#define FIRST clients[0]
#define SECOND clients[1]
#define THIRD clients[2]

static void serve(const char *backend)
{
	const char *const backends[] = {backend, GOOD, NULL};

	lab_service("peers", VIP, GW_POLICY_RR, backends);
}

/* As this client, begin a connect that gets to this backend, and see it repeat its SYN. */
static int begin_in_vain(int client, const char *backend)
{
	struct gw_suspect suspect;
	int fd;

	clients_be(client);
	lab_serve_by(VIP, backend);
	fd = lab_begin_dial(VIP);
	clients_await_repeat(fd, 1);
	assert_true(suspects_find(backend, &suspect));
	serve(backend);
	return fd;
}

/* Two clients have been kept waiting, and got through after all: nothing is left of it. */
static void expect_forgiven(int fds[2], const char *backend)
{
	struct gw_suspect suspect;
	uint64_t before;

	for (int i = 0; i < 2; i++)
		assert_int_equal(lab_dial_error(fds[i]), 0);
	assert_false(suspects_find(backend, &suspect));
	assert_int_equal(health_of(backend).ejections, 0);
	assert_int_equal(health_of(backend).failed_until_ns, 0);
	before = health_attempts(backend);
	for (int i = 0; i < 4; i++)
		assert_int_equal(clients_touch(VIP), 0);
	assert_int_equal(health_attempts(backend), before + 2);
	close(fds[0]);
	close(fds[1]);
}

static void test_a_lost_syn_ejects_nobody(void **state)
{
	int fds[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		clients_be(clients[i]);
		clients_lose(ODD_IP);
		fds[i] = begin_in_vain(clients[i], ODD);
	}
	for (int i = 0; i < 2; i++) {
		clients_be(clients[i]);
		clients_find(ODD_IP);
	}
	expect_forgiven(fds, ODD);
}

/* With a backlog of 0 one connection waits to be accepted; SYNs for more are dropped. */
static void test_a_full_accept_queue_ejects_nobody(void **state)
{
	int fds[2], waiting[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		clients_be(clients[i]);
		assert_int_equal(listen(odd[i], 0), 0);
		waiting[i] = lab_connect(ODD);
		fds[i] = begin_in_vain(clients[i], ODD);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(listen(odd[i], 4096), 0);
		close(waiting[i]);
	}
	expect_forgiven(fds, ODD);
}

/* So slow that there is time enough to look at what is suspected meanwhile. */
static void test_a_slow_road_ejects_nobody(void **state)
{
	int fds[2], listeners[2];
	pid_t roads[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		clients_be(clients[i]);
		slow_open(&roads[i], &listeners[i]);
		kill(roads[i], SIGSTOP);
		fds[i] = begin_in_vain(clients[i], SLOW_BACKEND);
	}
	for (int i = 0; i < 2; i++)
		kill(roads[i], SIGCONT);
	expect_forgiven(fds, SLOW_BACKEND);
	for (int i = 0; i < 2; i++) {
		slow_close(roads[i]);
		close(listeners[i]);
	}
}

static bool has_firewall(void)
{
	return !system("nft list tables >/dev/null 2>&1");
}

/* Several times, and whatever its firewall does with its packets. */
static void test_a_client_behind_a_firewall_takes_no_peer_from_others(void **state)
{
	static const struct {
		const char *hook, *verdict;
	} rules[] = {
		{"output", "drop"},
		{"output", "reject"},
		{"output", "reject with tcp reset"},
		{"input", "drop"},
	};

	(void)state;
	if (!has_firewall())
		skip();
	lab.settings.connect_timeout_ms = 300;
	serve(ODD);
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		uint64_t before;

		clients_be(FIRST);
		lab_run("nft 'table inet cut { chain off { type filter hook %s priority 0; "
			"tcp dport 7051 %s; }; }'",
			rules[i].hook, rules[i].verdict);
		for (int j = 0; j < 2; j++)
			assert_true(clients_touch(VIP) < 0);
		lab_run("nft delete table inet cut");
		assert_int_equal(health_state(ODD), VIEW_BACKEND_SUSPECT);
		assert_int_equal(health_state(GOOD), VIEW_BACKEND_SUSPECT);
		before = health_attempts(ODD);
		clients_be(SECOND);
		for (int j = 0; j < 10; j++)
			assert_int_equal(clients_touch(VIP), 0);
		assert_int_equal(health_attempts(ODD), before + 5);
	}
}

static int begin(void **state)
{
	lab_forgive();
	lab_begin(state);
	lab.settings = (struct settings){
		.connect_timeout_ms = CONNECT_MS,
		.eject_base_ms = 60000,
		.eject_max_ms = 300000,
		.keep_percent = 50,
	};
	for (size_t i = 0; i < 3; i++) {
		clients[i] = clients_make();
		clients_be(clients[i]);
		odd[i] = lab_listen(ODD);
		good[i] = lab_listen(GOOD);
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		close(odd[i]);
		close(good[i]);
		close(clients[i]);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_a_lost_syn_ejects_nobody),
		LAB_TEST(test_a_full_accept_queue_ejects_nobody),
		LAB_TEST(test_a_slow_road_ejects_nobody),
		LAB_TEST(test_a_client_behind_a_firewall_takes_no_peer_from_others),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
