// SPDX-License-Identifier: Apache-2.0
/* The last thousand events: in order, bounded, and no tenant pushes out another's. */
#include "agent/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/client_names.h"

static int set_up(void **state)
{
	(void)state;
	events_begin();
	events_listen_to_all(NULL, NULL);
	return 0;
}

static void add(const char *namespace, int number)
{
	events_add(&(struct events_about){.kind = EVENTS_EJECTED,
					  .namespace = namespace,
					  .service = "gateway",
					  .client = 4711,
					  .pid = 12,
					  .client_name = &(struct client_name){.namespace = "shop",
									       .pod = "till-0",
									       .command = "ca'sh"}},
		   "number %d", number);
}

static size_t count_of(const json_t *list, const char *namespace)
{
	const json_t *item;
	size_t count = 0, i;

	json_array_foreach(json_object_get(list, "items"), i, item)
		count += !strcmp(json_string_value(json_object_get(item, "namespace")), namespace);
	return count;
}

static const char *field(const json_t *list, size_t at, const char *key)
{
	return json_string_value(
		json_object_get(json_array_get(json_object_get(list, "items"), at), key));
}

static void test_events_stand_in_their_order(void **state)
{
	json_t *list;

	(void)state;
	add("fabric", 1);
	add("fabric", 2);
	list = events_to_json("n1", true);
	assert_int_equal(json_array_size(json_object_get(list, "items")), 2);
	assert_string_equal(field(list, 0, "cause"), "number 1");
	assert_string_equal(field(list, 1, "cause"), "number 2");
	assert_string_equal(field(list, 0, "event"), "ejected");
	assert_string_equal(field(list, 0, "service"), "gateway");
	assert_null(field(list, 0, "backend"));
	assert_string_equal(json_string_value(json_object_get(list, "kind")), "EventList");
	json_decref(list);
}

static void test_the_oldest_give_way_and_are_counted(void **state)
{
	json_t *list;

	(void)state;
	for (int i = 0; i < EVENTS_MAX + 7; i++)
		add("fabric", i);
	list = events_to_json("n1", true);
	assert_int_equal(json_array_size(json_object_get(list, "items")), EVENTS_MAX);
	assert_string_equal(field(list, 0, "cause"), "number 7");
	assert_int_equal(json_integer_value(json_object_get(list, "forgottenTotal")), 7);
	json_decref(list);
}

static void test_a_tenant_pushes_out_only_its_own(void **state)
{
	json_t *list;

	(void)state;
	for (int i = 0; i < 20; i++)
		add("quiet", i);
	for (int i = 0; i < 5 * EVENTS_MAX; i++)
		add("noisy", i);
	list = events_to_json("n1", true);
	assert_int_equal(count_of(list, "quiet"), 20);
	assert_int_equal(count_of(list, "noisy"), EVENTS_MAX - 20);
	json_decref(list);
}

static void test_clients_are_named_to_root_alone(void **state)
{
	json_t *with, *without;
	char *text;

	(void)state;
	add("fabric", 1);
	with = events_to_json("n1", true);
	without = events_to_json("n1", false);
	assert_string_equal(field(with, 0, "clientNetnsCookie"), "4711");
	assert_null(field(without, 0, "clientNetnsCookie"));
	text = json_dumps(without, 0);
	assert_string_equal(field(with, 0, "clientNamespace"), "shop");
	assert_string_equal(field(with, 0, "clientPod"), "till-0");
	assert_string_equal(field(with, 0, "clientCommand"), "ca'sh");
	assert_null(strstr(text, "4711"));
	assert_null(strstr(text, "shop"));
	assert_null(strstr(text, "till-0"));
	assert_null(strstr(text, "ca'sh"));
	free(text);
	json_decref(with);
	json_decref(without);
}

static void test_what_a_stranger_wrote_is_cut_and_stays_text(void **state)
{
	char cause[4 * EVENTS_CAUSE_MAX], name[1024];
	json_t *list;
	char *text;

	(void)state;
	memset(cause, 'x', sizeof(cause) - 1);
	cause[sizeof(cause) - 1] = '\0';
	memset(name, '\xff', sizeof(name) - 1); /* no UTF-8 */
	name[sizeof(name) - 1] = '\0';
	events_add(&(struct events_about){.kind = EVENTS_REFUSED,
					  .namespace = name,
					  .service = name,
					  .backend = name,
					  .pod = name},
		   "\"\x1b[31m%s", cause);
	list = events_to_json("n1", true);
	assert_int_equal(strlen(field(list, 0, "cause")), EVENTS_CAUSE_MAX - 1);
	text = json_dumps(list, 0);
	assert_non_null(strstr(text, "\\\"\\u001B[31mxxx"));
	free(text);
	json_decref(list);
}

static void count_moves(const struct events_item *item, void *arg)
{
	*(int *)arg += events_kind_of(item) == EVENTS_EJECTED;
}

static void test_who_listens_is_told_of_each(void **state)
{
	int count = 0;

	(void)state;
	events_listen_to_all(count_moves, &count);
	add("fabric", 1);
	add("fabric", 2);
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_events_stand_in_their_order, set_up),
		cmocka_unit_test_setup(test_the_oldest_give_way_and_are_counted, set_up),
		cmocka_unit_test_setup(test_a_tenant_pushes_out_only_its_own, set_up),
		cmocka_unit_test_setup(test_clients_are_named_to_root_alone, set_up),
		cmocka_unit_test_setup(test_what_a_stranger_wrote_is_cut_and_stays_text, set_up),
		cmocka_unit_test_setup(test_who_listens_is_told_of_each, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
