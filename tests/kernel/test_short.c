// SPDX-License-Identifier: Apache-2.0
/* Connections that end within a second: what they say of a peer, and what they do not. */
#include "kernel/lab.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "kernel/clients.h"
#include "kernel/counts.h"
#include "kernel/health.h"
#include "kernel/maps.h"
#include "kernel/server.h"

#define VIP "10.96.0.10:7051"
#define BAD "10.1.0.1:7051"
#define GOOD "10.1.0.2:7051"
#define FINE "10.1.0.3:7051"
#define LAST "10.1.0.4:7051"
#define LASTING_MS 1050
#define MANY 20

static const char *const four[] = {BAD, GOOD, FINE, LAST, NULL};
static const char *const three[] = {BAD, GOOD, FINE, NULL};
static const char *const two[] = {BAD, GOOD, NULL};

static int listeners[4]; /* at all but BAD; of BAD the first test says what it does */
static int fds[MANY];

static void serve(enum gw_policy policy, const char *const *backends)
{
	lab_service("peers", VIP, policy, backends);
}

static void open_many(int count)
{
	for (int i = 0; i < count; i++) {
		fds[i] = lab_connect(VIP);
		assert_return_code(fds[i], -fds[i]);
	}
}

static void close_many(int count)
{
	for (int i = 0; i < count; i++)
		lab_abort(fds[i]);
}

/* Connect and close at once, so often. */
static void touch(int times)
{
	for (int i = 0; i < times; i++)
		assert_int_equal(clients_touch(VIP), 0);
}

/* Connect, and wait until the other end has closed. */
static void be_hung_up_on(void)
{
	int fd = lab_connect(VIP);

	assert_true(fd >= 0);
	assert_int_equal(server_greeting(fd), -ENODATA);
	close(fd);
}

static void expect_nobody_suspect(const char *const *backends)
{
	for (int i = 0; backends[i]; i++)
		assert_int_equal(health_state(backends[i]), VIEW_BACKEND_USABLE);
}

/* What the client has of the Service that was made last; zeros if there is nothing. */
static struct gw_client find_known(struct gw_client_key *ret)
{
	int fd = maps_open_one(LAB_PINS, "gw_clients");
	struct gw_client_key key, *previous = NULL;
	struct gw_client client = {0}, found = {0};
	struct view *view = lab_view();
	uint32_t service = lab_find_service(view, "peers")->index;

	view_close(view);
	assert_true(fd >= 0);
	for (; !bpf_map_get_next_key(fd, previous, &key); previous = &key) {
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &client), 0);
		if (key.service != service)
			continue;
		found = client;
		*ret = key;
	}
	close(fd);
	return found;
}

static struct gw_client known(void)
{
	struct gw_client_key key;

	return find_known(&key);
}

static uint64_t avoided_s(void)
{
	struct gw_client client = known();

	return (client.until_ns - client.changed_ns) / 1000000000u;
}

/* As the other end of this connection, and then on this one. */
static void hang_up(int fd, int listener)
{
	close(accept(listener, NULL, NULL));
	assert_int_equal(server_greeting(fd), -ENODATA);
	close(fd);
}

static void test_one_that_hangs_up_costs_a_client_two_tries(void **state)
{
	static const enum gw_policy policies[] = {
		GW_POLICY_LC,
		GW_POLICY_WLC,
		GW_POLICY_SED,
		GW_POLICY_NQ,
	};
	int listener = lab_listen(BAD);

	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		int kept = 0;

		lab_begin(state);
		lab_forgive();
		serve(policies[i], three);
		for (int tries = 0; kept < MANY && tries < MANY + 10; tries++) {
			uint64_t before = health_attempts(BAD);

			fds[kept] = lab_connect(VIP);
			assert_true(fds[kept] >= 0);
			if (health_attempts(BAD) == before)
				kept++;
			else
				hang_up(fds[kept], listener);
		}
		assert_int_equal(kept, MANY);
		assert_in_range(health_attempts(BAD), 1, 2);
		assert_in_range(avoided_s(), 9, 10);
		expect_nobody_suspect(three);
		close_many(kept);
	}
	close(listener);
}

/* Nor do those policies that do not follow the load care. */
static void test_round_robin_comes_back_neither_more_nor_less_often(void **state)
{
	pid_t closer = server_start(lab_listen(BAD), SERVER_CLOSE);

	(void)state;
	lab_serve_by(VIP, BAD);
	be_hung_up_on();
	be_hung_up_on();
	touch(1);
	serve(GW_POLICY_RR, two);
	touch(10);
	assert_int_equal(health_attempts(BAD), 3 + 5);
	server_stop(closer);
}

/* Whoever ended it; and as soon as one end has, which is before it is over. */
static void test_the_next_connect_alone_passes_it_over(void **state)
{
	for (int by_server = 0; by_server < 2; by_server++) {
		int client, server, next[2], listener = lab_listen(BAD);

		lab_begin(state);
		lab_forgive();
		lab_serve_by(VIP, GOOD);
		open_many(2);
		lab_serve_by(VIP, BAD);
		client = lab_connect(VIP);
		server = accept(listener, NULL, NULL);
		assert_int_equal(known().is_next, 0);
		assert_return_code(shutdown(by_server ? server : client, SHUT_WR), errno);
		counts_expect(BAD, 1, .attempts = 1, .established = 1);
		serve(GW_POLICY_LC, two);
		/* Although it has fewer. */
		next[0] = lab_connect(VIP);
		assert_int_equal(health_attempts(BAD), 1);
		next[1] = lab_connect(VIP);
		assert_int_equal(health_attempts(BAD), 1 + 1);
		close_many(2);
		lab_abort(next[0]);
		lab_abort(next[1]);
		close(client);
		close(server);
		close(listener);
	}
}

static void expect_even(const char *const *backends, int each)
{
	for (int i = 0; backends[i]; i++)
		assert_int_equal(counts_active(backends[i]), each);
}

/* A start-up check, and then the connections that stay. */
static void test_short_ones_at_the_start_leave_no_trace(void **state)
{
	static const struct {
		const char *const *backends;
		int quick, stay, each;
	} cases[] = {
		{four, 3, 20, 5},
		{four, 8, 20, 5},
		{three, 2, 9, 3},
	};
	int listener = lab_listen(BAD);

	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(*cases); i++) {
		const size_t which = i / 2;

		lab_begin(state);
		lab_forgive();
		lab.settings.eject_base_ms = i % 2 ? 10000 : 0;
		lab.settings.eject_max_ms = 300000;
		serve(GW_POLICY_LC, cases[which].backends);
		touch(cases[which].quick);
		open_many(cases[which].stay);
		expect_even(cases[which].backends, cases[which].each);
		expect_nobody_suspect(cases[which].backends);
		close_many(cases[which].stay);
	}
	close(listener);
}

static void test_where_all_are_short_short_says_nothing(void **state)
{
	int listener = lab_listen(BAD);

	(void)state;
	serve(GW_POLICY_LC, four);
	touch(40);
	for (int i = 0; four[i]; i++)
		assert_int_equal(health_attempts(four[i]), 10);
	assert_int_equal(known().again, 0);
	close(listener);
}

static bool has_lasted(void *arg)
{
	return clock_now_ms() - *(uint64_t *)arg > LASTING_MS;
}

static void test_one_that_lasts_in_between_ends_it(void **state)
{
	int listener = lab_listen(BAD), kept;
	uint64_t since;

	(void)state;
	lab_serve_by(VIP, GOOD);
	kept = lab_connect(VIP);
	lab_serve_by(VIP, BAD);
	touch(1);
	fds[0] = lab_connect(VIP);
	since = clock_now_ms();
	lab_wait(has_lasted, &since, "a second");
	close_many(1);
	touch(1);
	assert_int_equal(known().until_ns, 0);
	/* And without one it is passed over for a time that doubles. */
	touch(1);
	assert_int_equal(avoided_s(), 10);
	touch(1);
	assert_int_equal(avoided_s(), 20);
	close(kept);
	close(listener);
}

static void test_one_that_failed_is_worse(void **state)
{
	(void)state;
	serve(GW_POLICY_LC, two);
	for (int i = 0; i < 10; i++)
		clients_touch(VIP);
	counts_expect(BAD, 0, .attempts = 1, .refused = 1);
	counts_expect(GOOD, 0, .attempts = 9, .established = 9, .closed = 9);
}

static struct gw_cursor cursor_of_peers(void)
{
	int fd = maps_open_one(LAB_PINS, "gw_cursors");
	struct view *view = lab_view();
	uint32_t index = lab_find_service(view, "peers")->index;
	struct gw_cursor cursor;

	view_close(view);
	assert_int_equal(bpf_map_lookup_elem_flags(fd, &index, &cursor, BPF_F_LOCK), 0);
	close(fd);
	return cursor;
}

/* Its own searches look into one entry; those of others into none, and nobody's at each backend. */
static void test_no_search_looks_at_health_for_it(void **state)
{
	int listener = lab_listen(BAD), kept;
	struct gw_cursor cursor;

	(void)state;
	lab_serve_by(VIP, GOOD);
	kept = lab_connect(VIP);
	lab_serve_by(VIP, BAD);
	touch(3);
	cursor = cursor_of_peers();
	assert_int_equal(cursor.trouble_until_ns, 0);
	assert_int_equal(__builtin_popcountll(cursor.choosy), 1);
	assert_in_range(cursor.choosy_until_ns, clock_now_ns(), UINT64_MAX);
	close(kept);
	close(listener);
}

/* As if a connection of this process had just been moved, for the sake of this backend. */
static void hint_at(const char *backend)
{
	int fd = maps_open_one(LAB_PINS, "gw_hints");
	struct gw_hint hint = {.until_ns = clock_now_ns() + 5000000000u};
	struct gw_client_key client = {0};
	struct view *view = lab_view();
	struct gw_hint_key key;
	struct maps maps;

	find_known(&client);
	key = (struct gw_hint_key){client.netns_cookie, (uint32_t)getpid(), client.service};
	hint.backend = lab_backend(view, backend)->id;
	hint.backend_generation = lab_backend(view, backend)->generation;
	view_close(view);
	assert_true(fd >= 0);
	assert_return_code(bpf_map_update_elem(fd, &key, &hint, BPF_ANY), errno);
	close(fd);
	assert_int_equal(maps_open(LAB_PINS, true, &maps), 0);
	maps.services[client.service].hints_until_ns = hint.until_ns;
	maps_close(&maps);
}

static void test_a_move_does_not_lead_to_one_that_hangs_up(void **state)
{
	int listener = lab_listen(BAD);
	uint64_t attempts;

	(void)state;
	lab_serve_by(VIP, GOOD);
	open_many(2);
	lab_serve_by(VIP, BAD);
	touch(3);
	serve(GW_POLICY_LC, two);
	attempts = health_attempts(BAD);
	hint_at(BAD);
	touch(1);
	assert_int_equal(health_attempts(BAD), attempts);
	/* One that it does not pass over it leads to, although that has more. */
	lab_forgive();
	attempts = health_attempts(GOOD);
	hint_at(GOOD);
	touch(1);
	assert_int_equal(health_attempts(GOOD), attempts + 1);
	close_many(2);
	close(listener);
}

static int begin(void **state)
{
	lab_forgive();
	lab.settings = (struct settings){0};
	return lab_begin(state);
}

static int start(void **state)
{
	for (int i = 1; i < 4; i++)
		listeners[i] = lab_listen(four[i]);
	return lab_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup(name, begin)
		LAB_TEST(test_one_that_hangs_up_costs_a_client_two_tries),
		LAB_TEST(test_round_robin_comes_back_neither_more_nor_less_often),
		LAB_TEST(test_the_next_connect_alone_passes_it_over),
		LAB_TEST(test_short_ones_at_the_start_leave_no_trace),
		LAB_TEST(test_where_all_are_short_short_says_nothing),
		LAB_TEST(test_one_that_lasts_in_between_ends_it),
		LAB_TEST(test_one_that_failed_is_worse),
		LAB_TEST(test_no_search_looks_at_health_for_it),
		LAB_TEST(test_a_move_does_not_lead_to_one_that_hangs_up),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, lab_stop);
}
