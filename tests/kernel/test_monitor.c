// SPDX-License-Identifier: Apache-2.0
/* What the hooks tell of connections while somebody watches: everything once, and else nothing. */
#include "kernel/lab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/clients.h"
#include "kernel/counts.h"
#include "kernel/health.h"
#include "kernel/monitor.h"

#define VIP "10.96.0.10:7051"
#define PEER "10.1.0.1:7051"
#define SECOND_NS 1000000000ull
#define SIGHTS_MAX 64

static struct monitor *monitor;
static struct gw_sight sights[SIGHTS_MAX];
static size_t sight_count;

static int start(void **state)
{
	lab_start(state);
	assert_int_equal(monitor_new(lab.datapath, &monitor), 0);
	return 0;
}

static int stop(void **state)
{
	monitor_free(monitor);
	return lab_stop(state);
}

static void drop(const struct gw_sight *sight, void *arg)
{
	(void)sight;
	(void)arg;
}

static int begin(void **state)
{
	lab.settings = (struct settings){
		.eject_base_ms = 60000,
		.eject_max_ms = 300000,
	};
	monitor_watch(monitor, 0);
	while (monitor_take(monitor, SIGHTS_MAX, drop, NULL))
		;
	return lab_begin(state);
}

static void watch(void)
{
	monitor_watch(monitor, clock_now_ns() + 60 * SECOND_NS);
}

static void keep(const struct gw_sight *sight, void *arg)
{
	(void)arg;
	assert_true(sight_count < SIGHTS_MAX);
	sights[sight_count++] = *sight;
}

/* "connect established closed": all that was told since the last time. */
static const char *told(void)
{
	static char text[2048];

	sight_count = 0;
	*text = '\0';
	monitor_take(monitor, SIGHTS_MAX, keep, NULL);
	for (size_t i = 0; i < sight_count; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, monitor_kind_name(sights[i].kind));
		if (sights[i].error) {
			strcat(text, ":");
			strcat(text, monitor_error_name(sights[i].error));
		}
	}
	return text;
}

static void test_a_connection_is_told_from_its_begin_to_its_end(void **state)
{
	uint64_t before = clock_now_ns();
	int listener = lab_listen(PEER), fd;
	struct stat cgroup;

	(void)state;
	assert_return_code(stat(lab.cgroup, &cgroup), errno);
	lab_serve_by(VIP, PEER);
	watch();
	fd = lab_connect(VIP);
	assert_true(fd >= 0);
	assert_string_equal(told(), "connect established");
	for (size_t i = 0; i < sight_count; i++) {
		assert_in_range(sights[i].time_ns, before, clock_now_ns());
		assert_int_equal(sights[i].tgid, getpid());
		assert_int_equal(sights[i].cgroup_id, cgroup.st_ino);
		assert_int_equal(sights[i].start_ns, sights[0].start_ns);
		assert_int_equal(sights[i].backend, sights[0].backend);
		assert_int_not_equal(sights[i].netns_cookie, 0);
	}
	assert_int_equal(sights[0].duration_ns, 0);
	assert_in_range(sights[1].duration_ns, 1, 60 * SECOND_NS);
	lab_abort(fd);
	assert_string_equal(told(), "closed");
	assert_in_range(sights[0].duration_ns, 1, 60 * SECOND_NS);
	close(listener);
}

static void test_a_failure_is_told_with_its_cause(void **state)
{
	(void)state;
	lab_serve_by(VIP, PEER);
	watch();
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	assert_string_equal(told(), "connect failed:refused");
	assert_in_range(sights[1].duration_ns, 1, 60 * SECOND_NS);
}

static const char *last_told;

static void dial_and_close(void)
{
	close(lab_begin_dial(VIP));
	last_told = told();
}

static void test_an_application_that_gives_up_is_no_failure_of_the_peer(void **state)
{
	int here = clients_here(), lost = clients_make();

	(void)state;
	lab_serve_by(VIP, PEER);
	clients_be(lost);
	clients_lose("10.1.0.1");
	watch();
	counts_cancel(PEER, dial_and_close);
	assert_string_equal(last_told, "connect failed:canceled");
	clients_be(here);
	close(here);
	close(lost);
}

static void test_a_connect_that_is_refused_or_sends_nothing_is_told(void **state)
{
	static const char *const none[] = {NULL};

	(void)state;
	watch();
	lab_service("peers", VIP, GW_POLICY_LC, none);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	assert_string_equal(told(), "failed:no-backends");
	lab_serve_by(VIP, "10.9.9.9:7051"); /* there is no route */
	assert_int_equal(clients_touch(VIP), -ENETUNREACH);
	assert_string_equal(told(), "failed:no-syn");
}

static void test_an_ejection_and_a_return_are_told_once(void **state)
{
	static const char *const both[] = {PEER, "10.1.0.2:7051", NULL};
	int here = clients_here(), other = clients_make(), listener, fd;

	(void)state;
	clients_reach(VIP, both);
	clients_be(other);
	clients_reach(VIP, both);
	lab_serve_by(VIP, PEER);
	watch();
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	assert_string_equal(told(), "connect failed:refused");
	clients_be(here);
	assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	assert_string_equal(told(), "connect failed:refused ejected:refused");
	assert_int_equal(sights[2].duration_ns, 60 * SECOND_NS);
	listener = lab_listen(PEER);
	health_expire(PEER);
	lab_forgive();
	fd = lab_connect(VIP);
	assert_true(fd >= 0);
	assert_string_equal(told(), "connect established returned");
	close(fd);
	close(listener);
	close(here);
	close(other);
}

static void test_nothing_is_told_while_nobody_watches(void **state)
{
	int listener = lab_listen(PEER);

	(void)state;
	lab_serve_by(VIP, PEER);
	assert_int_equal(clients_touch(VIP), 0);
	assert_string_equal(told(), "");
	watch();
	assert_int_equal(clients_touch(VIP), 0);
	assert_string_not_equal(told(), "");
	monitor_watch(monitor, 0);
	assert_int_equal(clients_touch(VIP), 0);
	assert_string_equal(told(), "");
	close(listener);
}

static void test_the_hooks_end_a_watch_that_nobody_renews(void **state)
{
	int listener = lab_listen(PEER);

	(void)state;
	lab_serve_by(VIP, PEER);
	monitor_watch(monitor, clock_now_ns() - 1);
	assert_int_equal(clients_touch(VIP), 0);
	assert_int_equal(monitor_until_ns(monitor), 0);
	assert_string_equal(told(), "");
	close(listener);
}

static void count_one(const struct gw_sight *sight, void *arg)
{
	(void)sight;
	++*(size_t *)arg;
}

/* Each of these connects is told once. */
static void test_what_has_no_room_is_counted(void **state)
{
	static const char *const none[] = {NULL};
	const size_t room = GW_SIGHTS_BYTES / 64, connects = room + 100;
	size_t count = 0;
	uint64_t lost = monitor_lost(monitor);

	(void)state;
	lab_service("peers", VIP, GW_POLICY_LC, none);
	watch();
	for (size_t i = 0; i < connects; i++)
		assert_int_equal(clients_touch(VIP), -ECONNREFUSED);
	lost = monitor_lost(monitor) - lost;
	assert_in_range(lost, 100, connects / 2);
	/* In parts, as whoever must not be held up takes it. */
	assert_int_equal(monitor_take(monitor, 1000, count_one, &count), 1000);
	while (monitor_take(monitor, 1000, count_one, &count))
		;
	assert_int_equal(count + lost, connects);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_connection_is_told_from_its_begin_to_its_end, begin),
		cmocka_unit_test_setup(test_a_failure_is_told_with_its_cause, begin),
		cmocka_unit_test_setup(test_an_application_that_gives_up_is_no_failure_of_the_peer,
				       begin),
		cmocka_unit_test_setup(test_a_connect_that_is_refused_or_sends_nothing_is_told,
				       begin),
		cmocka_unit_test_setup(test_an_ejection_and_a_return_are_told_once, begin),
		cmocka_unit_test_setup(test_nothing_is_told_while_nobody_watches, begin),
		cmocka_unit_test_setup(test_the_hooks_end_a_watch_that_nobody_renews, begin),
		cmocka_unit_test_setup(test_what_has_no_room_is_counted, begin),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
