// SPDX-License-Identifier: Apache-2.0
/*
 * Pods whose connects a Service leaves to kube-proxy, by their cgroups. The Service's own address
 * stands for kube-proxy here.
 */
#include "kernel/lab.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/counts.h"
#include "kernel/lab_cgroup.h"
#include "kernel/maps.h"
#include "kernel/mounts.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define OTHER "10.96.0.11:7051"
#define VIP6 "[fd00:96::10]:7051"
#define NEAR "10.1.0.1:7051"
#define NEAR6 "[fd00::1]:7051"

enum cgroup_place { POD, CONTAINER, OTHER_POD, DEEP, PLACES_MAX_ };

static const char *const below[] = {
	[POD] = "/pod1",
	[CONTAINER] = "/pod1/c",
	[OTHER_POD] = "/pod2",
	[DEEP] = "/pod1/c/d/e/f",
};
static char paths[PLACES_MAX_][300];
static uint64_t ids[PLACES_MAX_];

static void serve(const char *name, const char *vip, const char *backend, const uint64_t *excepted,
		  size_t count)
{
	lab.excepted = excepted;
	lab.excepted_count = count;
	lab_service(name, vip, GW_POLICY_RR, (const char *const[]){backend, NULL});
	lab.excepted = NULL;
	lab.excepted_count = 0;
}

static void except(const uint64_t *excepted, size_t count)
{
	serve("main", VIP, NEAR, excepted, count);
}

/* Who answers a process of that cgroup: 1 the backend, 10 the Service's own address. */
static int reached_from(const char *cgroup, const char *address)
{
	int fd, greeting;

	lab_join_cgroup(cgroup);
	fd = lab_connect(address);
	lab_join_cgroup(lab.cgroup);
	assert_true(fd >= 0);
	greeting = server_greeting(fd);
	lab_abort(fd);
	return greeting;
}

static size_t count_elements(void)
{
	int fd = maps_open_one(LAB_PINS, "gw_excepted");
	struct gw_excepted_key key, *previous = NULL;
	size_t count = 0;

	assert_true(fd >= 0);
	for (; !bpf_map_get_next_key(fd, previous, &key); previous = &key)
		count++;
	close(fd);
	return count;
}

static uint32_t flags(void)
{
	struct gw_service *services;
	size_t count = tables_services(lab.tables, &services);

	for (size_t i = 0; i < count; i++)
		if (services[i].use == GW_USE_TAKEN && services[i].vip.word[3] == htonl(0x0a60000a))
			return services[i].flags;
	fail_msg("there is no such service");
	return 0;
}

static void test_an_excepted_pod_is_left_alone_with_all_its_cgroups(void **state)
{
	uint64_t reason = lab_reason(GW_REASON_EXCEPTED), established = counts_established(NEAR);

	(void)state;
	except(&ids[POD], 1);
	assert_int_equal(reached_from(paths[POD], VIP), 10);
	assert_int_equal(reached_from(paths[CONTAINER], VIP), 10);
	assert_int_equal(reached_from(paths[DEEP], VIP), 10);
	assert_int_equal(lab_reason(GW_REASON_EXCEPTED), reason + 3);
	assert_int_equal(counts_established(NEAR), established);
	assert_int_equal(reached_from(paths[OTHER_POD], VIP), 1);
	assert_int_equal(reached_from(lab.cgroup, VIP), 1);
	assert_int_equal(lab_reason(GW_REASON_EXCEPTED), reason + 3);
	assert_int_equal(counts_established(NEAR), established + 2);
}

static void test_a_pod_is_excepted_from_that_service_alone(void **state)
{
	(void)state;
	except(&ids[POD], 1);
	assert_int_equal(reached_from(paths[CONTAINER], OTHER), 1);
}

static void test_ipv6_connects_are_left_alone_too(void **state)
{
	(void)state;
	serve("main6", VIP6, NEAR6, &ids[POD], 1);
	assert_int_equal(reached_from(paths[CONTAINER], VIP6), 0x10);
	assert_int_equal(reached_from(paths[OTHER_POD], VIP6), 1);
	serve("main6", VIP6, NEAR6, NULL, 0);
	assert_int_equal(reached_from(paths[CONTAINER], VIP6), 1);
}

static void test_who_is_no_longer_excepted_is_balanced(void **state)
{
	const uint64_t both[] = {ids[POD], ids[OTHER_POD]};

	(void)state;
	except(both, 2);
	assert_int_equal(reached_from(paths[CONTAINER], VIP), 10);
	assert_int_equal(reached_from(paths[OTHER_POD], VIP), 10);
	except(&both[1], 1);
	assert_int_equal(reached_from(paths[CONTAINER], VIP), 1);
	assert_int_equal(reached_from(paths[OTHER_POD], VIP), 10);
	except(NULL, 0);
	assert_int_equal(reached_from(paths[OTHER_POD], VIP), 1);
	assert_int_equal(count_elements(), 0);
	assert_false(flags() & GW_SERVICE_EXCEPTS);
}

static void test_a_connection_that_is_open_is_counted_to_its_end(void **state)
{
	int fd;

	(void)state;
	except(NULL, 0);
	lab_join_cgroup(paths[POD]);
	fd = lab_connect(VIP);
	lab_join_cgroup(lab.cgroup);
	assert_true(fd >= 0);
	except(&ids[POD], 1);
	assert_int_equal(counts_active(NEAR), 1);
	lab_disconnect(fd);
	assert_int_equal(counts_active(NEAR), 0);
	/* The same socket, which has a record, again. */
	lab_join_cgroup(paths[POD]);
	assert_int_equal(lab_dial(fd, VIP), 0);
	lab_join_cgroup(lab.cgroup);
	assert_int_equal(server_greeting(fd), 10);
	assert_int_equal(counts_active(NEAR), 0);
	lab_abort(fd);
}

/* Its own connections are none of a client's, whatever its pod is. */
static void test_the_agents_own_questions_are_answered_in_an_excepted_pod(void **state)
{
	struct gw_meta *meta = tables_meta(lab.tables);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	except(&ids[POD], 1);
	meta->canary_port =
		htons(7051); /* as the server of NEAR, which is not on loopback: refused */
	assert_int_equal(tables_ask_socket(lab.tables, fd), 0);
	lab_join_cgroup(paths[POD]);
	lab_dial(fd, VIP);
	lab_join_cgroup(lab.cgroup);
	assert_true(tables_is_answered(lab.tables, fd));
	meta->canary_port = 0;
	close(fd);
}

static void test_the_next_agent_finds_who_is_excepted(void **state)
{
	const struct present *have;
	struct gw_service *services;
	size_t count;

	(void)state;
	except(&ids[POD], 1);
	/* It is killed between the element and the flag. */
	count = tables_services(lab.tables, &services);
	for (size_t i = 0; i < count; i++)
		services[i].flags &= ~GW_SERVICE_EXCEPTS;
	assert_int_equal(reached_from(paths[CONTAINER], VIP), 1);
	lab_close();
	lab_open();
	assert_int_equal(reached_from(paths[CONTAINER], VIP), 10);
	assert_int_equal(tables_present(lab.tables, "lab", "main", &have, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(have[0].excepted_count, 1);
	assert_int_equal(have[0].excepted[0], ids[POD]);
}

static void test_what_an_agent_left_of_a_service_that_is_gone_is_removed(void **state)
{
	const struct gw_excepted_key key = {.cgroup_id = ids[POD], .service = 77};
	const __u8 value = 1;
	int fd = maps_open_one(LAB_PINS, "gw_excepted");

	(void)state;
	except(NULL, 0);
	assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
	close(fd);
	lab_close();
	lab_open();
	assert_int_equal(count_elements(), 0);
}

static void test_with_its_service_go_the_exceptions(void **state)
{
	(void)state;
	except(&ids[POD], 1);
	assert_int_equal(count_elements(), 1);
	lab_remove_service("main");
	/* One round empties it, another one frees its index. */
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	assert_int_equal(count_elements(), 0);
	/* One without backends has nothing to be emptied of. */
	lab.excepted = &ids[POD];
	lab.excepted_count = 1;
	lab_service("main", VIP, GW_POLICY_RR, (const char *const[]){NULL});
	lab.excepted = NULL;
	lab.excepted_count = 0;
	assert_int_equal(count_elements(), 1);
	lab_remove_service("main");
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	assert_int_equal(count_elements(), 0);
	except(NULL, 0);
	assert_int_equal(reached_from(paths[CONTAINER], VIP), 1);
}

static void test_one_namespace_cannot_have_all_the_room(void **state)
{
	static uint64_t many[GW_EXCEPTED_MAX];

	(void)state;
	for (size_t i = 0; i < GW_EXCEPTED_MAX; i++)
		many[i] = 1ull << 40 | i;
	except(many, GW_EXCEPTED_MAX);
	assert_int_equal(count_elements(), GW_EXCEPTED_MAX - GW_EXCEPTED_MAX / 4);
	assert_non_null(
		strstr(lab.refusal, "no room is left for 4096 more pods of clients-except"));
	/* It is balanced as ever, and others have room. */
	assert_int_equal(reached_from(lab.cgroup, VIP), 1);
	lab.namespace = "other";
	serve("second", "10.96.0.12:7051", NEAR, &ids[POD], 1);
	assert_string_equal(lab.refusal, "");
	lab.namespace = "lab";
	except(NULL, 0);
	assert_int_equal(count_elements(), 1);
}

static int start(void **state)
{
	int fd;

	lab_start(state);
	lab.namespace = "lab";
	for (int i = 0; i < PLACES_MAX_; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s%s", lab.cgroup, below[i]);
		lab_run("mkdir -p %s", paths[i]);
		fd = mounts_open_cgroup(paths[i]);
		assert_int_equal(mounts_cgroup_id(fd, &ids[i]), 0);
		close(fd);
	}
	lab_run("ip address add 10.96.0.10/32 dev lo");
	lab_run("ip -6 address add fd00:96::10/128 dev lo nodad");
	server_start(lab_listen(NEAR), SERVER_GREET);
	server_start(lab_listen(NEAR6), SERVER_GREET);
	server_start(lab_listen(VIP), SERVER_GREET);
	server_start(lab_listen(VIP6), SERVER_GREET);
	serve("other", OTHER, NEAR, NULL, 0);
	return 0;
}

static int stop(void **state)
{
	lab_run("find %s -mindepth 1 -depth -type d -exec rmdir {} +", lab.cgroup);
	return lab_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_excepted_pod_is_left_alone_with_all_its_cgroups),
		cmocka_unit_test(test_a_pod_is_excepted_from_that_service_alone),
		cmocka_unit_test(test_ipv6_connects_are_left_alone_too),
		cmocka_unit_test(test_who_is_no_longer_excepted_is_balanced),
		cmocka_unit_test(test_a_connection_that_is_open_is_counted_to_its_end),
		cmocka_unit_test(test_the_agents_own_questions_are_answered_in_an_excepted_pod),
		cmocka_unit_test(test_the_next_agent_finds_who_is_excepted),
		cmocka_unit_test(test_what_an_agent_left_of_a_service_that_is_gone_is_removed),
		cmocka_unit_test(test_with_its_service_go_the_exceptions),
		cmocka_unit_test(test_one_namespace_cannot_have_all_the_room),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
