// SPDX-License-Identifier: Apache-2.0
/* Stepping aside: without a heartbeat connects go where they were sent, to whoever is there, and
 * what is open is looked after as ever. The Service's own address stands for kube-proxy here. */
#include "kernel/lab.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/clients.h"
#include "kernel/counts.h"
#include "kernel/cover.h"
#include "kernel/mounts.h"
#include "kernel/server.h"
#include "kernel/steer.h"

#define VIP "10.96.0.10:7051"
#define OTHER "10.96.0.11:7051"
#define VIP6 "[fd00:96::10]:7051"
#define NEAR "10.1.0.1:7051"
#define NEAR6 "[fd00::1]:7051"
#define SECOND 1000000000ull

/* An agent that last gave a sign of life so long ago, and may be silent for so long. */
static void be_silent(double age_s, double stale_after_s)
{
	struct gw_meta *meta = tables_meta(lab.tables);

	meta->heartbeat_ns = clock_now_ns() - (uint64_t)(age_s * (double)SECOND);
	meta->stale_after_ns = (uint64_t)(stale_after_s * (double)SECOND);
}

/* Who answered; the connection is over. */
static int reached(const char *address)
{
	int fd = lab_connect(address), greeting;

	assert_true(fd >= 0);
	greeting = server_greeting(fd);
	lab_abort(fd);
	return greeting;
}

static uint64_t stepped_aside(void)
{
	return lab_reason(GW_REASON_STEPPED_ASIDE);
}

static void test_hooks_step_aside_when_the_heartbeat_is_older_than_allowed(void **state)
{
	uint64_t before = stepped_aside();

	(void)state;
	be_silent(20, 30);
	assert_int_equal(reached(VIP), 1);
	assert_int_equal(stepped_aside(), before);
	be_silent(31, 30);
	assert_int_equal(reached(VIP), 10);
	assert_int_equal(reached(VIP6), 0x10);
	assert_int_equal(stepped_aside(), before + 2);
	/* It is back. */
	be_silent(0, 30);
	assert_int_equal(reached(VIP), 1);
	assert_int_equal(reached(VIP6), 1);
	assert_int_equal(stepped_aside(), before + 2);
}

static void test_without_a_limit_they_never_step_aside(void **state)
{
	(void)state;
	be_silent(100000, 0);
	assert_int_equal(reached(VIP), 1);
}

/* The agent may write between the hook's two looks. */
static void test_a_heartbeat_that_is_newer_than_the_hooks_time_is_not_old(void **state)
{
	(void)state;
	be_silent(-5, 1);
	assert_int_equal(reached(VIP), 1);
}

static void test_what_is_not_a_service_is_not_counted_as_stepped_aside(void **state)
{
	uint64_t before = stepped_aside();

	(void)state;
	be_silent(31, 30);
	assert_int_equal(reached(NEAR), 1);
	assert_int_equal(stepped_aside(), before);
}

static void test_open_connections_are_looked_after_to_their_end(void **state)
{
	uint64_t established = counts_established(NEAR);
	char text[LAB_TEXT];
	int fd, again;

	(void)state;
	be_silent(0, 30);
	fd = lab_connect(VIP);
	again = lab_connect(VIP);
	assert_true(fd >= 0 && again >= 0);
	be_silent(31, 30);
	assert_string_equal(lab_peer_name(fd, text), VIP);
	assert_int_equal(counts_active(NEAR), 2);
	lab_abort(fd);
	assert_int_equal(counts_active(NEAR), 1);
	/* A socket that connects anew is kube-proxy's from then on. */
	lab_disconnect(again);
	assert_int_equal(counts_active(NEAR), 0);
	assert_int_equal(lab_dial(again, VIP), 0);
	assert_int_equal(counts_active(NEAR), 0);
	assert_int_equal(counts_established(NEAR), established + 2);
	lab_abort(again);
	assert_int_equal(counts_active(NEAR), 0);
}

static const char *const gone[] = {"10.1.0.4:7051", "10.1.0.5:7051", NULL};

static void serve_main_by(const char *const *backends)
{
	lab_service("main", VIP, GW_POLICY_RR, backends);
}

static void expect_refused(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(lab_connect(VIP), -ECONNREFUSED);
}

/* The agent has been silent for nearly so long that others would get them, at each of them. */
static void expect_refused_at_14_s(int times)
{
	for (int i = 0; i < times; i++) {
		be_silent(14, 300);
		expect_refused(1);
	}
}

/* They may have been replaced while nobody could say so here. */
static void test_without_an_agent_others_get_what_would_go_to_failing_peers(void **state)
{
	uint64_t before = lab_reason(GW_REASON_NO_AGENT);

	(void)state;
	serve_main_by(gone);
	expect_refused_at_14_s(4);
	be_silent(15.5, 300);
	assert_int_equal(reached(VIP), 10);
	assert_int_equal(reached(VIP), 10);
	assert_int_equal(lab_reason(GW_REASON_NO_AGENT), before + 2);
	/* Where there is nobody to step aside for. */
	be_silent(1000, 0);
	expect_refused(2);
	/* Who knows nothing of them tries each once. */
	lab_forgive();
	be_silent(15.5, 300);
	expect_refused(2);
	assert_int_equal(reached(VIP), 10);
	be_silent(0, 300);
	expect_refused(1);
	serve_main_by((const char *const[]){NEAR, NULL});
}

static void test_without_an_agent_one_that_is_well_is_enough(void **state)
{
	uint64_t before = lab_reason(GW_REASON_NO_AGENT);

	(void)state;
	lab_forgive();
	serve_main_by((const char *const[]){NEAR, gone[0], gone[1], NULL});
	be_silent(15.5, 300);
	for (int i = 0; i < 3; i++)
		clients_touch(VIP);
	for (int i = 0; i < 10; i++)
		assert_int_equal(reached(VIP), 1);
	assert_int_equal(lab_reason(GW_REASON_NO_AGENT), before);
	serve_main_by((const char *const[]){NEAR, NULL});
}

static void suspend(const char *name, bool is_suspended)
{
	struct view *view = lab_view();

	assert_return_code(steer_suspend(LAB_PINS, name ? lab_find_service(view, name) : NULL,
					 is_suspended),
			   0);
	view_close(view);
}

static void test_a_service_that_is_suspended_is_left_alone_and_others_are_not(void **state)
{
	uint64_t before = lab_reason(GW_REASON_SUSPENDED);

	(void)state;
	be_silent(0, 30);
	suspend("main", true);
	assert_int_equal(reached(VIP), 10);
	assert_int_equal(reached(OTHER), 1);
	assert_int_equal(lab_reason(GW_REASON_SUSPENDED), before + 1);
	suspend("main", false);
	assert_int_equal(reached(VIP), 1);
}

static void test_all_services_are_suspended_and_come_back(void **state)
{
	uint64_t before = lab_reason(GW_REASON_SUSPENDED);

	(void)state;
	suspend(NULL, true);
	assert_int_equal(reached(VIP), 10);
	assert_int_equal(reached(OTHER), 11);
	assert_int_equal(lab_reason(GW_REASON_SUSPENDED), before + 2);
	suspend(NULL, false);
	assert_int_equal(reached(VIP), 1);
	assert_int_equal(reached(OTHER), 1);
}

static bool misses_pods(const char *path)
{
	int fd = mounts_open_cgroup(path);
	bool misses;

	assert_true(fd >= 0);
	misses = cover_misses_pods(fd);
	close(fd);
	return misses;
}

static void test_a_cgroup_beside_the_pods_misses_them(void **state)
{
	char root[128], pods[192], below[256];
	pid_t pod;

	(void)state;
	assert_return_code(mounts_find_cgroup2(root, sizeof(root)), 0);
	snprintf(pods, sizeof(pods), "%s/gwbpf-%d-kubepods", root, getpid());
	snprintf(below, sizeof(below), "%s/pod1", pods);
	assert_return_code(mkdir(pods, 0700), 0);
	assert_return_code(mkdir(below, 0700), 0);
	pod = lab_fork();
	if (!pod)
		pause();
	lab_run("echo %d >%s/cgroup.procs", (int)pod, below);
	assert_true(misses_pods(lab.cgroup));
	assert_false(misses_pods(root));
	assert_false(misses_pods(pods));
	assert_false(misses_pods(below));
	kill(pod, SIGKILL);
	waitpid(pod, NULL, 0);
	lab_run("until rmdir %s 2>/dev/null; do sleep 0.1; done; rmdir %s", below, pods);
}

static int start(void **state)
{
	lab_start(state);
	lab_run("ip address add 10.96.0.10/32 dev lo");
	lab_run("ip address add 10.96.0.11/32 dev lo");
	lab_run("ip -6 address add fd00:96::10/128 dev lo nodad");
	server_start(lab_listen(NEAR), SERVER_GREET);
	server_start(lab_listen(NEAR6), SERVER_GREET);
	server_start(lab_listen(VIP), SERVER_GREET);
	server_start(lab_listen(OTHER), SERVER_GREET);
	server_start(lab_listen(VIP6), SERVER_GREET);
	lab_service("main", VIP, GW_POLICY_RR, (const char *const[]){NEAR, NULL});
	lab_service("other", OTHER, GW_POLICY_RR, (const char *const[]){NEAR, NULL});
	lab_service("main6", VIP6, GW_POLICY_RR, (const char *const[]){NEAR6, NULL});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hooks_step_aside_when_the_heartbeat_is_older_than_allowed),
		cmocka_unit_test(test_without_a_limit_they_never_step_aside),
		cmocka_unit_test(test_a_heartbeat_that_is_newer_than_the_hooks_time_is_not_old),
		cmocka_unit_test(test_what_is_not_a_service_is_not_counted_as_stepped_aside),
		cmocka_unit_test(test_without_an_agent_others_get_what_would_go_to_failing_peers),
		cmocka_unit_test(test_without_an_agent_one_that_is_well_is_enough),
		cmocka_unit_test(test_a_service_that_is_suspended_is_left_alone_and_others_are_not),
		cmocka_unit_test(test_all_services_are_suspended_and_come_back),
		cmocka_unit_test(test_open_connections_are_looked_after_to_their_end),
		cmocka_unit_test(test_a_cgroup_beside_the_pods_misses_them),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
