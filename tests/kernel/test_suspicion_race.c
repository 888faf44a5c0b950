// SPDX-License-Identifier: Apache-2.0
/*
 * When a peer dies, a client's connections to it end on one CPU while its connects are refused on
 * another one. What is written of the failure must survive that, each time.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/crew.h"
#include "kernel/suspects.h"

#define VIP "10.96.0.10:7051"
#define BAD "10.1.0.1:7051"
#define ROUNDS 2000
#define LASTING_MS 1050
#define CONNECT_NS 40000 /* about so long it takes until a connect is refused */

/* In memory that both share. */
static struct shared {
	volatile int begun; /* rounds */
	volatile int ended;
} * shared;

static int clients[ROUNDS], servers[ROUNDS];

/* Where both share one CPU, the other one has to come to its turn. */
static void await(const volatile int *counter, int value)
{
	while (*counter < value)
		sched_yield();
}

static void wait_ns(uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;

	while (clock_now_ns() < until)
		;
}

static void open_all(int listener)
{
	for (int i = 0; i < ROUNDS; i++) {
		clients[i] = lab_connect(VIP);
		assert_return_code(clients[i], -clients[i]);
		servers[i] = accept(listener, NULL, NULL);
		assert_return_code(servers[i], errno);
	}
}

/* One of the connections that lasted in each round. */
static void close_all(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		await(&shared->begun, i + 1);
		wait_ns((uint64_t)random() % CONNECT_NS);
		lab_abort(clients[i]);
		shared->ended = i + 1;
	}
	_exit(0);
}

static void test_a_failure_is_not_lost_to_a_close_at_the_same_time(void **state)
{
	int listener = lab_listen(BAD);
	pid_t closer;

	(void)state;
	lab_serve_by(VIP, BAD);
	lab_abort(lab_connect(VIP));
	close(accept(listener, NULL, NULL));
	open_all(listener);
	close(listener);
	wait_ns(LASTING_MS * 1000000ull);
	closer = lab_fork();
	if (!closer)
		close_all();
	for (int i = 0; i < ROUNDS; i++)
		close(clients[i]);
	for (int i = 0; i < ROUNDS; i++) {
		lab_forgive();
		shared->begun = i + 1;
		assert_int_equal(lab_connect(VIP), -ECONNREFUSED);
		await(&shared->ended, i + 1);
		assert_int_equal(suspects_of(BAD).kind, GW_SUSPICION_FAILED);
	}
	assert_int_equal(waitpid(closer, NULL, 0), closer);
	for (int i = 0; i < ROUNDS; i++)
		close(servers[i]);
}

static int start(void **state)
{
	const struct rlimit files = {3 * ROUNDS, 3 * ROUNDS};

	shared = crew_memory(sizeof(*shared));
	return setrlimit(RLIMIT_NOFILE, &files) ? -1 : lab_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_failure_is_not_lost_to_a_close_at_the_same_time),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
