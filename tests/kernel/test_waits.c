// SPDX-License-Identifier: Apache-2.0
/* For how long connections wait for their peers: whose data ends a silence is what counts. */
#include "kernel/lab.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/waits.h"

#define PEER "10.1.0.1:7051"
#define REST_MS 550
#define WAIT_MS 450       /* shorter than the shortest silence that is told */
#define TICK_MS 20        /* of the kernel's clock, at most, and then some */
#define REST_MAX_MS 60000 /* what a slow machine makes of it */

/* Two ends of a connection. */
struct pair {
	int client;
	int peer;
};

static struct waits *waits;

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length), 0);
	return cookie;
}

static struct pair connect_pair(void)
{
	int listener = lab_listen(PEER);
	struct pair pair = {.client = lab_connect(PEER)};

	assert_true(pair.client >= 0);
	pair.peer = accept(listener, NULL, NULL);
	assert_true(pair.peer >= 0);
	close(listener);
	return pair;
}

static void part(struct pair *pair)
{
	lab_abort(pair->client);
	close(pair->peer);
}

static void say(int from, int to)
{
	char word[8];

	assert_int_equal(send(from, "word", 4, 0), 4);
	assert_int_equal(recv(to, word, sizeof(word), 0), 4);
}

static void rest(void)
{
	usleep(REST_MS * 1000);
}

static struct wait exchange(int fd)
{
	struct wait item = {.cookie = cookie_of(fd)};

	assert_int_equal(waits_exchange(waits, &item, 1), 0);
	return item;
}

static void expect_wait(int fd)
{
	struct wait item = exchange(fd);

	assert_true(item.is_followed);
	assert_in_range(item.longest_ms, REST_MS - TICK_MS, REST_MAX_MS);
}

static void expect_none(int fd)
{
	struct wait item = exchange(fd);

	assert_true(item.is_followed);
	assert_int_equal(item.longest_ms, 0);
}

/* Returns the longer of their waits. */
static uint32_t exchange_both(const struct pair *a, const struct pair *b)
{
	uint64_t one = cookie_of(a->client), two = cookie_of(b->client);
	struct wait items[] = {
		{.cookie = one < two ? one : two},
		{.cookie = one < two ? two : one},
	};

	assert_int_equal(waits_exchange(waits, items, 2), 0);
	assert_true(items[0].is_followed && items[1].is_followed);
	return items[0].longest_ms > items[1].longest_ms ? items[0].longest_ms
							 : items[1].longest_ms;
}

/* Neither of them has waited. */
static void follow_both(const struct pair *a, const struct pair *b)
{
	assert_int_equal(exchange_both(a, b), 0);
}

static int start(void **state)
{
	(void)state;
	return waits_open(&waits);
}

static int stop(void **state)
{
	(void)state;
	waits_close(waits);
	return 0;
}

static void test_a_late_answer_is_a_wait(void **state)
{
	struct pair pair = connect_pair();

	(void)state;
	expect_none(pair.client);
	say(pair.client, pair.peer);
	rest();
	say(pair.peer, pair.client);
	expect_wait(pair.client);
	/* It is told once. */
	expect_none(pair.client);
	part(&pair);
}

/* Each silence of a stream counts for itself, though nothing was sent for longer. */
static void test_a_peer_that_speaks_again_ends_a_wait(void **state)
{
	struct pair pair = connect_pair();
	struct wait item;
	uint64_t begin_ms;

	(void)state;
	expect_none(pair.client);
	say(pair.client, pair.peer);
	rest();
	begin_ms = clock_now_ms();
	say(pair.peer, pair.client);
	expect_wait(pair.client);
	rest();
	say(pair.peer, pair.client);
	item = exchange(pair.client);
	assert_in_range(item.longest_ms, REST_MS - TICK_MS, clock_now_ms() - begin_ms + TICK_MS);
	part(&pair);
}

/* A question and its answer. */
static void call(const struct pair *pair)
{
	say(pair->client, pair->peer);
	say(pair->peer, pair->client);
}

/* A call, and then a pause, and then another one. Returns whether nothing but the pause took as long
 * as a wait: it may, where a process has to wait for the processor. */
static bool call_twice(const struct pair *pair, const struct pair *answered)
{
	uint64_t begin_ms = clock_now_ms(), calls_ms;

	call(pair);
	say(pair->client, pair->peer);
	call(answered);
	call(answered);
	calls_ms = clock_now_ms() - begin_ms;
	rest();
	begin_ms = clock_now_ms();
	call(pair);
	call(answered);
	return calls_ms + (clock_now_ms() - begin_ms) < WAIT_MS;
}

/* As libraries of gRPC do: they send something after each answer, and the peer may as well. */
static void test_a_pause_between_calls_is_no_wait(void **state)
{
	struct pair pair = connect_pair(), answered = connect_pair();

	(void)state;
	follow_both(&pair, &answered);
	for (int tries = 0; !call_twice(&pair, &answered); tries++) {
		assert_in_range(tries, 0, 9);
		exchange_both(&pair, &answered);
	}
	follow_both(&pair, &answered);
	part(&pair);
	part(&answered);
}

static void test_probes_end_no_silence(void **state)
{
	struct pair pair = connect_pair();
	const int yes = 1, second = 1;

	(void)state;
	expect_none(pair.client);
	assert_int_equal(setsockopt(pair.client, IPPROTO_TCP, TCP_KEEPIDLE, &second,
				    sizeof(second)),
			 0);
	assert_int_equal(setsockopt(pair.client, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)), 0);
	assert_int_equal(setsockopt(pair.peer, IPPROTO_TCP, TCP_KEEPIDLE, &second, sizeof(second)),
			 0);
	assert_int_equal(setsockopt(pair.peer, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)), 0);
	say(pair.client, pair.peer);
	usleep(1300 * 1000);
	expect_none(pair.client);
	part(&pair);
}

static void test_what_is_not_followed_is_not_told(void **state)
{
	struct pair pair = connect_pair(), other = connect_pair();

	(void)state;
	follow_both(&pair, &other);
	say(pair.client, pair.peer);
	say(other.client, other.peer);
	expect_none(pair.client); /* which alone is followed from here */
	rest();
	say(pair.peer, pair.client);
	say(other.peer, other.client);
	expect_wait(pair.client);
	expect_none(other.client);
	part(&pair);
	part(&other);
}

static void test_where_there_is_no_more_room_that_is_said(void **state)
{
	static struct wait many[GW_WAITS_MAX + 1];
	size_t followed = 0;

	(void)state;
	for (size_t i = 0; i < GW_WAITS_MAX + 1; i++)
		many[i].cookie = (1ull << 40) + i;
	assert_int_equal(waits_exchange(waits, many, GW_WAITS_MAX + 1), 0);
	for (size_t i = 0; i < GW_WAITS_MAX + 1; i++)
		followed += many[i].is_followed;
	assert_int_equal(followed, GW_WAITS_MAX);
	assert_int_equal(waits_exchange(waits, many, 1), 0);
	assert_true(many[0].is_followed);
	many[1] = (struct wait){.cookie = 1ull << 50};
	assert_int_equal(waits_exchange(waits, many, 2), 0);
	assert_true(many[1].is_followed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_late_answer_is_a_wait),
		cmocka_unit_test(test_a_peer_that_speaks_again_ends_a_wait),
		cmocka_unit_test(test_a_pause_between_calls_is_no_wait),
		cmocka_unit_test(test_probes_end_no_silence),
		cmocka_unit_test(test_what_is_not_followed_is_not_told),
		cmocka_unit_test(test_where_there_is_no_more_room_that_is_said),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
