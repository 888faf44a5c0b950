// SPDX-License-Identifier: Apache-2.0
/* A client is a network namespace: what one has seen of a backend is nothing to another. */
#include "kernel/lab.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/server.h"
#include "kernel/suspects.h"

#define VIP "10.96.0.10:7051"
#define CLIENTS 8
#define TRIES 3

/* In every namespace of this test the first hangs up and the last answers. The second has no route:
 * of all failures the one that leaves the fewest traces. */
static const char *const peers[] = {"10.1.0.1:7051", "10.9.0.1:7051", "10.1.0.2:7051", NULL};

#define SHORT_MS 900 /* a connection that lasts for a second is none that hung up at once */

/* Whether a connection came about that works. `lasted`: another one did, so long that a busy server
 * was not to be told from one that works. */
static bool try_once(bool *lasted)
{
	uint64_t begin_ms = clock_now_ms();
	int fd = lab_connect(VIP), greeting = fd < 0 ? fd : server_greeting(fd);

	if (fd >= 0)
		close(fd);
	*lasted = fd >= 0 && clock_now_ms() - begin_ms > SHORT_MS;
	return greeting >= 0;
}

static void try_until_it_works(struct crew_member *me, void *arg)
{
	int tries = 1, lasting = 0;
	bool lasted;

	(void)arg;
	lab_enter_namespace();
	server_start(lab_listen(peers[0]), SERVER_CLOSE);
	server_start(lab_listen(peers[2]), SERVER_GREET);
	while (tries < 20 && lasting < 20 && !try_once(&lasted)) {
		tries += !lasted;
		lasting += lasted;
	}
	if (tries > TRIES || lasting == 20)
		crew_problem(me, "client %u was served at its try %d only", me->number, tries);
}

static void expect_service_at_the_third_try(enum gw_policy policy)
{
	lab_service("peers", VIP, policy, peers);
	crew_wait(crew_start(CLIENTS, try_until_it_works, NULL));
}

static void test_each_client_is_served_at_its_third_try(void **state)
{
	static const enum gw_policy policies[] = {
		GW_POLICY_LC, GW_POLICY_WLC, GW_POLICY_SED, GW_POLICY_NQ, GW_POLICY_P2C,
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		lab_begin(state);
		expect_service_at_the_third_try(policies[i]);
	}
}

static void test_so_it_is_with_the_default_settings(void **state)
{
	(void)state;
	settings_init(&lab.settings);
	expect_service_at_the_third_try(lab.settings.policy);
	memset(&lab.settings, 0, sizeof(lab.settings));
}

static const char *const two[] = {"10.1.0.3:7051", "10.1.0.4:7051", NULL};

/* Here both answer. */
static void connect_elsewhere(struct crew_member *me, void *arg)
{
	(void)arg;
	lab_enter_namespace();
	lab_listen(two[0]);
	lab_listen(two[1]);
	for (int i = 0; i < 10; i++) {
		int fd = lab_connect(VIP);

		if (fd < 0)
			crew_problem(me, "connect: %s", strerror(-fd));
		else
			lab_abort(fd);
	}
}

static void test_one_client_takes_nothing_from_another(void **state)
{
	int server = lab_listen(two[1]);

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, two);
	for (int i = 0; i < 10; i++)
		close(lab_connect(VIP));
	counts_expect(two[0], 0, .attempts = 1, .refused = 1);
	crew_wait(crew_start(1, connect_elsewhere, NULL));
	counts_expect(two[0], 0, .attempts = 6, .refused = 1, .established = 5, .closed = 5);
	close(server);
}

/* The suspicion of this client is not lifted by what others have reached. */
static void test_one_client_trusts_nothing_for_another(void **state)
{
	int server = lab_listen(two[1]);

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, two);
	for (int tries = 0; lab_connect(VIP) >= 0; tries++)
		assert_in_range(tries, 0, 9);
	crew_wait(crew_start(1, connect_elsewhere, NULL));
	for (int i = 0; i < 10; i++)
		assert_true(lab_connect(VIP) >= 0);
	close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, lab_begin)
		LAB_TEST(test_each_client_is_served_at_its_third_try),
		LAB_TEST(test_so_it_is_with_the_default_settings),
		LAB_TEST(test_one_client_takes_nothing_from_another),
		LAB_TEST(test_one_client_trusts_nothing_for_another),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
