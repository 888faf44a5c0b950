// SPDX-License-Identifier: Apache-2.0
/* A backend that checks of the agent found down: who is sent there, and for how long. */
#include "kernel/lab.h"

#include <unistd.h>

#include "base/clock.h"
#include "kernel/checks.h"
#include "kernel/health.h"

#define VIP "10.96.0.10:7051"
#define DOWN "10.1.0.1:7051"
#define WELL "10.1.0.2:7051"
#define ALSO_WELL "10.1.0.3:7051"
#define MS_NS 1000000ull
#define LONG_NS (60000 * MS_NS)
#define CONNECTS 30

static const char *const all[] = {DOWN, WELL, ALSO_WELL, NULL};
static int listeners[3];

static uint32_t id_of(const char *backend)
{
	struct view *view = lab_view();
	uint32_t id = lab_backend(view, backend)->id;

	view_close(view);
	return id;
}

static void set_down(const char *backend, uint64_t until_ns)
{
	checks_set_down(lab.tables, id_of(backend), until_ns);
}

static void serve(enum gw_policy policy)
{
	lab.settings = (struct settings){
		.eject_base_ms = 1000,
		.eject_max_ms = 60000,
		.keep_percent = 50,
	};
	lab_service("peers", VIP, policy, all);
}

/* How many of so many connects a backend got. */
static uint64_t share_of(const char *backend, int connects)
{
	uint64_t before = health_attempts(backend);

	for (int i = 0; i < connects; i++) {
		int fd = lab_connect(VIP);

		assert_true(fd >= 0);
		lab_abort(fd);
	}
	return health_attempts(backend) - before;
}

static void test_by_no_policy_is_it_chosen(void **state)
{
	(void)state;
	for (int policy = 0; policy < GW_POLICY_MAX_; policy++) {
		serve((enum gw_policy)policy);
		/* All were well: nobody looks at their health any more. */
		share_of(WELL, 3);
		set_down(DOWN, clock_now_ns() + LONG_NS);
		assert_int_equal(health_state(DOWN), VIEW_BACKEND_DOWN);
		if (share_of(DOWN, CONNECTS))
			fail_msg("%s sends there", policy_name((enum gw_policy)policy));
	}
}

/* Nobody is there to take the mark away. */
static void test_it_ends_by_itself(void **state)
{
	(void)state;
	serve(GW_POLICY_RR);
	set_down(DOWN, clock_now_ns() - 5000 * MS_NS);
	assert_int_equal(health_state(DOWN), VIEW_BACKEND_USABLE);
	assert_int_equal(share_of(DOWN, CONNECTS), CONNECTS / 3);
}

static void test_its_share_grows_when_it_is_back(void **state)
{
	uint64_t up_ms = clock_now_ns() / MS_NS;
	/* No longer than the machine is up: the clock began at 0 then. */
	uint32_t grows_ms = up_ms < 60000 ? (uint32_t)up_ms : 60000;
	uint64_t early, late;

	(void)state;
	serve(GW_POLICY_RR);
	lab.settings.eject_base_ms = grows_ms;
	lab_service("peers", VIP, GW_POLICY_RR, all);
	set_down(DOWN, clock_now_ns());
	early = share_of(DOWN, 3 * CONNECTS);
	set_down(DOWN, clock_now_ns() - grows_ms / 10 * 9 * MS_NS);
	late = share_of(DOWN, 3 * CONNECTS);
	assert_true(early < CONNECTS / 3);
	assert_true(late > CONNECTS / 2);
}

static void test_the_share_that_is_kept_stays_in_use(void **state)
{
	uint64_t until_ns = clock_now_ns() + LONG_NS;

	(void)state;
	serve(GW_POLICY_RR);
	set_down(DOWN, until_ns);
	set_down(WELL, until_ns);
	/* One of three is less than half. */
	assert_int_equal(share_of(DOWN, CONNECTS), CONNECTS / 3);
	lab.settings.keep_percent = 0;
	lab_service("peers", VIP, GW_POLICY_RR, all);
	assert_int_equal(share_of(DOWN, CONNECTS), 0);
}

static void test_a_client_with_affinity_leaves_it(void **state)
{
	struct view *view;
	const char *first;
	int fd;

	(void)state;
	lab.affinity_s = 60;
	serve(GW_POLICY_LC);
	fd = lab_connect(VIP);
	view = lab_view();
	first = lab_backend(view, DOWN)->active   ? DOWN
		: lab_backend(view, WELL)->active ? WELL
						  : ALSO_WELL;
	view_close(view);
	lab_abort(fd);
	assert_int_equal(share_of(first, 3), 3);
	set_down(first, clock_now_ns() + LONG_NS);
	assert_int_equal(share_of(first, 3), 0);
	lab.affinity_s = 0;
}

/* The mark belongs to a backend of a Service: the same address in another one is not touched. */
static void test_another_service_goes_on_using_it(void **state)
{
	static const char *const alone[] = {DOWN, NULL};
	const struct view_backend *backends;
	struct view *view;
	size_t count, down = 0;

	(void)state;
	serve(GW_POLICY_RR);
	set_down(DOWN, clock_now_ns() + LONG_NS);
	lab_service("others", "10.96.0.11:7051", GW_POLICY_RR, alone);
	view = lab_view();
	count = view_backends(view, &backends);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		down += backends[i].state == VIEW_BACKEND_DOWN;
	assert_int_equal(down, 1);
	view_close(view);
	lab_remove_service("others");
}

static void test_searches_look_only_while_one_is_down(void **state)
{
	struct view *view = NULL;
	uint32_t service;

	(void)state;
	serve(GW_POLICY_LC);
	view = lab_view();
	service = lab_find_service(view, "peers")->index;
	view_close(view);
	set_down(DOWN, clock_now_ns() + LONG_NS);
	assert_true(check_maps_of(lab.tables).services[service].flags & GW_SERVICE_LOOK);
	/* Other settings of the Service leave that as it is. */
	lab.settings.connect_timeout_ms = 5000;
	lab_service("peers", VIP, GW_POLICY_LC, all);
	assert_true(check_maps_of(lab.tables).services[service].flags & GW_SERVICE_LOOK);
	checks_set_look(lab.tables, service, false);
	assert_false(check_maps_of(lab.tables).services[service].flags & GW_SERVICE_LOOK);
}

static int start(void **state)
{
	int err = lab_start(state);

	for (int i = 0; i < 3 && !err; i++)
		listeners[i] = lab_listen(all[i]);
	return err;
}

static int stop(void **state)
{
	for (int i = 0; i < 3; i++)
		close(listeners[i]);
	return lab_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_by_no_policy_is_it_chosen, lab_begin),
		cmocka_unit_test_setup(test_it_ends_by_itself, lab_begin),
		cmocka_unit_test_setup(test_its_share_grows_when_it_is_back, lab_begin),
		cmocka_unit_test_setup(test_the_share_that_is_kept_stays_in_use, lab_begin),
		cmocka_unit_test_setup(test_a_client_with_affinity_leaves_it, lab_begin),
		cmocka_unit_test_setup(test_another_service_goes_on_using_it, lab_begin),
		cmocka_unit_test_setup(test_searches_look_only_while_one_is_down, lab_begin),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), start, stop);
}
