// SPDX-License-Identifier: Apache-2.0
/*
 * An agent is killed at random instants while it changes the tables, under connects that never
 * pause. The next one must find each Service as it was or as it was to be, and in the end all is
 * counted and every id is free.
 */
#include "kernel/lab.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/counts.h"
#include "kernel/crew.h"
#include "kernel/server.h"

#define SEED 20240307u
#define KILLS 120
#define KILLS_AT_LEAST 12 /* where the processor is emulated, and the time is over */
#define TIME_NS (60 * 1000000000ull)
#define CLIENTS 2
#define KEPT_MAX 20
#define SERVICES 6
#define STEADY 3        /* of them never go: clients dial these */
#define PEERS 8         /* that a Service may have; which it has is a mask of bits */
#define COLLECT_EVERY 8 /* changes: a round is slow */

/* In memory that all share. */
static struct shared {
	uint32_t now[SERVICES];  /* masks; 0: there is no such Service */
	uint32_t next[SERVICES]; /* what is being written */
	uint32_t steps;
	__u64 connects[STEADY];
	__u64 kept[STEADY];
} * shared;

static const char *name_of(int service, char buf[LAB_TEXT])
{
	snprintf(buf, LAB_TEXT, "service-%d", service);
	return buf;
}

static const char *vip_of(int service, char buf[LAB_TEXT])
{
	snprintf(buf, LAB_TEXT, "10.96.1.%d:7051", service + 1);
	return buf;
}

/* Backends are 10.2.0.N, and greet with N. */
static int write_mask(int service, uint32_t mask)
{
	char texts[PEERS][LAB_TEXT], name[LAB_TEXT], vip[LAB_TEXT];
	const char *set[PEERS + 1];
	int count = 0;

	if (!mask)
		return lab_try_remove_service(name_of(service, name));
	for (int i = 0; i < PEERS; i++) {
		if (!(mask & 1u << i))
			continue;
		snprintf(texts[i], sizeof(texts[i]), "10.2.0.%d:7051", service * PEERS + i + 1);
		set[count++] = texts[i];
	}
	set[count] = NULL;
	return lab_try_service(name_of(service, name), vip_of(service, vip),
			       service % 2 ? GW_POLICY_RR : GW_POLICY_LC, set);
}

static uint32_t random_mask(int service)
{
	uint32_t mask = (uint32_t)random() % (1u << PEERS);

	if (service < STEADY)
		return mask ? mask : 1;
	return random() % 2 ? mask : 0;
}

/* The agent that will be killed. Ends by itself only if something goes wrong. */
static void change_for_ever(unsigned int seed)
{
	int service, err;

	srandom(seed);
	if (tables_open(LAB_PINS, &lab.tables))
		_exit(1);
	for (int i = 1;; i++) {
		service = (int)(random() % SERVICES);
		shared->next[service] = random_mask(service);
		err = write_mask(service, shared->next[service]);
		if (err)
			_exit(2);
		shared->now[service] = shared->next[service];
		if (i % COLLECT_EVERY == 0 && tables_collect(lab.tables, 0))
			_exit(3);
		__atomic_add_fetch(&shared->steps, 1, __ATOMIC_RELEASE);
	}
}

/* After some steps, and then within the next: this is the instant, nothing is waited for. */
static void kill_at_random(pid_t agent)
{
	uint32_t steps = (uint32_t)random() % 16;
	uint64_t until;
	int status;

	while (__atomic_load_n(&shared->steps, __ATOMIC_ACQUIRE) < steps &&
	       !waitpid(agent, &status, WNOHANG))
		;
	until = clock_now_ns() + (uint64_t)random() % 300000;
	while (clock_now_ns() < until)
		;
	kill(agent, SIGKILL);
	assert_int_equal(waitpid(agent, &status, 0), agent);
	assert_true(WIFSIGNALED(status));
}

/* What the tables say of a Service now. */
static uint32_t mask_of(int service)
{
	char name[LAB_TEXT];
	const struct present *have = NULL;
	uint32_t mask = 0;
	size_t count;

	assert_int_equal(tables_present(lab.tables, "lab", name_of(service, name), &have, &count),
			 0);
	for (size_t i = 0; i < count; i++) {
		if (have[i].withdrawn || !have[i].published)
			continue;
		assert_int_equal(mask, 0);
		for (size_t j = 0; j < have[i].member_count; j++) {
			const uint8_t *bytes = (const uint8_t *)&have[i].members[j].address;

			mask |= 1u << (bytes[15] - 1 - service * PEERS);
		}
	}
	return mask;
}

static void expect_old_or_new(int service)
{
	uint32_t mask = mask_of(service);

	if (mask != shared->now[service] && mask != shared->next[service])
		fail_msg("service-%d has the set %#x: neither %#x nor %#x", service, mask,
			 shared->now[service], shared->next[service]);
	shared->now[service] = shared->next[service] = mask;
}

/* Counts never go back, and the picture holds no more backends than the tables. */
static void expect_sound(uint64_t before[STEADY])
{
	const struct view_backend *backends;
	struct view *view = lab_view();
	char name[LAB_TEXT];

	assert_int_equal(view_backends(view, &backends), tables_backend_count(lab.tables));
	for (int i = 0; i < STEADY; i++) {
		uint64_t attempts = lab_find_service(view, name_of(i, name))->counters.attempts;

		assert_in_range(attempts, before[i], UINT64_MAX);
		before[i] = attempts;
	}
	view_close(view);
}

static bool is_peer(int service, int greeting)
{
	return greeting > service * PEERS && greeting <= (service + 1) * PEERS;
}

static void note(__u64 *count)
{
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

static void connect_without_pause(struct crew_member *me, void *arg)
{
	int kept = 0;

	(void)arg;
	srandom(SEED + me->number);
	while (!me->stop && !me->problem[0]) {
		char vip[LAB_TEXT];
		int service = (int)(random() % STEADY), fd = lab_connect(vip_of(service, vip));
		int greeting = fd < 0 ? fd : server_greeting(fd);

		if (!is_peer(service, greeting)) {
			crew_problem(me, "service-%d: %d", service, greeting);
			return;
		}
		note(&shared->connects[service]);
		me->done++;
		if (kept < KEPT_MAX && random() % 64 == 0) {
			kept++;
			note(&shared->kept[service]);
		} else {
			lab_abort(fd);
		}
	}
}

/* Stops to connect, but keeps what it has. */
static void connect_then_rest(struct crew_member *me, void *arg)
{
	connect_without_pause(me, arg);
	crew_rest(me);
}

static void expect_counts(bool is_open)
{
	char name[LAB_TEXT];

	for (int i = 0; i < STEADY; i++) {
		uint64_t open = is_open ? shared->kept[i] : 0;

		counts_expect_service(name_of(i, name), (uint32_t)open,
				      &(const struct gw_counters){
					      .attempts = shared->connects[i],
					      .established = shared->connects[i],
					      .closed = shared->connects[i] - open,
				      });
	}
}

static void kill_again_and_again(void)
{
	uint64_t before[STEADY] = {0}, until = clock_now_ns() + TIME_NS;
	int i;

	for (i = 0; i < KILLS && (i < KILLS_AT_LEAST || clock_now_ns() < until); i++) {
		pid_t agent;

		tables_close(lab.tables);
		shared->steps = 0;
		agent = lab_fork();
		if (!agent)
			change_for_ever(SEED + 1000u + (unsigned int)i);
		kill_at_random(agent);
		assert_int_equal(tables_open(LAB_PINS, &lab.tables), 0);
		for (int j = 0; j < SERVICES; j++)
			expect_old_or_new(j);
		expect_sound(before);
	}
	print_message("# %d kills\n", i);
}

static void expect_nothing_left(void)
{
	char name[LAB_TEXT];

	for (int i = 0; i < SERVICES; i++)
		assert_int_equal(lab_try_remove_service(name_of(i, name)), 0);
	assert_int_equal(tables_collect(lab.tables, 0), 0);
	assert_int_equal(tables_service_count(lab.tables), 0);
	assert_int_equal(tables_backend_count(lab.tables), 0);
}

static void test_a_kill_at_any_instant_harms_nothing(void **state)
{
	struct crew *crew;

	(void)state;
	print_message("# seed %u\n", SEED);
	srandom(SEED);
	for (int i = 0; i < SERVICES; i++) {
		shared->now[i] = shared->next[i] = random_mask(i);
		assert_int_equal(write_mask(i, shared->now[i]), 0);
	}
	crew = crew_start(CLIENTS, connect_then_rest, NULL);
	kill_again_and_again();
	crew_tell(crew);
	crew_await_rest(crew);
	expect_counts(true);
	print_message("# %llu connects\n", (unsigned long long)crew_stop(crew));
	expect_counts(false);
	assert_int_equal(lab_reason(GW_REASON_BACKEND_GONE), 0);
	expect_nothing_left();
}

static int start(void **state)
{
	lab.max_services = 16;
	lab.max_backends = 256;
	lab_run("ip route add local 10.2.0.0/16 dev lo");
	server_start(lab_listen("0.0.0.0:7051"), SERVER_GREET);
	shared = crew_memory(sizeof(*shared));
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_kill_at_any_instant_harms_nothing),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
