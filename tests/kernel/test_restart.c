// SPDX-License-Identifier: Apache-2.0
/* The writer of the tables is killed at any instant, again and again, under connects that never
 * pause: none fails, and in the end every connection was counted once. */
#include "kernel/lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel/crew.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define KILLS 100
#define CLIENTS 2

/* Backends are 10.1.0.N, and greet with N; a set has some of them. */
static const char *const sets[][4] = {
	{"10.1.0.1:7051", "10.1.0.2:7051", NULL},
	{"10.1.0.3:7051", "10.1.0.4:7051", NULL},
	{"10.1.0.1:7051", "10.1.0.4:7051", "10.1.0.5:7051", NULL},
};
#define SETS (sizeof(sets) / sizeof(*sets))
#define PEERS 5

static void connect_without_pause(struct crew_member *me, void *arg)
{
	int fd, greeting;

	(void)arg;
	while (!me->stop && !me->problem[0]) {
		fd = lab_connect(VIP);
		greeting = fd < 0 ? fd : server_greeting(fd);
		if (greeting < 1 || greeting > PEERS)
			crew_problem(me, "reached %d", greeting);
		if (fd >= 0)
			lab_abort(fd);
		me->done++;
	}
}

/* Changes without end; also Services that come and go, and ids that are used again at once. */
static void write_for_ever(void)
{
	for (unsigned int i = 0;; i++) {
		lab_service("main", VIP, i % 2 ? GW_POLICY_LC : GW_POLICY_RR, sets[i % SETS]);
		lab_service("other", "10.96.0.11:7051", GW_POLICY_LC, sets[(i + 1) % SETS]);
		if (i % 3 == 0)
			lab_remove_service("other");
		tables_collect(lab.tables, 0);
	}
}

/* A writer that adopts what the one before it left, and is killed some time later. */
static void write_and_be_killed(long after_ns)
{
	const struct timespec wait = {.tv_nsec = after_ns};
	pid_t writer = fork();
	int status;

	if (!writer) {
		if (tables_open(LAB_PINS, &lab.tables))
			_exit(1);
		write_for_ever();
	}
	nanosleep(&wait, NULL);
	assert_return_code(kill(writer, SIGKILL), 0);
	waitpid(writer, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static uint64_t counted(uint64_t *active, uint64_t *ended)
{
	struct view *view = lab_view();
	const struct gw_counters *main = &lab_find_service(view, "main")->counters;
	uint64_t attempts = main->attempts;

	*active = lab_find_service(view, "main")->active;
	*ended = main->closed + main->refused + main->canceled + main->timed_out +
		 main->unreachable + main->other_failed;
	view_close(view);
	return attempts;
}

static void test_a_hundred_kills_lose_no_connection_and_no_count(void **state)
{
	pid_t servers[PEERS];
	uint64_t connects, active, ended;
	struct crew *crew;
	char text[LAB_TEXT];

	(void)state;
	for (int i = 0; i < PEERS; i++) {
		snprintf(text, sizeof(text), "10.1.0.%d:7051", i + 1);
		servers[i] = server_start(lab_listen(text), SERVER_GREET);
	}
	lab_service("main", VIP, GW_POLICY_LC, sets[0]);
	tables_close(lab.tables);
	lab.tables = NULL;
	crew = crew_start(CLIENTS, connect_without_pause, NULL);
	srand(1);
	for (int i = 0; i < KILLS; i++)
		write_and_be_killed(1000000 + rand() % 40000000);
	connects = crew_stop(crew);
	assert_return_code(tables_open(LAB_PINS, &lab.tables), 0);
	assert_int_equal(counted(&active, &ended), connects);
	assert_int_equal(active, 0);
	assert_int_equal(ended, connects);
	assert_int_equal(lab_reason(GW_REASON_BACKEND_GONE), 0);
	for (int i = 0; i < PEERS; i++)
		server_stop(servers[i]);
}

/* Between any two stores of the journal. */
static void test_a_half_retired_backend_is_counted_once(void **state)
{
	struct gw_meta *meta;
	uint64_t active, ended;
	pid_t server = server_start(lab_listen("10.1.0.1:7051"), SERVER_GREET);
	int fd;

	(void)state;
	lab_service("main", VIP, GW_POLICY_LC, sets[0]);
	lab_service("main", VIP, GW_POLICY_LC, (const char *const[]){"10.1.0.1:7051", NULL});
	fd = lab_connect(VIP);
	assert_true(fd >= 0);
	lab_abort(fd);
	lab_service("main", VIP, GW_POLICY_LC, (const char *const[]){"10.1.0.2:7051", NULL});
	assert_return_code(tables_collect(lab.tables, 0), 0);
	assert_int_equal(counted(&active, &ended), 1);
	/* Said again, the same is not added again. */
	meta = tables_meta(lab.tables);
	meta->journal.valid = 1;
	tables_close(lab.tables);
	assert_return_code(tables_open(LAB_PINS, &lab.tables), 0);
	assert_int_equal(tables_meta(lab.tables)->journal.valid, 0);
	assert_int_equal(counted(&active, &ended), 1);
	server_stop(server);
}

static void test_a_new_agent_takes_over_while_connections_live(void **state)
{
	pid_t server = server_start(lab_listen("10.1.0.1:7051"), SERVER_GREET);
	uint64_t active, ended;
	char text[LAB_TEXT];
	int fd;

	(void)state;
	lab_service("main", VIP, GW_POLICY_LC, (const char *const[]){"10.1.0.1:7051", NULL});
	fd = lab_connect(VIP);
	assert_true(fd >= 0);
	for (int i = 0; i < 3; i++) {
		lab_close();
		lab_open();
		assert_true(datapath_is_adopted(lab.datapath));
		assert_string_equal(lab_peer_name(fd, text), VIP);
		assert_int_equal(counted(&active, &ended), 1);
		assert_int_equal(active, 1);
	}
	lab_abort(fd);
	counted(&active, &ended);
	assert_int_equal(active, 0);
	server_stop(server);
}

static void test_pins_of_another_version_are_replaced_and_connections_live_on(void **state)
{
	pid_t server = server_start(lab_listen("10.1.0.1:7051"), SERVER_GREET);
	uint64_t active, ended;
	char text[LAB_TEXT];
	int fd, other;

	(void)state;
	lab_service("main", VIP, GW_POLICY_LC, (const char *const[]){"10.1.0.1:7051", NULL});
	fd = lab_connect(VIP);
	assert_true(fd >= 0);
	tables_meta(lab.tables)->abi = GW_ABI_VERSION + 1;
	lab_close();
	lab_open();
	assert_false(datapath_is_adopted(lab.datapath));
	assert_string_equal(lab_peer_name(fd, text), VIP);
	lab_service("main", VIP, GW_POLICY_LC, (const char *const[]){"10.1.0.1:7051", NULL});
	other = lab_connect(VIP);
	assert_true(other >= 0);
	/* The end of the old one says nothing of the new backend. */
	lab_abort(fd);
	assert_int_equal(counted(&active, &ended), 1);
	assert_int_equal(active, 1);
	assert_int_equal(ended, 0);
	assert_int_equal(lab_reason(GW_REASON_BACKEND_GONE), 1);
	lab_abort(other);
	server_stop(server);
}

static void test_a_second_agent_is_told_who_runs(void **state)
{
	const struct datapath_options options = {
		.pin_dir = LAB_PINS,
		.cgroup = lab.cgroup,
		.max_services = 64,
		.max_backends = 4096,
	};
	char message[DATAPATH_MESSAGE_MAX], pid[16];
	struct datapath *second;

	(void)state;
	tables_meta(lab.tables)->agent_pid = (uint32_t)getpid();
	assert_int_equal(datapath_open(&options, &second, message), -EBUSY);
	snprintf(pid, sizeof(pid), "%d", getpid());
	assert_non_null(strstr(message, pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, lab_start, lab_stop)
		LAB_TEST(test_a_hundred_kills_lose_no_connection_and_no_count),
		LAB_TEST(test_a_half_retired_backend_is_counted_once),
		LAB_TEST(test_a_new_agent_takes_over_while_connections_live),
		LAB_TEST(test_pins_of_another_version_are_replaced_and_connections_live_on),
		LAB_TEST(test_a_second_agent_is_told_who_runs),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
