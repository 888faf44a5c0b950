// SPDX-License-Identifier: Apache-2.0
/* What is told of a change of health: which client's doing it was, by cgroup and process. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/clients.h"
#include "kernel/health.h"
#include "kernel/lab_cgroup.h"
#include "kernel/trouble.h"

#define VIP "10.96.0.10:7051"
#define PEER "10.1.0.1:7051"

static const char *const alone[] = {PEER, NULL};

/* Two pods: each a network namespace, and a cgroup below the lab's. */
static int here, clients[2];
static char pods[2][300];
static uint64_t pod_ids[2], cookies[2];

static struct trouble *trouble;
static struct trouble_change changes[TROUBLE_KIND_MAX_]; /* the last of each kind */
static size_t change_count;

static void keep(const struct trouble_change *change, void *arg)
{
	(void)arg;
	changes[change->kind] = *change;
	change_count++;
}

static void look(void)
{
	memset(changes, 0, sizeof(changes));
	change_count = 0;
	trouble_look(trouble, keep, NULL);
}

static void be(size_t pod)
{
	clients_be(clients[pod]);
	lab_join_cgroup(pods[pod]);
}

static int begin(void **state)
{
	lab.settings = (struct settings){
		.eject_base_ms = 60000,
		.eject_max_ms = 300000,
	};
	lab_begin(state);
	here = clients_here();
	for (size_t i = 0; i < 2; i++) {
		struct stat st;

		clients[i] = clients_make();
		snprintf(pods[i], sizeof(pods[i]), "%s/pod%zu", lab.cgroup, i);
		assert_int_equal(mkdir(pods[i], 0700), 0);
		assert_int_equal(stat(pods[i], &st), 0);
		pod_ids[i] = st.st_ino;
	}
	for (size_t i = 0; i < 2; i++) {
		be(i);
		clients_reach(VIP, alone);
	}
	assert_int_equal(trouble_new(lab.datapath, lab.tables, &trouble), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	trouble_free(trouble);
	clients_be(here);
	lab_join_cgroup(lab.cgroup);
	for (size_t i = 0; i < 2; i++) {
		close(clients[i]);
		rmdir(pods[i]);
	}
	close(here);
	return 0;
}

static uint64_t fail_in(size_t pod)
{
	be(pod);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	return health_of(PEER).error_client;
}

static void succeed_in(size_t pod)
{
	int listener;

	be(pod);
	listener = lab_listen(PEER);
	assert_int_equal(clients_touch(VIP), 0);
	close(listener);
}

static void expect_doing_of(enum trouble_kind kind, size_t pod)
{
	const struct trouble_change *change = &changes[kind];

	assert_int_equal(change->times, 1);
	assert_true(change->client == cookies[pod]);
	assert_true(change->origin.netns_cookie == cookies[pod]);
	assert_true(change->origin.cgroup_id == pod_ids[pod]);
	assert_int_equal(change->origin.tgid, getpid());
}

/* Both within one look, as it is when a peer dies: health has forgotten the first one by then. */
static void test_who_accused_and_who_ejected_are_told_apart(void **state)
{
	(void)state;
	cookies[0] = fail_in(0);
	cookies[1] = fail_in(1);
	assert_true(cookies[0] != cookies[1]);
	look();
	assert_int_equal(change_count, 2);
	expect_doing_of(TROUBLE_ACCUSED, 0);
	expect_doing_of(TROUBLE_EJECTED, 1);
}

static void test_who_contradicts_and_who_brings_back(void **state)
{
	(void)state;
	cookies[0] = fail_in(0);
	look();
	expect_doing_of(TROUBLE_ACCUSED, 0);
	succeed_in(1);
	look();
	assert_int_equal(change_count, 1);
	cookies[1] = health_of(PEER).contradicted_by;
	expect_doing_of(TROUBLE_CONTRADICTED, 1);

	cookies[0] = fail_in(0);
	fail_in(1);
	health_expire(PEER);
	succeed_in(0);
	look();
	expect_doing_of(TROUBLE_RETURNED, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_who_accused_and_who_ejected_are_told_apart),
		LAB_TEST(test_who_contradicts_and_who_brings_back),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), lab_start, lab_stop);
}
