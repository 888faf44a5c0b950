// SPDX-License-Identifier: Apache-2.0
/* sessionAffinity: ClientIP. The client is a network namespace; time passes by what is remembered. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/clients.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/maps.h"
#include "kernel/server.h"
#include "kernel/stand.h"

#define TIMEOUT_S 60
#define SECOND_NS 1000000000ull
#define TOUCHES 20

static const uint16_t equal[STAND_BACKENDS] = {1, 1, 1, 1, 1};

static struct stand stand;

static int open_stand(void **state)
{
	(void)state;
	lab.affinity_s = TIMEOUT_S;
	stand_open(&stand);
	return 0;
}

static int close_stand(void **state)
{
	(void)state;
	lab.affinity_s = 0;
	stand_close(&stand);
	return 0;
}

/* What is remembered of the only client there is; -1: nothing. */
static int read_memory(struct gw_affinity_key *key, struct gw_affinity *value)
{
	int fd = maps_open_one(LAB_PINS, "gw_affinity"), err;

	assert_true(fd >= 0);
	err = bpf_map_get_next_key(fd, NULL, key);
	if (!err)
		assert_int_equal(bpf_map_lookup_elem(fd, key, value), 0);
	close(fd);
	return err;
}

static void write_memory(const struct gw_affinity_key *key, const struct gw_affinity *value)
{
	int fd = maps_open_one(LAB_PINS, "gw_affinity");

	assert_true(fd >= 0);
	assert_int_equal(bpf_map_update_elem(fd, key, value, BPF_EXIST), 0);
	close(fd);
}

/* Nothing that earlier tests left. */
static const char *serve(enum gw_policy policy)
{
	const char *vip = stand_serve(policy, equal);
	struct gw_affinity_key key;
	struct gw_affinity value;
	int fd = maps_open_one(LAB_PINS, "gw_affinity");

	assert_true(fd >= 0);
	while (!read_memory(&key, &value))
		assert_int_equal(bpf_map_delete_elem(fd, &key), 0);
	close(fd);
	return vip;
}

/* As if the last connection had been so long ago. */
static void let_pass(int seconds)
{
	struct gw_affinity_key key;
	struct gw_affinity value;

	assert_int_equal(read_memory(&key, &value), 0);
	value.used_ns -= (uint64_t)seconds * SECOND_NS;
	write_memory(&key, &value);
}

static uint64_t last_used_ns(void)
{
	struct gw_affinity_key key;
	struct gw_affinity value;

	assert_int_equal(read_memory(&key, &value), 0);
	return value.used_ns;
}

/* How many of several connections go elsewhere than to this one. */
static int count_strays(const char *vip, int who)
{
	int strays = 0;

	for (int i = 0; i < TOUCHES; i++)
		strays += stand_touch(&stand, vip) != who;
	return strays;
}

static void test_a_client_stays_with_its_backend_under_any_policy(void **state)
{
	(void)state;
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		const char *vip = serve((enum gw_policy)policy);

		assert_int_equal(count_strays(vip, stand_touch(&stand, vip)), 0);
	}
}

/* lc would send each of them elsewhere. */
static void test_load_does_not_move_a_client(void **state)
{
	const char *vip = serve(GW_POLICY_LC);
	int fds[TOUCHES], first = stand_connect(&stand, vip, &fds[0]);

	(void)state;
	for (int i = 1; i < TOUCHES; i++)
		assert_int_equal(stand_connect(&stand, vip, &fds[i]), first);
	for (int i = 0; i < TOUCHES; i++)
		lab_abort(fds[i]);
}

static void test_without_affinity_nothing_is_remembered(void **state)
{
	struct gw_affinity_key key;
	struct gw_affinity value;
	const char *vip;

	(void)state;
	lab.affinity_s = 0;
	vip = serve(GW_POLICY_RR);
	assert_int_equal(count_strays(vip, stand_touch(&stand, vip)), TOUCHES - TOUCHES / 5);
	assert_true(read_memory(&key, &value));
}

static void test_each_connection_renews_the_time(void **state)
{
	const char *vip = serve(GW_POLICY_RR);
	int first = stand_touch(&stand, vip);

	(void)state;
	/* Three times as long as the timeout in all. */
	for (int i = 0; i < 3; i++) {
		uint64_t before;

		let_pass(TIMEOUT_S - 20);
		before = last_used_ns();
		assert_int_equal(stand_touch(&stand, vip), first);
		assert_true(last_used_ns() >= before + (TIMEOUT_S - 20) * SECOND_NS);
	}
}

static void test_after_the_timeout_the_policy_chooses_anew(void **state)
{
	const char *vip = serve(GW_POLICY_RR);
	int first = stand_touch(&stand, vip), second;

	(void)state;
	let_pass(TIMEOUT_S + 1);
	second = stand_touch(&stand, vip);
	assert_int_equal(second, (first + 1) % STAND_BACKENDS);
	assert_int_equal(count_strays(vip, second), 0);
}

/* It takes no new connections for a while, or for good. */
static void expect_replaced(void (*lose)(const char *vip, int who), bool comes_back)
{
	const char *vip = serve(GW_POLICY_RR);
	int first = stand_touch(&stand, vip), second;

	lose(vip, first);
	second = stand_touch(&stand, vip);
	assert_int_not_equal(second, first);
	assert_int_equal(count_strays(vip, second), 0);
	if (comes_back)
		stand_change(vip, GW_POLICY_RR, equal);
	/* The new one is what is remembered. */
	assert_int_equal(count_strays(vip, second), 0);
}

static void drain(const char *vip, int who)
{
	uint16_t weights[STAND_BACKENDS];

	memcpy(weights, equal, sizeof(weights));
	weights[who] = 0;
	stand_change(vip, GW_POLICY_RR, weights);
}

static void take_out(const char *vip, int who)
{
	const char *others[STAND_BACKENDS] = {0};
	int count = 0;

	for (int i = 0; i < STAND_BACKENDS; i++)
		if (i != who)
			others[count++] = stand_addresses[i];
	lab_service("peers", vip, GW_POLICY_RR, others);
}

static void test_a_drained_backend_is_replaced_and_the_new_one_remembered(void **state)
{
	(void)state;
	expect_replaced(drain, true);
}

static void test_a_backend_that_is_gone_is_replaced_and_the_new_one_remembered(void **state)
{
	(void)state;
	expect_replaced(take_out, true);
	expect_replaced(take_out, false);
}

static void test_a_client_that_failed_there_goes_elsewhere_and_stays(void **state)
{
	const char *vip = serve(GW_POLICY_RR);
	int first = stand_touch(&stand, vip), second, fd;

	(void)state;
	close(stand.listeners[first]);
	assert_int_equal(stand_connect(&stand, vip, &fd), -1);
	stand.listeners[first] = lab_listen(stand_addresses[first]);
	second = stand_touch(&stand, vip);
	assert_int_not_equal(second, first);
	assert_int_equal(count_strays(vip, second), 0);
}

/* Two clients that know it fail there; the Service has this one alone meanwhile. */
static void eject(const char *vip, int who)
{
	const char *const only[] = {stand_addresses[who], NULL};
	int here = clients_here(), clients[2];

	for (int i = 0; i < 2; i++) {
		clients[i] = clients_make();
		clients_be(clients[i]);
		clients_reach(vip, only);
	}
	for (int i = 0; i < 2; i++) {
		clients_be(clients[i]);
		assert_int_equal(clients_touch(vip), -ECONNREFUSED);
		close(clients[i]);
	}
	clients_be(here);
	close(here);
	stand_change(vip, GW_POLICY_RR, equal);
}

static void test_an_ejected_backend_is_replaced_and_the_new_one_remembered(void **state)
{
	(void)state;
	lab.settings = (struct settings){.eject_base_ms = 60000, .eject_max_ms = 300000};
	expect_replaced(eject, false);
	lab.settings = (struct settings){0};
}

static void test_a_new_agent_keeps_to_what_is_remembered(void **state)
{
	const char *vip = serve(GW_POLICY_RR);
	int first = stand_touch(&stand, vip);

	(void)state;
	lab_close();
	lab_open();
	assert_int_equal(count_strays(vip, first), 0);
	stand_change(vip, GW_POLICY_RR, equal);
	assert_int_equal(count_strays(vip, first), 0);
}

#define OTHERS 995
#define ADOPTIONS 100

/* All of 10.2.0.0/16 is this host's; the five of the stand come last. */
static void serve_a_thousand(const char *vip)
{
	static char texts[OTHERS][LAB_TEXT];
	const char *all[OTHERS + STAND_BACKENDS + 1] = {0};

	lab_run("ip route replace local 10.2.0.0/16 dev lo");
	for (int i = 0; i < OTHERS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.2.%d.%d:7052", i / 250, i % 250 + 1);
		all[i] = texts[i];
	}
	for (int i = 0; i < STAND_BACKENDS; i++)
		all[OTHERS + i] = stand_addresses[i];
	lab_service("peers", vip, GW_POLICY_RR, all);
}

static void connect_without_pause(struct crew_member *me, void *arg)
{
	while (!me->stop && !me->problem[0]) {
		int fd = lab_connect(arg);

		if (fd < 0)
			crew_problem(me, "connect: %s", strerror(-fd));
		else
			lab_abort(fd);
		me->done++;
	}
}

/* It reads what the maps hold while clients connect: nothing may seem to have left meanwhile. */
static void test_adopting_moves_no_client(void **state)
{
	const char *vip = serve(GW_POLICY_RR);
	int first = stand_touch(&stand, vip);
	struct crew *crew;
	uint64_t all;
	pid_t server;

	(void)state;
	serve_a_thousand(vip);
	server = server_start(stand.listeners[first], SERVER_CLOSE);
	crew = crew_start(1, connect_without_pause, (void *)vip);
	for (int i = 0; i < ADOPTIONS; i++) {
		tables_close(lab.tables);
		assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
	}
	all = crew_stop(crew) + 1;
	server_stop(server);
	stand.listeners[first] = lab_listen(stand_addresses[first]);
	counts_expect(stand_addresses[first], 0, .attempts = all, .established = all,
		      .closed = all);
}

/* Another process of this client began later, and was faster. */
static void test_a_time_renewed_meanwhile_is_not_over(void **state)
{
	const char *vip = serve(GW_POLICY_RR);
	int first = stand_touch(&stand, vip);

	(void)state;
	let_pass(-1);
	assert_int_equal(stand_touch(&stand, vip), first);
}

#define CLIENTS 12

struct clients {
	const char *vip;
	int owners[CLIENTS];
};

static void stay(struct crew_member *me, void *arg)
{
	struct clients *clients = arg;

	lab_enter_namespace();
	stand_open(&stand);
	clients->owners[me->number] = stand_touch(&stand, clients->vip);
	if (count_strays(clients->vip, clients->owners[me->number]))
		crew_problem(me, "client %u went elsewhere", me->number);
}

/* All at once, and each by its own choice: rr gives the five to twelve in turn. */
static void test_each_namespace_is_a_client_of_its_own(void **state)
{
	struct clients *clients = crew_memory(sizeof(*clients));
	int seen[STAND_BACKENDS] = {0};

	(void)state;
	clients->vip = serve(GW_POLICY_RR);
	crew_wait(crew_start(CLIENTS, stay, clients));
	for (int i = 0; i < CLIENTS; i++)
		seen[clients->owners[i]]++;
	for (int i = 0; i < STAND_BACKENDS; i++)
		assert_in_range(seen[i], 2, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, open_stand, close_stand)
		LAB_TEST(test_a_client_stays_with_its_backend_under_any_policy),
		LAB_TEST(test_load_does_not_move_a_client),
		LAB_TEST(test_without_affinity_nothing_is_remembered),
		LAB_TEST(test_each_connection_renews_the_time),
		LAB_TEST(test_after_the_timeout_the_policy_chooses_anew),
		LAB_TEST(test_a_drained_backend_is_replaced_and_the_new_one_remembered),
		LAB_TEST(test_a_backend_that_is_gone_is_replaced_and_the_new_one_remembered),
		LAB_TEST(test_a_client_that_failed_there_goes_elsewhere_and_stays),
		LAB_TEST(test_an_ejected_backend_is_replaced_and_the_new_one_remembered),
		LAB_TEST(test_a_new_agent_keeps_to_what_is_remembered),
		LAB_TEST(test_adopting_moves_no_client),
		LAB_TEST(test_a_time_renewed_meanwhile_is_not_over),
		LAB_TEST(test_each_namespace_is_a_client_of_its_own),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
