// SPDX-License-Identifier: Apache-2.0
/*
 * Connections whose peer vanishes end in time, and no other ones do. All live through the same few
 * seconds, before the tests: these look at what became of each.
 */
#include "kernel/lab.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/roads.h"
#include "kernel/server.h"
#include "kernel/slow.h"

#define NEAR "10.1.0.1:7051" /* answers, to the end */
#define DEAF "10.1.0.2:7051" /* is there, and reads nothing */

#define LIFETIME_MS 6200
/* What the promise may be late by: for a kernel whose timers are. */
#define LATE_MS 450

enum habit {
	IDLE,    /* says nothing; its last words were answered */
	WAITING, /* has just sent a request */
	WRITING, /* as much as it can, before and after */
};

struct life {
	const char *vip;
	uint32_t timeout_ms;
	enum habit habit;
	int fd;
	bool is_over;
	int error;
	uint32_t lasted_ms; /* since the road broke: until it was last seen alive */
};

#define LIFE(address, time_ms, its_habit)                                                          \
	{                                                                                          \
		.vip = (address), .timeout_ms = (time_ms), .habit = (its_habit)                    \
	}
#define ALL_HABITS(address, time_ms)                                                               \
	LIFE(address, time_ms, IDLE), LIFE(address, time_ms, WAITING),                             \
		LIFE(address, time_ms, WRITING)

/* One Service each: 2 s is the least there is, 2.5 s no whole number of keepalive's seconds. */
static struct life vanished[] = {
	ALL_HABITS("10.96.0.2:20", 2000),
	ALL_HABITS("10.96.0.2:25", 2500),
	ALL_HABITS("10.96.0.2:30", 3000),
};
static struct life left_alone[] = {ALL_HABITS("10.96.0.2:1", 0)};
static struct life healthy[] = {ALL_HABITS("10.96.0.1:20", 2000)};
/* A writer would show how fast the process is that is the road. */
static struct life slow[] = {
	LIFE("10.96.0.4:20", 2000, IDLE),
	LIFE("10.96.0.4:20", 2000, WAITING),
};
static struct life deaf[] = {
	LIFE("10.96.0.3:20", 2000, WRITING),
	LIFE("10.96.0.3:20", 2000, IDLE),
};

static const struct cast {
	struct life *lives;
	size_t count;
	const char *backend;
} casts[] = {
#define CAST(lives, backend)                                                                       \
	{                                                                                          \
		lives, sizeof(lives) / sizeof(*(lives)), backend                                   \
	}
	CAST(vanished, ROADS_FAR), CAST(left_alone, ROADS_FAR),
	CAST(healthy, NEAR),       CAST(slow, SLOW_BACKEND),
	CAST(deaf, DEAF),
#undef CAST
};
#define CASTS (sizeof(casts) / sizeof(*casts))

static void visit_lives(void (*visit)(struct life *life, const char *backend))
{
	for (size_t i = 0; i < CASTS; i++)
		for (size_t j = 0; j < casts[i].count; j++)
			visit(&casts[i].lives[j], casts[i].backend);
}

static void begin(struct life *life, const char *backend)
{
	const char *const backends[] = {backend, NULL};

	lab.settings.dead_peer_timeout_ms = life->timeout_ms;
	lab_service(life->vip, life->vip, GW_POLICY_RR, backends);
	life->fd = lab_connect(life->vip);
	assert_true(life->fd >= 0);
	/* From the deaf one nobody expects an answer. */
	if (strcmp(backend, DEAF))
		assert_true(server_greeting(life->fd) > 0);
}

static uint32_t broken_ms; /* when */
static uint32_t looked_ms; /* when the look at all of them began that is over, or broken_ms */

/* Where this process has to wait for the processor, it is found to be over too late: what counts is
 * that it had not been at the look before. */
static void note_end(struct life *life, int error)
{
	life->is_over = true;
	life->lasted_ms = looked_ms - broken_ms;
	life->error = error;
}

/* A reader that is there makes room all the time: not for ever. */
static void write_if_writer(struct life *life, const char *backend)
{
	static const char page[4096];

	(void)backend;
	for (int i = 0; i < 64 && life->habit == WRITING && !life->is_over; i++) {
		if (send(life->fd, page, sizeof(page), MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
			continue;
		if (errno != EAGAIN)
			note_end(life, errno);
		break;
	}
}

static void speak(struct life *life, const char *backend)
{
	write_if_writer(life, backend);
	if (life->habit == WAITING)
		assert_int_equal(send(life->fd, "?", 1, MSG_NOSIGNAL), 1);
}

static void see_whether_over(struct life *life, const char *backend)
{
	struct pollfd state = {.fd = life->fd};
	socklen_t length = sizeof(int);
	int error = 0;

	(void)backend;
	if (life->is_over || !poll(&state, 1, 0))
		return;
	getsockopt(life->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	note_end(life, error);
}

static bool has_passed(void *arg)
{
	uint32_t begin_ms = (uint32_t)clock_now_ms();

	(void)arg;
	visit_lives(see_whether_over);
	visit_lives(write_if_writer);
	looked_ms = begin_ms;
	return begin_ms - broken_ms > LIFETIME_MS;
}

static pid_t far_server, near_server, slow_server, slow_road;

static int live(void **state)
{
	int listener;

	roads_start(state);
	far_server = server_start(roads_listen(ROADS_FAR), SERVER_GREET);
	near_server = server_start(lab_listen(NEAR), SERVER_GREET);
	slow_open(&slow_road, &listener);
	slow_server = server_start(listener, SERVER_GREET);
	lab_listen(DEAF);
	visit_lives(begin);
	visit_lives(write_if_writer);
	roads_break();
	broken_ms = looked_ms = (uint32_t)clock_now_ms();
	visit_lives(speak);
	lab_wait(has_passed, NULL, "the end of the lives");
	return 0;
}

static int end(void **state)
{
	server_stop(far_server);
	server_stop(near_server);
	server_stop(slow_server);
	slow_close(slow_road);
	return roads_stop(state);
}

static void expect_dead(const struct life *life)
{
	if (!life->is_over || life->error != ETIMEDOUT ||
	    life->lasted_ms > life->timeout_ms + LATE_MS)
		fail_msg("habit %d, %u ms: %s after %u ms, %s", life->habit, life->timeout_ms,
			 life->is_over ? "ended" : "not ended", life->lasted_ms,
			 strerror(life->error));
}

static void expect_dead_if(enum habit habit)
{
	for (size_t i = 0; i < sizeof(vanished) / sizeof(*vanished); i++)
		if (vanished[i].habit == habit)
			expect_dead(&vanished[i]);
}

static void test_an_idle_reader_notices_in_time_that_its_peer_has_vanished(void **state)
{
	(void)state;
	expect_dead_if(IDLE);
}

static void test_so_does_one_that_waits_for_an_answer(void **state)
{
	(void)state;
	expect_dead_if(WAITING);
}

static void test_so_does_a_writer(void **state)
{
	(void)state;
	expect_dead_if(WRITING);
}

static void test_a_time_of_0_leaves_the_socket_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(left_alone) / sizeof(*left_alone); i++)
		assert_false(left_alone[i].is_over);
}

/* For more than three times the time; the two that do not write are silent all the while. */
static void expect_alive(const struct life *lives, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_false(lives[i].is_over);
		if (lives[i].habit != WRITING)
			assert_int_equal(send(lives[i].fd, "x", 1, MSG_NOSIGNAL), 1);
	}
}

static void test_a_connection_whose_peer_is_there_does_not_end(void **state)
{
	(void)state;
	expect_alive(healthy, sizeof(healthy) / sizeof(*healthy));
}

static void test_nor_does_one_over_a_slow_road(void **state)
{
	(void)state;
	expect_alive(slow, sizeof(slow) / sizeof(*slow));
}

static void test_a_peer_that_reads_nothing_is_dead_once_data_waits_for_it(void **state)
{
	(void)state;
	expect_dead(&deaf[0]);
	assert_false(deaf[1].is_over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_idle_reader_notices_in_time_that_its_peer_has_vanished),
		cmocka_unit_test(test_so_does_one_that_waits_for_an_answer),
		cmocka_unit_test(test_so_does_a_writer),
		cmocka_unit_test(test_a_time_of_0_leaves_the_socket_alone),
		cmocka_unit_test(test_a_connection_whose_peer_is_there_does_not_end),
		cmocka_unit_test(test_nor_does_one_over_a_slow_road),
		cmocka_unit_test(test_a_peer_that_reads_nothing_is_dead_once_data_waits_for_it),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), live, end);
}
