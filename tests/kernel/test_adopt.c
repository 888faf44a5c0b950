// SPDX-License-Identifier: Apache-2.0
/* An agent that ends and begins anew takes over what is there: connections, counts, sets; also when
 * it was interrupted half-way. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <gwbpf/takeover.h>

#include "base/addr.h"
#include "kernel/conns.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/maps.h"
#include "kernel/records.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"
#define B "10.1.0.2:7051"

static const char *const only_a[] = {A, NULL};
static const char *const only_b[] = {B, NULL};

static pid_t servers[2];

static void test_a_new_agent_goes_on_with_connections_and_counts(void **state)
{
	char text[LAB_TEXT];
	int fd;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	lab_abort(lab_connect(VIP));
	fd = lab_connect(VIP);
	lab_close();
	/* While no agent runs, all goes on. */
	counts_expect(A, 1, .attempts = 2, .established = 2, .closed = 1);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 1, .attempts = 3, .established = 3, .closed = 2);
	lab_open();
	assert_true(datapath_is_adopted(lab.datapath));
	counts_expect(A, 1, .attempts = 3, .established = 3, .closed = 2);
	assert_string_equal(lab_peer_name(fd, text), VIP);
	/* The set that is there is known: the same one changes nothing. */
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	lab_abort(fd);
	counts_expect(A, 0, .attempts = 3, .established = 3, .closed = 3);
}

static void connect_without_pause(struct crew_member *me, void *arg)
{
	(void)arg;
	while (!me->stop && !me->problem[0]) {
		int fd = lab_connect(VIP), greeting = fd < 0 ? fd : server_greeting(fd);

		if (greeting != 1)
			crew_problem(me, "%s", greeting < 0 ? strerror(-greeting) : "elsewhere");
		if (fd >= 0)
			lab_abort(fd);
		me->done++;
	}
}

static void test_programs_are_replaced_without_a_gap(void **state)
{
	struct gw_counters want = {0};
	struct crew *crew;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	lab_close();
	crew = crew_start(2, connect_without_pause, NULL);
	for (int i = 0; i < 3; i++) {
		lab_open();
		lab_close();
	}
	want.attempts = crew_stop(crew);
	want.established = want.closed = want.attempts;
	assert_in_range(want.attempts, 100, UINT64_MAX);
	lab_open();
	counts_expect_service("peers", 0, &want);
}

/* What was counted on a backend that is just coming to its end, in fold() of its id. */
struct end {
	struct maps maps;
	uint32_t service;
	uint32_t backend;
};

/* The stores of retire_backend() in their order; each stands for a kill behind it. */
static void write_journal(struct end *end)
{
	struct gw_meta *meta = end->maps.meta;

	meta->journal.service = end->service;
	meta->journal.backend = end->backend;
	meta->journal.sum = end->maps.retired[end->service].gone;
	counters_add(&meta->journal.sum, &end->maps.counters[end->backend]);
}

static void make_valid(struct end *end)
{
	end->maps.meta->journal.valid = 1;
}

static void fold(struct end *end)
{
	end->maps.retired[end->service].gone = end->maps.meta->journal.sum;
}

static void change_generation(struct end *end)
{
	end->maps.backends[end->backend].generation = end->maps.meta->next_generation++;
}

static void clear_counts(struct end *end)
{
	memset(&end->maps.counters[end->backend], 0, sizeof(struct gw_counters));
	end->maps.loads[end->backend] = 0;
}

static void set_free(struct end *end)
{
	end->maps.backends[end->backend].use = GW_USE_FREE;
}

static void (*const stores[])(struct end *end) = {
	write_journal, make_valid, fold, change_generation, clear_counts, set_free,
};

static void find_end(struct end *end)
{
	struct view *view = lab_view();

	end->service = lab_find_service(view, "peers")->index;
	end->backend = lab_backend(view, A)->id;
	view_close(view);
	assert_int_equal(maps_open(LAB_PINS, true, &end->maps), 0);
}

static void test_counts_of_a_backend_that_ends_are_kept_wherever_it_is_interrupted(void **state)
{
	const struct gw_counters want = {.attempts = 5, .established = 5, .closed = 5};
	struct end end;

	for (size_t done = 0; done <= sizeof(stores) / sizeof(*stores); done++) {
		lab_begin(state);
		lab_service("peers", VIP, GW_POLICY_LC, only_a);
		for (int i = 0; i < 5; i++)
			lab_abort(lab_connect(VIP));
		lab_service("peers", VIP, GW_POLICY_LC, only_b);
		find_end(&end);
		tables_close(lab.tables);
		for (size_t i = 0; i < done; i++)
			stores[i](&end);
		maps_close(&end.maps);
		/* Also for as long as no agent comes. */
		counts_expect_service("peers", 0, &want);
		assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
		counts_expect_service("peers", 0, &want);
		assert_int_equal(tables_collect(lab.tables, 0), 0);
		counts_expect_service("peers", 0, &want);
		assert_int_equal(tables_backend_count(lab.tables), 1);
	}
}

/* As it is between the last store of a new Service and the insertion that lets connects find it. */
static void test_a_service_that_was_not_yet_in_force_is_not_shown(void **state)
{
	struct gw_vip_key key = {.port = htons(7051), .protocol = IPPROTO_TCP};
	const struct view_service *services;
	struct view *view;
	struct maps maps;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	tables_close(lab.tables);
	assert_int_equal(maps_open(LAB_PINS, true, &maps), 0);
	assert_int_equal(addr_parse("10.96.0.10", &key.address), 0);
	assert_int_equal(bpf_map_delete_elem(maps.vips_fd, &key), 0);
	maps_close(&maps);
	assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
	view = lab_view();
	assert_int_equal(view_services(view, &services), 0);
	view_close(view);
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	lab_abort(lab_connect(VIP));
	assert_int_equal(tables_service_count(lab.tables), 1);
	counts_expect_service("peers", 0,
			      &(const struct gw_counters){
				      .attempts = 1,
				      .established = 1,
				      .closed = 1,
			      });
}

/* As it is when an agent ends between making a backend and putting it into a set. */
static void test_a_backend_that_reached_no_set_is_set_free(void **state)
{
	struct maps maps;
	uint32_t free_id = 0;

	(void)state;
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	tables_close(lab.tables);
	assert_int_equal(maps_open(LAB_PINS, true, &maps), 0);
	while (maps.backends[free_id].use)
		free_id++;
	maps.backends[free_id].service = 0;
	maps.backends[free_id].port = htons(1);
	maps.backends[free_id].use = GW_USE_TAKEN;
	maps_close(&maps);
	assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
	assert_int_equal(tables_backend_count(lab.tables), 2);
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	assert_int_equal(tables_backend_count(lab.tables), 1);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
}

/* One that never had any: there is nothing to put in order. */
static void test_a_service_without_backends_is_taken_over(void **state)
{
	(void)state;
	lab_service("peers", VIP, GW_POLICY_LC, (const char *const[]){NULL});
	lab_close();
	lab_open();
	assert_int_equal(tables_service_count(lab.tables), 1);
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
}

/* How many bits of gw_filter are set; before that set more of them, as a killed agent leaves them. */
static size_t filter_bits(uint64_t stray)
{
	struct maps maps;
	size_t count = 0;

	assert_int_equal(maps_open(LAB_PINS, true, &maps), 0);
	for (size_t i = 0; i < maps.filter_count; i++) {
		maps.filter[i] |= stray;
		count += (size_t)__builtin_popcountll(maps.filter[i]);
	}
	maps_close(&maps);
	return count;
}

static void test_the_filter_has_the_addresses_that_are_balanced_and_no_others(void **state)
{
	(void)state;
	assert_int_equal(filter_bits(0), 0);
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	assert_int_equal(filter_bits(0), 1);
	tables_close(lab.tables);
	assert_int_equal(filter_bits(~0ull), GW_FILTER_WORDS * 64);
	assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
	assert_int_equal(filter_bits(0), 1);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
	lab_remove_service("peers");
	assert_int_equal(filter_bits(0), 0);
}

/* The map of an earlier version, pinned in the place of ours, with a record for this socket. */
static void pin_old_records(int socket_fd, const struct gw_conn_2 *record)
{
	int fd = records_make("gw_conns", sizeof(*record));

	assert_return_code(fd, -fd);
	assert_return_code(bpf_map_update_elem(fd, &socket_fd, record, BPF_ANY), errno);
	assert_return_code(unlink(LAB_PINS "/maps/gw_conns"), errno);
	assert_return_code(bpf_obj_pin(fd, LAB_PINS "/maps/gw_conns"), errno);
	close(fd);
}

/* was_killed: an agent before this one, when it had begun to replace the pins. */
static void take_old_records_over(bool was_killed)
{
	struct gw_conn_2 record = {
		.state = GW_CONN_COUNTED,
		.port = htons(7051),
		.start_ns = 1,
		.tgid = 4711,
	};
	char message[DATAPATH_MESSAGE_MAX], text[LAB_TEXT];
	struct gw_walk_conn *conns;
	struct maps maps;
	size_t count;
	int fd;

	assert_int_equal(addr_parse("10.96.0.10", &record.vip), 0);
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	fd = lab_connect(VIP);
	assert_int_equal(maps_open(LAB_PINS, true, &maps), 0);
	maps.meta->abi = 2;
	maps_close(&maps);
	lab_close();
	pin_old_records(fd, &record);
	if (was_killed)
		assert_return_code(unlink(LAB_PINS "/maps/gw_meta"), errno);
	assert_int_equal(lab_try_open(lab.cgroup, message), 0);
	assert_false(datapath_is_adopted(lab.datapath));
	if (strstr(message, "does not let their records be copied")) {
		/* Before 5.11: what the log says is true. */
		assert_string_equal(lab_peer_name(fd, text), A);
	} else {
		if (!was_killed)
			assert_non_null(strstr(message, "live connections go on"));
		assert_string_equal(lab_peer_name(fd, text), VIP);
		assert_int_equal(conns_walk_once(LAB_PINS, &conns, &count), 0);
		assert_int_equal(count, 1);
		assert_int_equal(conns->conn.tgid, 4711);
		free(conns);
	}
	lab_service("peers", VIP, GW_POLICY_LC, only_a);
	/* Its end is nobody's who is counted now. */
	lab_abort(fd);
	counts_expect(A, 0, .attempts = 0);
	lab_abort(lab_connect(VIP));
	counts_expect(A, 0, .attempts = 1, .established = 1, .closed = 1);
}

static void test_records_of_another_size_are_taken_over(void **state)
{
	(void)state;
	take_old_records_over(false);
}

static void test_they_are_too_if_the_first_try_was_killed(void **state)
{
	(void)state;
	take_old_records_over(true);
}

static int start(void **state)
{
	servers[0] = server_start(lab_listen(A), SERVER_GREET);
	servers[1] = server_start(lab_listen(B), SERVER_GREET);
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, lab_begin)
		LAB_TEST(test_a_new_agent_goes_on_with_connections_and_counts),
		LAB_TEST(test_programs_are_replaced_without_a_gap),
		LAB_TEST(test_counts_of_a_backend_that_ends_are_kept_wherever_it_is_interrupted),
		LAB_TEST(test_a_service_that_was_not_yet_in_force_is_not_shown),
		LAB_TEST(test_a_backend_that_reached_no_set_is_set_free),
		LAB_TEST(test_a_service_without_backends_is_taken_over),
		LAB_TEST(test_the_filter_has_the_addresses_that_are_balanced_and_no_others),
		LAB_TEST(test_records_of_another_size_are_taken_over),
		LAB_TEST(test_they_are_too_if_the_first_try_was_killed),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
