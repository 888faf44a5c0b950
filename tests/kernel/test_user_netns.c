// SPDX-License-Identifier: Apache-2.0
/*
 * A network namespace that a user has made for itself, in which any address can be anybody's: its
 * connections work and are shown, but concern nobody else.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/clients.h"
#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/health.h"
#include "kernel/maps.h"

#define VIP "10.96.0.10:7051"
#define BAD "10.1.0.1:7051"
#define GOOD "10.1.0.2:7051"
#define FAKES 100

static const char *const bad_and_good[] = {BAD, GOOD, NULL};
static const char *const bad_alone[] = {BAD, NULL};

static int here, user, other;
static int fakes[FAKES], listeners[2];

static void serve(enum gw_policy policy)
{
	lab_service("peers", VIP, policy, bad_and_good);
}

/* As the user, hold connections to BAD, which is an address of its own there. */
static void hold_fakes(void)
{
	lab_serve_by(VIP, BAD);
	clients_be(user);
	for (int i = 0; i < FAKES; i++) {
		fakes[i] = lab_connect(VIP);
		assert_return_code(fakes[i], -fakes[i]);
	}
	clients_be(here);
}

static void drop_fakes(void)
{
	for (int i = 0; i < FAKES; i++)
		lab_abort(fakes[i]);
}

static void test_what_it_holds_makes_nobody_avoid_a_peer(void **state)
{
	int fds[10];

	(void)state;
	hold_fakes();
	serve(GW_POLICY_LC);
	for (int i = 0; i < 10; i++)
		fds[i] = lab_connect(VIP);
	assert_int_equal(counts_active(BAD), 5);
	assert_int_equal(counts_active(GOOD), 5);
	drop_fakes();
	assert_int_equal(counts_active(BAD), 5);
	for (int i = 0; i < 10; i++)
		lab_abort(fds[i]);
	counts_expect(BAD, 0, .attempts = 5, .established = 5, .closed = 5);
}

/* Where the records themselves are not walked (Linux 7), a namespace is found by a process in it. */
static pid_t start_resident(void)
{
	pid_t pid;

	clients_be(user);
	pid = lab_fork();
	if (!pid) {
		pause();
		_exit(1);
	}
	clients_be(here);
	return pid;
}

/* A recount finds their records, and knows that they are not in the counts. */
static void test_a_recount_leaves_them_out(void **state)
{
	pid_t resident = start_resident();
	struct recount recount;
	struct gw_walk_conn *conns;
	size_t count, shown = 0;
	int fd;

	(void)state;
	hold_fakes();
	fd = lab_connect(VIP);
	assert_int_equal(conns_walk_once(LAB_PINS, &conns, &count), 0);
	for (size_t i = 0; i < count; i++)
		shown += conns[i].conn.state == GW_CONN_COUNTED;
	free(conns);
	assert_int_equal(shown, FAKES + 1);
	assert_int_equal(tables_recount(lab.tables, &recount), 0);
	assert_int_equal(recount.corrected, 0);
	assert_int_equal(counts_active(BAD), 1);
	drop_fakes();
	lab_abort(fd);
	assert_int_equal(counts_active(BAD), 0);
	kill(resident, SIGKILL);
	waitpid(resident, NULL, 0);
}

/* It has none of its own to compare, and still does not get one peer alone. */
static void test_its_own_connections_are_spread(void **state)
{
	int fds[10], listener;
	uint64_t ends[2] = {0};

	(void)state;
	serve(GW_POLICY_LC);
	clients_be(user);
	listener = lab_listen(GOOD);
	for (int i = 0; i < 10; i++) {
		struct gw_walk_conn *conns;
		size_t count;

		fds[i] = lab_connect(VIP);
		assert_return_code(fds[i], -fds[i]);
		if (i < 9)
			continue;
		assert_int_equal(conns_walk_once(LAB_PINS, &conns, &count), 0);
		for (size_t j = 0; j < count; j++)
			ends[conns[j].conn.backend & 1] += conns[j].conn.state == GW_CONN_COUNTED;
		free(conns);
	}
	assert_int_equal(ends[0], 5);
	assert_int_equal(ends[1], 5);
	for (int i = 0; i < 10; i++)
		lab_abort(fds[i]);
	close(listener);
}

static void fail_as(int client)
{
	clients_be(client);
	lab_service("peers", VIP, GW_POLICY_RR, bad_alone);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	clients_be(here);
}

static void stop_listening(void)
{
	for (int i = 0; i < 2; i++)
		close(listeners[i]);
}

/* Nor is its failure one of two, although it has reached the peer before. */
static void test_it_accuses_nobody(void **state)
{
	(void)state;
	stop_listening();
	clients_be(user);
	clients_reach(VIP, bad_alone);
	clients_be(other);
	clients_reach(VIP, bad_alone);
	for (int i = 0; i < 3; i++) {
		fail_as(user);
		assert_int_equal(health_of(BAD).accusations, 0);
		assert_int_equal(health_of(BAD).error, 0);
	}
	fail_as(other);
	fail_as(user);
	assert_int_equal(health_of(BAD).accusations, 1);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_SUSPECT);
}

static size_t suspicions(void)
{
	int fd = maps_open_one(LAB_PINS, "gw_suspects");
	struct gw_suspect_key key, *previous = NULL;
	size_t count = 0;

	assert_true(fd >= 0);
	for (; !bpf_map_get_next_key(fd, previous, &key); previous = &key)
		count++;
	close(fd);
	return count;
}

/* The map holds what all clients suspect, and the oldest entry gives way. */
static void test_it_passes_over_what_failed_it(void **state)
{
	int refused = 0;

	(void)state;
	stop_listening();
	clients_be(user);
	listeners[0] = lab_listen(GOOD);
	serve(GW_POLICY_LC);
	for (int i = 0; i < 10; i++)
		refused += clients_touch(VIP) < 0;
	assert_int_equal(refused, 1);
	close(listeners[0]);
}

static void test_what_it_meets_is_noted_for_nobody_else(void **state)
{
	(void)state;
	stop_listening();
	fail_as(user);
	assert_int_equal(suspicions(), 0);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_USABLE);
	assert_int_equal(health_of(BAD).suspect_until_ns, 0);
	fail_as(other);
	assert_int_equal(suspicions(), 1);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_SUSPECT);
}

static void test_a_syn_that_it_repeats_is_noted_for_nobody_else(void **state)
{
	int fd;

	(void)state;
	clients_be(user);
	clients_lose("10.1.0.1");
	lab_service("peers", VIP, GW_POLICY_RR, bad_alone);
	fd = lab_begin_dial(VIP);
	clients_await_repeat(fd, 1);
	assert_int_equal(suspicions(), 0);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_USABLE);
	close(fd);
	assert_int_equal(suspicions(), 0);
}

static void test_it_clears_nobody_and_tries_nobody(void **state)
{
	int listener;

	(void)state;
	stop_listening();
	for (int i = 0; i < 2; i++) {
		clients_be(i ? other : here);
		clients_reach(VIP, bad_alone);
	}
	fail_as(other);
	clients_be(user);
	listener = lab_listen(BAD);
	assert_int_equal(clients_touch(VIP), 0);
	fail_as(here);
	assert_true(health_of(BAD).is_ejected);
	health_expire(BAD);
	clients_be(user);
	assert_int_equal(clients_touch(VIP), 0);
	assert_true(health_of(BAD).is_ejected);
	assert_int_equal(health_state(BAD), VIEW_BACKEND_RETURNING);
	close(listener);
}

/* How much there is in a map that forgets its oldest entry when it is full. */
static size_t count_entries(const char *map)
{
	char key[32], *previous = NULL;
	int fd = maps_open_one(LAB_PINS, map);
	size_t count = 0;

	assert_true(fd >= 0);
	while (!bpf_map_get_next_key(fd, previous, key)) {
		previous = key;
		count++;
	}
	close(fd);
	return count;
}

static uint64_t backend_of(int fd)
{
	struct gw_walk_conn *conns;
	uint64_t backend;
	size_t count;

	assert_return_code(fd, -fd);
	assert_int_equal(conns_walk_once(LAB_PINS, &conns, &count), 0);
	assert_int_equal(count, 1);
	backend = conns->conn.backend;
	free(conns);
	lab_abort(fd);
	return backend;
}

/* Whoever makes one such namespace after the other must not make the node's clients forget. */
static void test_its_affinity_is_kept_apart(void **state)
{
	size_t before = count_entries("gw_affinity"), of_users = count_entries("gw_user_affinity");
	int listener;
	uint64_t first;

	(void)state;
	lab.affinity_s = 600;
	serve(GW_POLICY_RR);
	clients_be(user);
	listener = lab_listen(GOOD);
	first = backend_of(lab_connect(VIP));
	for (int i = 0; i < 5; i++)
		assert_int_equal(backend_of(lab_connect(VIP)), first);
	lab.affinity_s = 0;
	close(listener);
	assert_int_equal(count_entries("gw_affinity"), before);
	assert_int_equal(count_entries("gw_user_affinity"), of_users + 1);
}

static void test_its_suspicions_are_kept_apart(void **state)
{
	size_t before = count_entries("gw_suspects"), of_users = count_entries("gw_user_suspects");

	(void)state;
	stop_listening();
	fail_as(user);
	assert_int_equal(count_entries("gw_suspects"), before);
	assert_int_equal(count_entries("gw_user_suspects"), of_users + 1);
	clients_be(user);
	listeners[0] = lab_listen(BAD);
	lab_serve_by(VIP, BAD);
	assert_int_equal(clients_touch(VIP), 0);
	assert_int_equal(count_entries("gw_user_suspects"), of_users);
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
	user = clients_make_of_user();
	other = clients_make();
	clients_be(user);
	listeners[0] = lab_listen(BAD);
	clients_be(here);
	listeners[1] = lab_listen(BAD);
	return lab_begin(state);
}

static int end(void **state)
{
	(void)state;
	clients_be(here);
	stop_listening();
	close(here);
	close(user);
	close(other);
	return 0;
}

static int start(void **state)
{
	lab_listen(GOOD);
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_what_it_holds_makes_nobody_avoid_a_peer),
		LAB_TEST(test_a_recount_leaves_them_out),
		LAB_TEST(test_its_own_connections_are_spread),
		LAB_TEST(test_it_accuses_nobody),
		LAB_TEST(test_it_passes_over_what_failed_it),
		LAB_TEST(test_what_it_meets_is_noted_for_nobody_else),
		LAB_TEST(test_a_syn_that_it_repeats_is_noted_for_nobody_else),
		LAB_TEST(test_it_clears_nobody_and_tries_nobody),
		LAB_TEST(test_its_affinity_is_kept_apart),
		LAB_TEST(test_its_suspicions_are_kept_apart),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
