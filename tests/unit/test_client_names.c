// SPDX-License-Identifier: Apache-2.0
/* What clients are called: pod, process or cookie; and that nobody makes the agent look for ever. */
#include "agent/client_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gwbpf/origin.h>

#include "report/clients.h"

/* In the place of report/clients.c, which reads cgroups and /proc: who is found, at one look each. */
struct clients {
	size_t looks;
};

static struct client found;
static size_t all_looks, opened;

int clients_new(const struct view *view, struct clients **ret)
{
	(void)view;
	opened++;
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -1;
}

void clients_free(struct clients *clients)
{
	free(clients);
}

int clients_find_origin(struct clients *clients, uint64_t cgroup_id, uint32_t pid,
			struct client *ret)
{
	(void)cgroup_id;
	(void)pid;
	clients->looks++;
	all_looks++;
	*ret = found;
	return 0;
}

size_t clients_looks(const struct clients *clients)
{
	return clients->looks;
}

static int set_up(void **state)
{
	(void)state;
	found = (struct client){"", "", ""};
	all_looks = opened = 0;
	return 0;
}

/* What a client with cookie 17 is called. */
static const char *called(const struct gw_origin *origin)
{
	static char text[CLIENT_TEXT_MAX];
	struct client_names names = {0};
	struct client_name name;

	client_names_find(&names, 17, origin, &name);
	client_names_done(&names);
	return client_name_text(&name, text);
}

static const struct gw_origin origin = {.cgroup_id = 5, .tgid = 4711};

static void test_a_pod_then_a_process_then_a_cookie(void **state)
{
	(void)state;
	assert_string_equal(called(&origin), "a client (network namespace cookie 17)");
	found.command = "java";
	assert_string_equal(called(&origin), "process 4711 'java'");
	found.pod = "0f3a9c1e-5b7d-4e2f-8a6b-1c2d3e4f5a6b";
	assert_string_equal(called(&origin), "pod 0f3a9c1e-5b7d-4e2f-8a6b-1c2d3e4f5a6b");
	found.namespace = "shop";
	found.pod = "till-0";
	assert_string_equal(called(&origin), "pod shop/till-0");
}

static void test_a_process_does_not_leave_its_quotes(void **state)
{
	(void)state;
	found.command = "x' by\n\x1b\"pod\\ a/b";
	assert_string_equal(called(&origin), "process 4711 'x? by???pod? a/'");
}

static void test_without_an_origin_nobody_is_looked_for(void **state)
{
	(void)state;
	found.pod = "till-0";
	assert_string_equal(called(&(struct gw_origin){0}),
			    "a client (network namespace cookie 17)");
	assert_int_equal(opened, 0);
	assert_int_equal(all_looks, 0);
}

static void test_who_comes_after_many_looks_has_a_cookie(void **state)
{
	struct client_names names = {0};
	struct client_name name;

	(void)state;
	found.pod = "till-0";
	for (int i = 0; i < 10 * CLIENT_NAMES_LOOKS; i++) {
		client_names_find(&names, 17, &origin, &name);
		assert_string_equal(name.pod, i < CLIENT_NAMES_LOOKS ? "till-0" : "");
		assert_int_equal(name.cookie, 17);
	}
	client_names_done(&names);
	assert_int_equal(opened, 1);
	assert_int_equal(all_looks, CLIENT_NAMES_LOOKS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_pod_then_a_process_then_a_cookie, set_up),
		cmocka_unit_test_setup(test_a_process_does_not_leave_its_quotes, set_up),
		cmocka_unit_test_setup(test_without_an_origin_nobody_is_looked_for, set_up),
		cmocka_unit_test_setup(test_who_comes_after_many_looks_has_a_cookie, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
