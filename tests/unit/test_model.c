// SPDX-License-Identifier: Apache-2.0
/* What the model remembers, forgets, and calls changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/model.h"
#include "unit/objects.h"

#define NAMES_MAX 4096

struct names {
	char text[NAMES_MAX];   /* "fabric/a fabric/b" */
	const char *unfinished; /* the name that is not done with, or NULL */
};

static bool note(const char *namespace, const char *name, void *arg)
{
	struct names *names = arg;
	size_t length = strlen(names->text);

	snprintf(names->text + length, NAMES_MAX - length, "%s%s/%s", length ? " " : "", namespace,
		 name);
	return !names->unfinished || strcmp(names->unfinished, name) != 0;
}

static const char *changed_but(struct model *model, const char *unfinished)
{
	static struct names names;

	names = (struct names){.unfinished = unfinished};
	model_visit_changed(model, note, &names);
	return names.text;
}

static const char *changed(struct model *model)
{
	return changed_but(model, NULL);
}

static const char *all(const struct model *model)
{
	static struct names names;

	names.text[0] = '\0';
	model_visit_all(model, note, &names);
	return names.text;
}

/* The names of a Service's slices, with the address of their first endpoint. */
static const char *slices_of(const struct model *model, const char *service)
{
	static char text[NAMES_MAX];
	const struct slice *const *slices;
	size_t count = model_slices(model, "fabric", service, &slices);
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char shown[ADDR_TEXT_MAX];

		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s:%s",
					   i ? " " : "", slices[i]->name,
					   addr_format(&slices[i]->endpoints[0].address, shown));
	}
	return text;
}

static void put_slice(struct model *model, const char *name, const char *service,
		      const char *endpoint)
{
	struct slice *slice = make_slice(name, "grpc=7051", endpoint, NULL);

	replace_text(&slice->service, service);
	assert_int_equal(model_put_slice(model, slice), 0);
}

static void put_service(struct model *model, const char *name)
{
	assert_int_equal(model_put_service(model, make_service(name, "10.96.0.1", "grpc=7051")), 0);
}

static int setup(void **state)
{
	struct model *model;

	if (model_new(&model))
		return -1;
	*state = model;
	return 0;
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

static void test_an_empty_model_has_nothing(void **state)
{
	struct model *model = *state;
	const struct slice *const *slices;

	assert_int_equal(model_service_count(model), 0);
	assert_int_equal(model_slice_count(model), 0);
	assert_null(model_find_service(model, "fabric", "gateway"));
	assert_int_equal(model_slices(model, "fabric", "gateway", &slices), 0);
	assert_string_equal(changed(model), "");
	assert_string_equal(all(model), "");
	model_remove_service(model, "fabric", "gateway");
	model_remove_slice(model, "fabric", "gateway");
	model_touch_all(model);
	assert_string_equal(changed(model), "");
	model_free(NULL);
}

static void test_a_service_is_found_by_namespace_and_name(void **state)
{
	struct model *model = *state;
	struct service *other = make_service("gateway", "10.96.0.9", "grpc=7051");

	replace_text(&other->namespace, "other");
	put_service(model, "gateway");
	assert_int_equal(model_put_service(model, other), 0);
	assert_int_equal(model_service_count(model), 2);
	assert_ptr_equal(model_find_service(model, "other", "gateway"), other);
	assert_string_equal(model_find_service(model, "fabric", "gateway")->namespace, "fabric");
	assert_null(model_find_service(model, "fabric", "gatewa"));
	assert_null(model_find_service(model, "fabricg", "ateway"));
	assert_null(model_find_service(model, "", ""));
}

static void test_a_service_takes_the_place_of_its_older_self(void **state)
{
	struct model *model = *state;
	struct service *newer = make_service("gateway", "10.96.0.2", "grpc=7051");

	put_service(model, "gateway");
	assert_int_equal(model_put_service(model, newer), 0);
	assert_int_equal(model_service_count(model), 1);
	assert_ptr_equal(model_find_service(model, "fabric", "gateway"), newer);
}

static void test_the_slices_of_a_service_are_ordered_by_name(void **state)
{
	struct model *model = *state;

	put_slice(model, "c", "gateway", "10.0.0.3");
	put_slice(model, "a", "gateway", "10.0.0.1");
	put_slice(model, "x", "other", "10.0.0.9");
	put_slice(model, "d", "gateway", "10.0.0.4");
	put_slice(model, "b", "gateway", "10.0.0.2");
	assert_string_equal(slices_of(model, "gateway"),
			    "a:10.0.0.1 b:10.0.0.2 c:10.0.0.3 d:10.0.0.4");
	assert_string_equal(slices_of(model, "other"), "x:10.0.0.9");
	assert_int_equal(model_slice_count(model), 5);
	model_remove_slice(model, "fabric", "b");
	model_remove_slice(model, "fabric", "d");
	model_remove_slice(model, "fabric", "a");
	model_remove_slice(model, "fabric", "a");
	assert_string_equal(slices_of(model, "gateway"), "c:10.0.0.3");
	assert_int_equal(model_slice_count(model), 2);
}

static void test_a_slice_takes_the_place_of_its_older_self(void **state)
{
	struct model *model = *state;

	put_slice(model, "a", "gateway", "10.0.0.1");
	put_slice(model, "b", "gateway", "10.0.0.2");
	changed(model);
	put_slice(model, "a", "gateway", "10.0.0.7");
	assert_string_equal(slices_of(model, "gateway"), "a:10.0.0.7 b:10.0.0.2");
	assert_int_equal(model_slice_count(model), 2);
	assert_string_equal(changed(model), "fabric/gateway");
	assert_string_equal(changed(model), "");
}

static void test_a_slice_that_moves_changes_both_services(void **state)
{
	struct model *model = *state;

	put_service(model, "a-side");
	put_service(model, "b-side");
	put_slice(model, "one", "b-side", "10.0.0.1");
	changed(model);
	put_slice(model, "one", "a-side", "10.0.0.1");
	assert_string_equal(changed(model), "fabric/a-side fabric/b-side");
	assert_string_equal(slices_of(model, "a-side"), "one:10.0.0.1");
	assert_string_equal(slices_of(model, "b-side"), "");
	assert_int_equal(model_slice_count(model), 1);
}

static void test_slices_may_come_before_their_service_and_stay_after_it(void **state)
{
	struct model *model = *state;

	put_slice(model, "one", "gateway", "10.0.0.1");
	assert_int_equal(model_service_count(model), 0);
	assert_string_equal(changed(model), "fabric/gateway");
	put_service(model, "gateway");
	assert_string_equal(slices_of(model, "gateway"), "one:10.0.0.1");
	model_remove_service(model, "fabric", "gateway");
	assert_null(model_find_service(model, "fabric", "gateway"));
	assert_string_equal(changed(model), "fabric/gateway");
	assert_string_equal(slices_of(model, "gateway"), "one:10.0.0.1");
}

static void test_changes_come_in_order_each_name_once(void **state)
{
	struct model *model = *state;

	put_service(model, "m");
	put_service(model, "z");
	put_service(model, "a");
	put_slice(model, "one", "m", "10.0.0.1");
	put_slice(model, "two", "m", "10.0.0.2");
	assert_string_equal(changed(model), "fabric/a fabric/m fabric/z");
	assert_string_equal(changed(model), "");
}

static void test_what_is_gone_is_a_change_and_then_forgotten(void **state)
{
	struct model *model = *state;

	put_service(model, "gateway");
	put_slice(model, "one", "gateway", "10.0.0.1");
	changed(model);
	model_remove_service(model, "fabric", "gateway");
	model_remove_slice(model, "fabric", "one");
	assert_int_equal(model_service_count(model), 0);
	assert_string_equal(changed(model), "fabric/gateway");
	model_touch_all(model);
	assert_string_equal(changed(model), "");
	assert_string_equal(all(model), "");
}

static void test_a_name_that_is_not_done_with_stays_changed(void **state)
{
	struct model *model = *state;

	put_service(model, "a");
	put_service(model, "b");
	put_service(model, "c");
	assert_string_equal(changed_but(model, "b"), "fabric/a fabric/b fabric/c");
	assert_string_equal(changed_but(model, "b"), "fabric/b");
	put_service(model, "b"); /* changed already: still one change */
	put_service(model, "a");
	assert_string_equal(changed(model), "fabric/a fabric/b");
	assert_string_equal(changed(model), "");
}

static void test_a_name_that_is_gone_stays_changed_until_it_is_done_with(void **state)
{
	struct model *model = *state;

	put_service(model, "a");
	changed(model);
	model_remove_service(model, "fabric", "a");
	assert_string_equal(changed_but(model, "a"), "fabric/a");
	assert_string_equal(changed_but(model, "a"), "fabric/a");
	assert_string_equal(changed(model), "fabric/a");
	assert_string_equal(changed(model), "");
}

static void test_touch_all_changes_every_service(void **state)
{
	struct model *model = *state;

	put_service(model, "b");
	put_service(model, "a");
	put_slice(model, "one", "no-service", "10.0.0.1");
	changed(model);
	model_touch_all(model);
	assert_string_equal(changed(model), "fabric/a fabric/b");
	assert_string_equal(all(model), "fabric/a fabric/b");
}

/* Against a plain array that does the same: puts, moves, removals and visits in any order. */
#define STEPS 20000
#define NAMES 24

struct shadow {
	int owner[NAMES]; /* of each slice: a Service, or -1 */
	bool exists[NAMES];
	bool changed[NAMES];
};

static void name_of(int number, char *ret)
{
	sprintf(ret, "n%02d", number);
}

static void change(struct shadow *shadow, int service)
{
	if (service >= 0)
		shadow->changed[service] = true;
}

static void random_step(struct model *model, struct shadow *shadow)
{
	int subject = rand() % NAMES;
	int service = rand() % NAMES;
	char name[16], owner[16];

	name_of(subject, name);
	name_of(service, owner);
	switch (rand() % 4) {
	case 0:
		put_service(model, name);
		shadow->exists[subject] = true;
		change(shadow, subject);
		break;
	case 1:
		model_remove_service(model, "fabric", name);
		change(shadow, shadow->exists[subject] ? subject : -1);
		shadow->exists[subject] = false;
		break;
	case 2:
		put_slice(model, name, owner, "10.0.0.1");
		change(shadow, shadow->owner[subject]);
		shadow->owner[subject] = service;
		change(shadow, service);
		break;
	default:
		model_remove_slice(model, "fabric", name);
		change(shadow, shadow->owner[subject]);
		shadow->owner[subject] = -1;
	}
}

static void check_changed(struct model *model, struct shadow *shadow)
{
	char wanted[NAMES_MAX] = "";
	char name[16];

	for (int i = 0; i < NAMES; i++) {
		if (!shadow->changed[i])
			continue;
		name_of(i, name);
		strcat(wanted, wanted[0] ? " fabric/" : "fabric/");
		strcat(wanted, name);
		shadow->changed[i] = false;
	}
	assert_string_equal(changed(model), wanted);
}

static void check_service(const struct model *model, const struct shadow *shadow, int service)
{
	char wanted[NAMES_MAX] = "";
	char name[16];

	for (int i = 0; i < NAMES; i++) {
		if (shadow->owner[i] != service)
			continue;
		name_of(i, name);
		sprintf(wanted + strlen(wanted), "%s%s:10.0.0.1", wanted[0] ? " " : "", name);
	}
	name_of(service, name);
	assert_string_equal(slices_of(model, name), wanted);
	assert_int_equal(model_find_service(model, "fabric", name) != NULL,
			 shadow->exists[service]);
}

static void test_awaiting_slices_changes_a_service_and_ends_with_it(void **state)
{
	struct model *model = *state;

	model_await_slices(model, "fabric", "gateway", true);
	assert_false(model_awaits_slices(model, "fabric", "gateway"));
	assert_int_equal(model_put_service(model, make_service("gateway", "", "")), 0);
	changed(model);
	model_await_slices(model, "fabric", "gateway", true);
	assert_true(model_awaits_slices(model, "fabric", "gateway"));
	assert_string_equal(changed(model), "fabric/gateway");
	model_await_slices(model, "fabric", "gateway", true);
	assert_string_equal(changed(model), "");
	model_remove_service(model, "fabric", "gateway");
	assert_int_equal(model_put_service(model, make_service("gateway", "", "")), 0);
	assert_false(model_awaits_slices(model, "fabric", "gateway"));
}

static void test_any_order_of_events_leaves_what_was_told_last(void **state)
{
	struct model *model = *state;
	struct shadow shadow = {0};

	srand(4711);
	for (int i = 0; i < NAMES; i++)
		shadow.owner[i] = -1;
	for (int step = 0; step < STEPS; step++) {
		random_step(model, &shadow);
		if (rand() % 8 == 0)
			check_changed(model, &shadow);
		check_service(model, &shadow, rand() % NAMES);
	}
}

#define MODEL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static bool note_name(const char *namespace, const char *name, void *arg)
{
	(void)namespace;
	strcat(arg, name);
	return true;
}

/* Of two Services that claim one address the one that is visited first has it. */
static void test_the_older_service_is_visited_first(void **state)
{
	static const struct {
		const char *name;
		double created_time;
	} services[] = {{"a", 0}, {"b", 300}, {"c", 100}, {"d", 0}, {"e", 200}};
	char order[16] = "";
	struct model *model;
	size_t i;

	(void)state;
	assert_int_equal(model_new(&model), 0);
	for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		struct service *service = calloc(1, sizeof(*service));

		service->namespace = strdup("fabric");
		service->name = strdup(services[i].name);
		service->invalid = strdup("");
		service->settings_good = true;
		service->created_time = services[i].created_time;
		assert_int_equal(model_put_service(model, service), 0);
	}
	model_visit_changed(model, note_name, order);
	assert_string_equal(order, "cebad");
	model_remove_service(model, "fabric", "d");
	model_touch_all(model);
	*order = '\0';
	model_visit_changed(model, note_name, order);
	assert_string_equal(order, "cebad");
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_older_service_is_visited_first),
		MODEL_TEST(test_an_empty_model_has_nothing),
		MODEL_TEST(test_a_service_is_found_by_namespace_and_name),
		MODEL_TEST(test_a_service_takes_the_place_of_its_older_self),
		MODEL_TEST(test_the_slices_of_a_service_are_ordered_by_name),
		MODEL_TEST(test_a_slice_takes_the_place_of_its_older_self),
		MODEL_TEST(test_a_slice_that_moves_changes_both_services),
		MODEL_TEST(test_slices_may_come_before_their_service_and_stay_after_it),
		MODEL_TEST(test_changes_come_in_order_each_name_once),
		MODEL_TEST(test_what_is_gone_is_a_change_and_then_forgotten),
		MODEL_TEST(test_a_name_that_is_not_done_with_stays_changed),
		MODEL_TEST(test_a_name_that_is_gone_stays_changed_until_it_is_done_with),
		MODEL_TEST(test_touch_all_changes_every_service),
		MODEL_TEST(test_awaiting_slices_changes_a_service_and_ends_with_it),
		MODEL_TEST(test_any_order_of_events_leaves_what_was_told_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
