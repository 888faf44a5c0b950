// SPDX-License-Identifier: Apache-2.0
/* A backend has one id and one set of counts for its whole life, and both end in good order. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/maps.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"
#define B "10.1.0.2:7051"
#define C "10.1.0.3:7051"
#define D "10.1.0.4:7051"
#define NOWHERE "10.9.0.1:7051" /* no route */

static const char *const a_b[] = {A, B, NULL};
static const char *const b_c[] = {B, C, NULL};
static const char *const only_c[] = {C, NULL};

static int listeners[4];

static struct view_backend find(const char *address)
{
	struct view *view = lab_view();
	struct view_backend backend = *lab_backend(view, address);

	view_close(view);
	return backend;
}

static size_t count_backends(void)
{
	const struct view_backend *backends;
	struct view *view = lab_view();
	size_t count = view_backends(view, &backends);

	view_close(view);
	return count;
}

static void collect(void)
{
	assert_int_equal(tables_collect(lab.tables, 0), 0);
}

/* A connection to this backend, whatever else the Service has. */
static int connect_to(const char *backend)
{
	int fd, others[16], count = 0;
	uint64_t before = counts_established(backend);

	for (;;) {
		fd = lab_connect(VIP);
		assert_true(fd >= 0);
		if (counts_established(backend) > before)
			break;
		assert_in_range(count, 0, 15);
		others[count++] = fd;
	}
	while (count)
		lab_abort(others[--count]);
	return fd;
}

static void test_a_backend_keeps_its_id_and_counts_through_changes(void **state)
{
	struct view_backend before, after;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, a_b);
	lab_abort(connect_to(A));
	lab_abort(connect_to(B));
	before = find(B);
	lab_service("peers", VIP, GW_POLICY_LC, b_c);
	after = find(B);
	assert_int_equal(after.id, before.id);
	assert_int_equal(after.generation, before.generation);
	assert_memory_equal(&after.counters, &before.counters, sizeof(after.counters));
	assert_int_equal(after.state == VIEW_BACKEND_LEAVING, false);
}

static void test_one_that_comes_back_in_time_is_the_same(void **state)
{
	struct view_backend before, after;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, a_b);
	before = find(A);
	lab_service("peers", VIP, GW_POLICY_RR, b_c);
	assert_int_equal(find(A).state, VIEW_BACKEND_LEAVING);
	assert_int_equal(tables_collect(lab.tables, 60000), 0);
	lab_service("peers", VIP, GW_POLICY_RR, a_b);
	after = find(A);
	assert_int_equal(after.id, before.id);
	assert_int_equal(after.generation, before.generation);
	assert_int_equal(after.state, VIEW_BACKEND_USABLE);
}

static void test_one_that_goes_stays_while_its_connection_lives(void **state)
{
	int fd;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, a_b);
	fd = connect_to(A);
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	collect();
	assert_int_equal(find(A).state, VIEW_BACKEND_LEAVING);
	assert_int_equal(find(A).weight, 0);
	counts_expect(A, 1, .attempts = 1, .established = 1);
	/* B had none open: it is gone. */
	assert_int_equal(count_backends(), 2);
	lab_abort(fd);
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
	collect();
	assert_int_equal(count_backends(), 1);
}

/* A fast open puts off its SYN until there is data to send. */
static void test_one_that_goes_stays_while_a_connect_is_on_its_way(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	(void)state;
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
	lab_service("peers", VIP, GW_POLICY_RR, (const char *const[]){A, NULL});
	assert_int_equal(lab_dial(fd, VIP), 0);
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	collect();
	counts_expect(A, 0, .attempts = 0);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	counts_expect(A, 1, .attempts = 1, .established = 1);
	lab_abort(fd);
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
}

/* The record of this socket, as if its connect had begun earlier. */
static void age_record(int fd, uint64_t seconds)
{
	int records = maps_open_one(LAB_PINS, "gw_conns");
	struct gw_conn conn;

	assert_return_code(records, 0);
	assert_return_code(bpf_map_lookup_elem(records, &fd, &conn), errno);
	assert_int_equal(conn.state, GW_CONN_PICKED);
	conn.start_ns -= seconds * 1000000000;
	assert_return_code(bpf_map_update_elem(records, &fd, &conn, BPF_ANY), errno);
	close(records);
}

/* Where records cannot be walked nothing tells of it: its socket is on no list of the kernel. */
static bool is_seen_without_a_packet(void)
{
	bool by_records;
	size_t unseen;

	assert_int_equal(conns_probe(&by_records, &unseen), 0);
	return by_records;
}

static void test_a_connect_that_never_sent_a_packet_holds_its_backend_for_ten_minutes(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, (const char *const[]){NOWHERE, NULL});
	assert_int_equal(lab_dial(fd, VIP), -ENETUNREACH);
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	if (is_seen_without_a_packet()) {
		age_record(fd, 590);
		collect();
		assert_int_equal(find(NOWHERE).state, VIEW_BACKEND_LEAVING);
		age_record(fd, 20);
	}
	collect();
	assert_int_equal(count_backends(), 1);
	close(fd);
}

static void test_the_counts_of_one_that_is_gone_are_the_services(void **state)
{
	struct gw_counters want = {.attempts = 3, .established = 3, .closed = 3};

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	for (int i = 0; i < 3; i++)
		lab_abort(lab_connect(VIP));
	counts_expect_service("peers", 0, &want);
	lab_service("peers", VIP, GW_POLICY_RR, a_b);
	counts_expect_service("peers", 0, &want);
	collect();
	assert_int_equal(count_backends(), 2);
	counts_expect_service("peers", 0, &want);
	lab_abort(lab_connect(VIP));
	want = (struct gw_counters){.attempts = 4, .established = 4, .closed = 4};
	counts_expect_service("peers", 0, &want);
}

/* The ids are few, so that one that is free is taken at once. */
static void test_an_id_is_used_again_only_after_the_last_connection(void **state)
{
	struct view_backend before, after;
	int fd;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	fd = lab_connect(VIP);
	before = find(C);
	for (int i = 0; i < 4; i++) {
		lab_service("peers", VIP, GW_POLICY_RR, a_b);
		collect();
		assert_int_not_equal(find(A).id, before.id);
		assert_int_not_equal(find(B).id, before.id);
		lab_service("peers", VIP, GW_POLICY_RR, (const char *const[]){NULL});
		collect();
	}
	assert_int_equal(find(C).active, 1);
	lab_abort(fd);
	collect();
	assert_int_equal(count_backends(), 0);
	/* As many as there are: one of them has the id. */
	lab_service("peers", VIP, GW_POLICY_RR, (const char *const[]){A, B, C, D, NULL});
	after = find(A);
	for (const char *const *other = (const char *const[]){B, C, D, NULL}; *other; other++)
		if (find(*other).id == before.id)
			after = find(*other);
	assert_int_equal(after.id, before.id);
	assert_int_not_equal(after.generation, before.generation);
	assert_int_equal(after.counters.attempts, 0);
	assert_int_equal(after.active, 0);
}

static uint32_t index_of(const char *name)
{
	struct view *view = lab_view();
	uint32_t index = lab_find_service(view, name)->index;

	view_close(view);
	return index;
}

static void test_a_service_that_comes_back_keeps_its_entry(void **state)
{
	const struct gw_counters want = {.attempts = 1, .established = 1};
	uint32_t index;
	int fd;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	fd = lab_connect(VIP);
	index = index_of("peers");
	lab_remove_service("peers");
	collect();
	assert_int_equal(find(C).state, VIEW_BACKEND_LEAVING);
	assert_int_equal(tables_service_count(lab.tables), 1);
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	assert_int_equal(index_of("peers"), index);
	assert_int_equal(find(C).state, VIEW_BACKEND_USABLE);
	counts_expect_service("peers", 1, &want);
	lab_abort(fd);
}

static void test_nothing_is_left_of_a_service_that_went(void **state)
{
	int fd;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	fd = lab_connect(VIP);
	lab_remove_service("peers");
	collect();
	lab_abort(fd);
	collect();
	assert_int_equal(tables_service_count(lab.tables), 0);
	assert_int_equal(tables_backend_count(lab.tables), 0);
	/* A new one begins with nothing. */
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	counts_expect_service("peers", 0, &(const struct gw_counters){.attempts = 0});
}

static void test_a_service_too_many_is_refused_and_the_others_work(void **state)
{
	char name[16], vip[LAB_TEXT];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "service-%d", i);
		snprintf(vip, sizeof(vip), "10.96.1.%d:80", i + 1);
		lab_service(name, vip, GW_POLICY_LC, i ? (const char *const[]){NULL} : only_c);
		assert_int_equal(!lab.refusal[0], i < 4);
	}
	assert_non_null(strstr(lab.refusal, "10.96.1.40:80"));
	assert_non_null(strstr(lab.refusal, "--max-services"));
	lab_abort(lab_connect("10.96.1.1:80"));
	counts_expect_service("service-0", 0,
			      &(const struct gw_counters){
				      .attempts = 1,
				      .established = 1,
				      .closed = 1,
			      });
	/* Room that is made is used. */
	lab_remove_service("service-1");
	collect();
	lab_service("service-39", "10.96.1.40:80", GW_POLICY_LC, only_c);
	assert_string_equal(lab.refusal, "");
	lab_abort(lab_connect("10.96.1.40:80"));
}

static enum view_service_state state_of(const char *name)
{
	struct view *view = lab_view();
	enum view_service_state state = lab_find_service(view, name)->state;

	view_close(view);
	return state;
}

/* Left to kube-proxy, of which there is none here, and it is said why. */
static void expect_no_room(const char *name, const char *vip)
{
	struct view *view = lab_view();

	assert_non_null(strstr(lab.refusal, vip));
	assert_non_null(strstr(lab.refusal, "--max-backends"));
	assert_int_equal(lab_find_service(view, name)->state, VIEW_SERVICE_NO_ROOM);
	assert_non_null(strstr(lab_find_service(view, name)->message, "--max-backends"));
	view_close(view);
	assert_int_equal(lab_connect(vip), -ENETUNREACH);
}

/* Five minutes are for those for whom there is room. */
static void test_backends_that_linger_make_room(void **state)
{
	int fd;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, a_b);
	fd = connect_to(A);
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	assert_int_equal(tables_collect(lab.tables, 60000), 0);
	assert_int_equal(count_backends(), 3);
	lab_service("more", "10.96.0.11:80", GW_POLICY_RR, a_b);
	expect_no_room("more", "10.96.0.11:80");
	assert_int_equal(tables_collect(lab.tables, 60000), 0);
	/* But not the one that has a connection. */
	assert_int_equal(find(A).active, 1);
	assert_int_equal(count_backends(), 2);
	lab_service("more", "10.96.0.11:80", GW_POLICY_RR, a_b);
	assert_string_equal(lab.refusal, "");
	lab_abort(fd);
	/* From now on they linger again. */
	lab_remove_service("more");
	assert_int_equal(tables_collect(lab.tables, 60000), 0);
	assert_int_equal(count_backends(), 4);
}

/* Also by an agent that comes while there is none. */
static void test_a_service_without_room_is_known_to_the_next_agent(void **state)
{
	static const char *const five[] = {A, B, C, D, "10.1.0.5:7051", NULL};

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, five);
	lab_close();
	lab_open();
	assert_int_equal(state_of("peers"), VIEW_SERVICE_NO_ROOM);
	assert_int_equal(tables_service_count(lab.tables), 1);
	lab_service("peers", VIP, GW_POLICY_RR, five);
	expect_no_room("peers", VIP);
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	assert_int_equal(state_of("peers"), VIEW_SERVICE_READY);
	lab_abort(lab_connect(VIP));
}

static void test_a_backend_too_many_is_refused_and_the_others_work(void **state)
{
	static const char *const five[] = {A, B, C, D, "10.1.0.5:7051", NULL};
	static const char *const four[] = {A, B, C, D, NULL};
	int fd;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_RR, four);
	assert_string_equal(lab.refusal, "");
	lab_abort(connect_to(A));
	lab_service("more", "10.96.0.11:80", GW_POLICY_RR, a_b);
	expect_no_room("more", "10.96.0.11:80");
	lab_abort(connect_to(A));
	/* One that was in force is so no more when it is not as it should be: connections go on. */
	fd = connect_to(A);
	lab_service("peers", VIP, GW_POLICY_RR, five);
	expect_no_room("peers", VIP);
	collect();
	assert_int_equal(find(A).state, VIEW_BACKEND_LEAVING);
	assert_int_equal(find(A).active, 1);
	lab_abort(fd);
	/* Those of them that have left make room. */
	collect();
	lab_service("peers", VIP, GW_POLICY_RR, only_c);
	assert_string_equal(lab.refusal, "");
	assert_int_equal(state_of("peers"), VIEW_SERVICE_READY);
	lab_abort(connect_to(C));
	lab_service("more", "10.96.0.11:80", GW_POLICY_RR, a_b);
	assert_string_equal(lab.refusal, "");
	lab_abort(lab_connect("10.96.0.11:80"));
}

static int start(void **state)
{
	static const char *const all[] = {A, B, C, D};

	lab.max_services = 4;
	lab.max_backends = 4;
	for (int i = 0; i < 4; i++)
		listeners[i] = lab_listen(all[i]);
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, lab_begin)
		LAB_TEST(test_a_backend_keeps_its_id_and_counts_through_changes),
		LAB_TEST(test_one_that_comes_back_in_time_is_the_same),
		LAB_TEST(test_one_that_goes_stays_while_its_connection_lives),
		LAB_TEST(test_one_that_goes_stays_while_a_connect_is_on_its_way),
		LAB_TEST(test_a_connect_that_never_sent_a_packet_holds_its_backend_for_ten_minutes),
		LAB_TEST(test_the_counts_of_one_that_is_gone_are_the_services),
		LAB_TEST(test_an_id_is_used_again_only_after_the_last_connection),
		LAB_TEST(test_a_service_that_comes_back_keeps_its_entry),
		LAB_TEST(test_nothing_is_left_of_a_service_that_went),
		LAB_TEST(test_a_service_too_many_is_refused_and_the_others_work),
		LAB_TEST(test_a_backend_too_many_is_refused_and_the_others_work),
		LAB_TEST(test_backends_that_linger_make_room),
		LAB_TEST(test_a_service_without_room_is_known_to_the_next_agent),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
