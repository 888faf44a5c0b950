// SPDX-License-Identifier: Apache-2.0
/* Thousands of connections, at once and with every kind of end: in the end each is counted as what
 * it was. Those who make them keep the list. */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/roads.h"
#include "kernel/server.h"

#define SEED 20240229u
#define PROCESSES 4
#define THREADS 4
#define ROUNDS 250
#define CHANGES 100
#define KEPT_MAX 30

enum which { GOOD, RESETTING, CLOSING, REFUSING, HOLE, NOWHERE, WHICH_MAX_ };

static const struct {
	const char *name;
	const char *vip;
	const char *backends[4];
} services[WHICH_MAX_] = {
	[GOOD] = {"good", "10.96.0.1:80", {"10.1.0.1:7051", "10.1.0.2:7051", "10.1.0.3:7051"}},
	[RESETTING] = {"resetting", "10.96.0.2:80", {"10.1.0.4:7051"}},
	[CLOSING] = {"closing", "10.96.0.3:80", {"10.1.0.5:7051"}},
	[REFUSING] = {"refusing", "10.96.0.4:80", {"10.1.0.6:7051"}},
	[HOLE] = {"hole", "10.96.0.5:80", {ROADS_HOLE}},
	[NOWHERE] = {"nowhere", "10.96.0.6:80", {ROADS_NOWHERE}},
};

/* What was done, in memory that all share. */
struct done {
	struct gw_counters counts[WHICH_MAX_];
	__u64 kept;
	__u64 no_syn;
	volatile bool goes_on; /* the test is not yet through */
};

struct worker {
	pthread_t thread;
	struct crew_member *me;
	struct done *done;
	unsigned int seed;
	int kept[KEPT_MAX];
	int kept_count;
};

static void note(__u64 *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

static int new_socket(int flags)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
}

static void expect(struct worker *worker, enum which which, int result, int expected)
{
	if (result != expected)
		crew_problem(worker->me, "service '%s': %s, expected %s", services[which].name,
			     strerror(-result), strerror(-expected));
}

static void note_established(struct worker *worker, enum which which, bool is_closed)
{
	struct gw_counters *counts = &worker->done->counts[which];

	note(&counts->attempts);
	note(&counts->established);
	if (is_closed)
		note(&counts->closed);
}

/* A connection that works; the caller ends it. */
static int reach(struct worker *worker, bool is_closed)
{
	int fd = new_socket(0);

	expect(worker, GOOD, lab_dial(fd, services[GOOD].vip), 0);
	note_established(worker, GOOD, is_closed);
	return fd;
}

static void visit(struct worker *worker)
{
	int fd = reach(worker, true);

	if (server_greeting(fd) < 0)
		crew_problem(worker->me, "no greeting");
	close(fd);
}

static void break_off(struct worker *worker)
{
	lab_abort(reach(worker, true));
}

static void keep(struct worker *worker)
{
	if (worker->kept_count == KEPT_MAX)
		return;
	worker->kept[worker->kept_count++] = reach(worker, false);
	note(&worker->done->kept);
}

/* Mostly before the greeting comes. */
static void use_again(struct worker *worker)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int fd = reach(worker, true);

	connect(fd, &nobody, sizeof(nobody));
	expect(worker, GOOD, lab_dial(fd, services[GOOD].vip), 0);
	note_established(worker, GOOD, true);
	close(fd);
}

/* connect(2) itself may see the reset: it was established all the same. */
static void be_reset(struct worker *worker)
{
	int fd = new_socket(0), err = lab_dial(fd, services[RESETTING].vip);
	char byte;

	if (err)
		expect(worker, RESETTING, err, -ECONNRESET);
	else if (recv(fd, &byte, 1, 0) != -1 || errno != ECONNRESET)
		crew_problem(worker->me, "no reset");
	note_established(worker, RESETTING, true);
	note(&worker->done->counts[RESETTING].reset);
	close(fd);
}

static void be_left(struct worker *worker)
{
	int fd = new_socket(0);

	expect(worker, CLOSING, lab_dial(fd, services[CLOSING].vip), 0);
	expect(worker, CLOSING, server_greeting(fd), -ENODATA);
	note_established(worker, CLOSING, true);
	close(fd);
}

static void be_refused(struct worker *worker)
{
	int fd = new_socket(0);

	expect(worker, REFUSING, lab_dial(fd, services[REFUSING].vip), -ECONNREFUSED);
	note(&worker->done->counts[REFUSING].attempts);
	note(&worker->done->counts[REFUSING].refused);
	close(fd);
}

/* A busy machine may take so long until the close that the SYN is repeated: see expect_hole(). */
static void give_up(struct worker *worker)
{
	int fd = new_socket(SOCK_NONBLOCK);

	expect(worker, HOLE, lab_dial(fd, services[HOLE].vip), -EINPROGRESS);
	note(&worker->done->counts[HOLE].attempts);
	note(&worker->done->counts[HOLE].canceled);
	close(fd);
}

static void find_no_route(struct worker *worker)
{
	int fd = new_socket(0);

	expect(worker, NOWHERE, lab_dial(fd, services[NOWHERE].vip), -ENETUNREACH);
	note(&worker->done->no_syn);
	close(fd);
}

static void (*const deeds[])(struct worker *worker) = {
	visit, break_off, keep, use_again, be_reset, be_left, be_refused, give_up, find_no_route,
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (int i = 0; i < ROUNDS || worker->done->goes_on; i++)
		deeds[(size_t)rand_r(&worker->seed) % (sizeof(deeds) / sizeof(*deeds))](worker);
	return NULL;
}

static void work_in_threads(struct crew_member *me, void *arg)
{
	static struct worker workers[THREADS];

	for (unsigned int i = 0; i < THREADS; i++) {
		workers[i].me = me;
		workers[i].done = arg;
		workers[i].seed = SEED + 100 * me->number + i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			crew_problem(me, "no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	crew_rest(me);
}

/* What the tests of this group have done so far: the counts go on. */
static struct done *done;

/* Canceled and timed out differ by a SYN that was repeated; which it was, the clock decides. */
static void expect_hole(const struct gw_counters *want)
{
	struct view *view = lab_view();
	struct gw_counters seen = lab_find_service(view, "hole")->counters;

	view_close(view);
	assert_int_equal(seen.canceled + seen.timed_out, want->canceled);
	counts_expect_service("hole", 0,
			      &(struct gw_counters){
				      .attempts = want->attempts,
				      .canceled = seen.canceled,
				      .timed_out = seen.timed_out,
			      });
}

static void expect_all(uint64_t open)
{
	for (int i = 0; i < WHICH_MAX_; i++)
		if (i != HOLE)
			counts_expect_service(services[i].name, i == GOOD ? (uint32_t)open : 0,
					      &done->counts[i]);
	expect_hole(&done->counts[HOLE]);
	assert_int_equal(lab_reason(GW_REASON_NO_SYN), done->no_syn);
	assert_int_equal(lab_reason(GW_REASON_BACKEND_GONE), 0);
	assert_int_equal(lab_reason(GW_REASON_MISSED_CLOSE), 0);
}

/* Some of its backends, at least one of which takes new connections. */
static void change_good(void)
{
	char texts[3][LAB_TEXT];
	const char *some[4] = {0};
	int count = 0, sure = (int)(random() % 3);

	for (int i = 0; i < 3; i++) {
		if (i != sure && random() % 2)
			continue;
		snprintf(texts[i], sizeof(texts[i]), "%s*%ld", services[GOOD].backends[i],
			 i == sure ? 1 : random() % 3);
		some[count++] = texts[i];
	}
	lab_service(services[GOOD].name, services[GOOD].vip,
		    (enum gw_policy)(random() % GW_POLICY_MAX_), some);
}

/* Backends are drained, go and come back, and their ids are given out again as soon as they can be;
 * and an audit finds nothing to correct. */
static void change_everything(void)
{
	struct recount recount;
	int which = 1 + (int)(random() % (WHICH_MAX_ - 1));

	change_good();
	lab_service(services[which].name, services[which].vip,
		    (enum gw_policy)(random() % GW_POLICY_MAX_), services[which].backends);
	if (random() % 4 == 0)
		assert_int_equal(tables_collect(lab.tables, 0), 0);
	if (random() % 8)
		return;
	assert_int_equal(tables_recount(lab.tables, &recount), 0);
	assert_int_equal(recount.corrected, 0);
}

static void do_everything(void (*meanwhile)(void))
{
	struct crew *crew;

	print_message("# seed %u\n", SEED);
	srandom(SEED);
	done->goes_on = meanwhile != NULL;
	crew = crew_start(PROCESSES, work_in_threads, done);
	for (int i = 0; i < CHANGES && meanwhile; i++)
		meanwhile();
	done->goes_on = false;
	crew_await_rest(crew);
	expect_all(done->kept);
	crew_stop(crew);
	done->counts[GOOD].closed = done->counts[GOOD].established;
	done->kept = 0;
	expect_all(0);
}

static void test_every_connection_is_counted_as_what_it_was(void **state)
{
	(void)state;
	do_everything(NULL);
}

static void test_nothing_is_lost_while_sets_change_and_ids_are_used_again(void **state)
{
	(void)state;
	do_everything(change_everything);
}

#define REFUSALS 15000

static void be_refused_often(struct crew_member *me, void *arg)
{
	struct worker worker = {.me = me, .done = arg};

	for (int i = 0; i < REFUSALS; i++)
		be_refused(&worker);
}

/* What takes the least time between two adds: two of them that are not atomic lose one in hundreds. */
static void test_no_add_of_processes_at_once_is_lost(void **state)
{
	(void)state;
	crew_wait(crew_start(PROCESSES, be_refused_often, done));
	expect_all(0);
}

static int start(void **state)
{
	roads_start(state);
	/* Where there is little memory it is a few thousand, and beyond them a late packet of a
	 * connection that ended meets nobody and is answered with a reset. */
	lab_run("echo 262144 >/proc/sys/net/ipv4/tcp_max_tw_buckets");
	done = crew_memory(sizeof(*done));
	for (int i = 0; i < 3; i++)
		server_start(lab_listen(services[GOOD].backends[i]), SERVER_GREET);
	server_start(lab_listen(services[RESETTING].backends[0]), SERVER_RESET);
	server_start(lab_listen(services[CLOSING].backends[0]), SERVER_CLOSE);
	for (int i = 0; i < WHICH_MAX_; i++)
		lab_service(services[i].name, services[i].vip, GW_POLICY_LC, services[i].backends);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_connection_is_counted_as_what_it_was),
		cmocka_unit_test(test_no_add_of_processes_at_once_is_lost),
		cmocka_unit_test(test_nothing_is_lost_while_sets_change_and_ids_are_used_again),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, roads_stop);
}
