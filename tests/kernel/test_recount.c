// SPDX-License-Identifier: Apache-2.0
/* Counting the connections that exist: after a time in which nobody saw them end, and, as an audit,
 * while thousands come and go. */
#include "kernel/lab.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/links.h"
#include "kernel/maps.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define PEERS 3
#define OPENED 30
#define CLIENTS 3
#define KEPT 20
#define AUDITS_MIN 9
#define AUDITS_SECONDS 10
#define UNSETTLED_MAX 20

static const char *const peers[PEERS + 1] = {"10.1.0.1:7051", "10.1.0.2:7051", "10.1.0.3:7051"};

/* What is missing may have to be so twice; and where closes come faster than walks, as on a
 * processor that is emulated, a backend may have to be looked at anew. */
static struct recount recount(void)
{
	struct recount sum = {0}, one;
	int unsettled = 0;

	for (int again = 0;; again++) {
		assert_return_code(tables_recount(lab.tables, &one), 0);
		sum.added += one.added;
		sum.removed += one.removed;
		sum.corrected += one.corrected;
		if (!one.unsettled && !one.doubted)
			return sum;
		unsettled += one.unsettled != 0;
		assert_in_range(again, 0, unsettled);
		assert_in_range(unsettled, 0, UNSETTLED_MAX);
	}
}

static void expect_active(uint32_t expected)
{
	struct view *view = lab_view();
	const struct view_service *service = lab_find_service(view, "main");

	assert_int_equal(service->active, expected);
	assert_int_equal(service->counters.established - service->counters.closed, expected);
	view_close(view);
}

static void open_all(int fds[OPENED])
{
	for (int i = 0; i < OPENED; i++) {
		fds[i] = lab_connect(VIP);
		assert_true(fds[i] >= 0);
	}
}

static void close_some(int *fds, int from, int to)
{
	for (int i = from; i < to; i++)
		lab_abort(fds[i]);
}

static void detach_hooks(void)
{
	for (int i = GW_HOOK_MAX_ - 1; i >= 0; i--)
		assert_return_code(links_detach(LAB_PINS, (enum gw_hook)i), 0);
}

static void attach_hooks(void)
{
	char message[DATAPATH_MESSAGE_MAX];

	assert_return_code(datapath_attach(lab.datapath, message), 0);
}

static void test_counts_are_right_after_a_gap(void **state)
{
	struct recount result;
	int fds[OPENED], unseen;

	(void)state;
	open_all(fds);
	close_some(fds, 0, 5);
	expect_active(25);
	detach_hooks();
	close_some(fds, 5, 17);
	/* Nobody saw it begin: it is none of ours. */
	unseen = lab_connect("10.1.0.1:7051");
	assert_true(unseen >= 0);
	attach_hooks();
	result = recount();
	assert_int_equal(result.removed, 12);
	assert_int_equal(result.added, 0);
	expect_active(13);
	/* Those that lived through it are seen to end. */
	close_some(fds, 17, OPENED);
	lab_abort(unseen);
	expect_active(0);
	result = recount();
	assert_int_equal(result.corrected, 0);
}

static void test_a_socket_that_ended_in_the_gap_is_gone_though_it_is_open(void **state)
{
	pid_t server = server_start(lab_listen("10.1.0.4:7051"), SERVER_GREET);
	int fd;

	(void)state;
	lab_service("main", VIP, GW_POLICY_RR, (const char *const[]){"10.1.0.4:7051", NULL});
	fd = lab_connect(VIP);
	assert_true(fd >= 0);
	detach_hooks();
	lab_disconnect(fd);
	attach_hooks();
	assert_int_equal(recount().removed, 1);
	expect_active(0);
	/* And once more, from the same socket. */
	assert_int_equal(lab_dial(fd, VIP), 0);
	expect_active(1);
	assert_int_equal(recount().corrected, 0);
	lab_abort(fd);
	expect_active(0);
	server_stop(server);
}

static void add_to_loads(int by)
{
	struct maps maps;

	assert_return_code(maps_open(LAB_PINS, true, &maps), 0);
	for (size_t i = 0; i < maps.backends_count; i++)
		if (maps.backends[i].use == GW_USE_TAKEN)
			__atomic_fetch_add(&maps.loads[i], (uint64_t)by, __ATOMIC_SEQ_CST);
	maps_close(&maps);
}

static void test_a_count_that_is_too_low_is_raised(void **state)
{
	struct recount result;
	int fds[OPENED];

	(void)state;
	open_all(fds);
	add_to_loads(-4);
	result = recount();
	assert_int_equal(result.corrected, PEERS);
	assert_int_equal(result.added, 4 * PEERS);
	expect_active(OPENED);
	close_some(fds, 0, OPENED);
	expect_active(0);
}

static void test_a_count_never_falls_below_nothing(void **state)
{
	int fds[OPENED];

	(void)state;
	open_all(fds);
	add_to_loads(-OPENED / PEERS);
	close_some(fds, 0, OPENED);
	expect_active(0);
	assert_int_equal(recount().corrected, 0);
}

static void test_a_recount_that_was_interrupted_leaves_nothing_behind(void **state)
{
	int fds[OPENED];

	(void)state;
	tables_meta(lab.tables)->epoch |= 1;
	open_all(fds);
	assert_int_equal(recount().corrected, 0);
	expect_active(OPENED);
	assert_int_equal(tables_meta(lab.tables)->epoch & 1, 0);
	close_some(fds, 0, OPENED);
	expect_active(0);
}

/* Connections of every age, without a pause; some are kept to the end. */
static void come_and_go(struct crew_member *me, void *arg)
{
	int kept[KEPT];

	(void)arg;
	for (int i = 0; i < KEPT; i++)
		kept[i] = -1;
	for (int i = 0; !me->stop; i = (i + 1) % KEPT) {
		if (kept[i] >= 0)
			lab_abort(kept[i]);
		kept[i] = lab_connect(VIP);
		if (kept[i] < 0)
			crew_problem(me, "connect: %s", strerror(-kept[i]));
		me->done++;
	}
	crew_rest(me);
}

/* What the test puts wrong is put right, and nothing else is touched. */
static void audit(int round)
{
	const int wrong[] = {0, 5, -3};
	int by = wrong[round % 3];
	struct recount result;

	add_to_loads(by);
	result = recount();
	assert_int_equal(result.removed, by > 0 ? by * PEERS : 0);
	assert_int_equal(result.added, by < 0 ? -by * PEERS : 0);
}

static void test_an_audit_under_load_is_exact(void **state)
{
	uint64_t missed = lab_reason(GW_REASON_MISSED_CLOSE);
	struct crew *crew;
	uint64_t opened;
	double start, seconds = 0;
	int audits = 0;

	(void)state;
	crew = crew_start(CLIENTS, come_and_go, NULL);
	start = clock_read_seconds(CLOCK_MONOTONIC);
	for (; audits < AUDITS_MIN || seconds < AUDITS_SECONDS; audits++) {
		audit(audits);
		seconds = clock_read_seconds(CLOCK_MONOTONIC) - start;
	}
	crew_tell(crew);
	crew_await_rest(crew);
	assert_int_equal(recount().corrected, 0);
	opened = crew_stop(crew);
	print_message("# %d audits of %.0f ms at %.0f opens a second\n", audits,
		      seconds * 1000 / audits, (double)opened / seconds);
	assert_int_equal(lab_reason(GW_REASON_MISSED_CLOSE), missed);
}

static int start(void **state)
{
	lab_start(state);
	for (int i = 0; i < PEERS; i++)
		server_start(lab_listen(peers[i]), SERVER_GREET);
	return 0;
}

static int begin(void **state)
{
	lab_begin(state);
	lab_service("main", VIP, GW_POLICY_RR, peers);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, begin)
		LAB_TEST(test_counts_are_right_after_a_gap),
		LAB_TEST(test_a_socket_that_ended_in_the_gap_is_gone_though_it_is_open),
		LAB_TEST(test_a_count_that_is_too_low_is_raised),
		LAB_TEST(test_a_count_never_falls_below_nothing),
		LAB_TEST(test_a_recount_that_was_interrupted_leaves_nothing_behind),
		LAB_TEST(test_an_audit_under_load_is_exact),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
