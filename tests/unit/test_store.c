// SPDX-License-Identifier: Apache-2.0
/* Who says what: which object is in force, what is a change, and what goes when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/store.h"
#include "unit/objects.h"

#define ORIGINS 3

/* A store, and a line for each thing that it told. */
struct fixture {
	struct store *store;
	struct origin *origins[ORIGINS]; /* "a" to "c", the first counts most */
	char told[4096];
};

static __attribute__((format(printf, 2, 3))) void tell(struct fixture *f, const char *format, ...)
{
	size_t length = strlen(f->told);
	va_list args;

	va_start(args, format);
	vsnprintf(f->told + length, sizeof(f->told) - length, format, args);
	va_end(args);
	assert_true(strlen(f->told) < sizeof(f->told) - 1);
}

static void on_put(enum store_kind kind, const void *object, const void *old, void *arg)
{
	const struct service *service = object;
	const struct slice *slice = object;

	if (kind == STORE_SERVICE)
		tell(arg, "%s %s %u\n", old ? "change" : "add", service->name,
		     service->ports[0].port);
	else
		tell(arg, "%s %s of %s\n", old ? "change" : "add", slice->name, slice->service);
}

static void on_removed(enum store_kind kind, const char *namespace, const char *name, void *arg)
{
	assert_string_equal(namespace, "fabric");
	tell(arg, "lose %s%s\n", kind == STORE_SLICE ? "slice " : "", name);
}

static void on_refused(const char *place, const char *object, const char *message, void *arg)
{
	tell(arg, "refuse %s: %s: %s\n", place, object, message);
}

static void on_accepted(const char *place, void *arg)
{
	tell(arg, "accept %s\n", place);
}

static const struct store_ops ops = {
	.put = on_put,
	.removed = on_removed,
	.refused = on_refused,
	.accepted = on_accepted,
};

static struct origin *add_origin(struct fixture *f, const char *place, size_t rank, bool exclusive)
{
	const struct origin_setup setup = {.place = place, .rank = rank, .is_exclusive = exclusive};
	struct origin *origin;

	assert_int_equal(store_add_origin(f->store, &setup, &origin), 0);
	return origin;
}

static int setup(void **state)
{
	static const char *const places[ORIGINS] = {"a", "b", "c"};
	struct fixture *f = needed(calloc(1, sizeof(*f)));

	assert_int_equal(store_new(&ops, f, &f->store), 0);
	for (size_t i = 0; i < ORIGINS; i++)
		f->origins[i] = add_origin(f, places[i], i, false);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_free(f->store);
	free(f);
	return 0;
}

static void expect(struct fixture *f, const char *told)
{
	assert_string_equal(f->told, told);
	assert_true(store_take_changed(f->store) ==
		    (strstr(told, "add ") || strstr(told, "change ") || strstr(told, "lose ")));
	f->told[0] = '\0';
}

static struct service *service_of(const char *name, unsigned int port)
{
	char ports[16];

	snprintf(ports, sizeof(ports), "=%u", port);
	return make_service(name, "10.96.0.1", ports);
}

static void put(struct origin *origin, const char *name, unsigned int port)
{
	assert_int_equal(store_put(origin, STORE_SERVICE, service_of(name, port)), 0);
}

static void put_slice(struct origin *origin, const char *name, const char *service)
{
	struct slice *slice = make_slice(name, "grpc=7051", "10.0.0.1 pod=p", NULL);

	replace_text(&slice->service, service);
	assert_int_equal(store_put(origin, STORE_SLICE, slice), 0);
}

static void drop(struct origin *origin, const char *name)
{
	store_drop(origin, STORE_SERVICE, "fabric", name);
}

static void test_what_says_nothing_new_is_no_change(void **state)
{
	struct fixture *f = *state;

	put(f->origins[0], "x", 1);
	put(f->origins[0], "x", 1);
	put_slice(f->origins[0], "x-1", "x");
	put_slice(f->origins[0], "x-1", "x");
	expect(f, "add x 1\nadd x-1 of x\n");
	put(f->origins[0], "x", 2);
	put_slice(f->origins[0], "x-1", "y");
	expect(f, "change x 2\nchange x-1 of y\n");
	drop(f->origins[0], "x");
	drop(f->origins[0], "x");
	store_drop(f->origins[0], STORE_SLICE, "fabric", "x-1");
	store_drop(f->origins[0], STORE_SLICE, "other", "x-1");
	expect(f, "lose x\nlose slice x-1\n");
	assert_int_equal(model_service_count(store_model(f->store)), 0);
	assert_int_equal(model_slice_count(store_model(f->store)), 0);
}

static void test_what_an_origin_no_longer_names_goes_at_its_end(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		store_begin(f->origins[0]);
		put(f->origins[0], "x", 1);
		put(f->origins[0], "y", 1);
		put(f->origins[0], "z", 1);
		store_end(f->origins[0], 0);
		expect(f, i ? "" : "add x 1\nadd y 1\nadd z 1\n");
	}
	/* A round that does not come to its end takes nothing away. */
	store_begin(f->origins[0]);
	put(f->origins[0], "x", 2);
	expect(f, "change x 2\n");
	/* What is put between two rounds is of the next one only if that names it. */
	put(f->origins[0], "w", 1);
	store_begin(f->origins[0]);
	put(f->origins[0], "x", 2);
	assert_true(store_keep(f->origins[0], STORE_SERVICE, "fabric", "y"));
	assert_false(store_keep(f->origins[0], STORE_SERVICE, "fabric", "new"));
	assert_false(store_keep(f->origins[1], STORE_SERVICE, "fabric", "z"));
	expect(f, "add w 1\n");
	store_end(f->origins[0], 0);
	expect(f, "lose z\nlose w\n");
}

static void test_the_higher_origin_counts_and_the_other_takes_over(void **state)
{
	struct fixture *f = *state;
	const struct service *found;

	put(f->origins[1], "x", 2);
	put(f->origins[2], "x", 3);
	expect(f, "add x 2\n");
	put(f->origins[0], "x", 1);
	expect(f, "change x 1\n");
	put(f->origins[1], "x", 22);
	drop(f->origins[2], "x");
	expect(f, "");
	assert_string_equal(store_find_place(f->store, STORE_SERVICE, "fabric", "x"), "a");
	drop(f->origins[0], "x");
	expect(f, "change x 22\n");
	assert_string_equal(store_find_place(f->store, STORE_SERVICE, "fabric", "x"), "b");
	found = model_find_service(store_model(f->store), "fabric", "x");
	assert_int_equal(found->ports[0].port, 22);
	/* One that says the same takes over without a word, in both directions. */
	put(f->origins[0], "x", 22);
	drop(f->origins[0], "x");
	expect(f, "");
	drop(f->origins[1], "x");
	expect(f, "lose x\n");
	assert_null(store_find_place(f->store, STORE_SERVICE, "fabric", "x"));
}

static void test_of_equals_the_one_that_spoke_last_counts(void **state)
{
	struct fixture *f = *state;
	struct origin *one = add_origin(f, "slices", 7, false);
	struct origin *other = add_origin(f, "slices", 7, false);

	put_slice(one, "s", "x");
	put_slice(other, "s", "y");
	expect(f, "add s of x\nchange s of y\n");
	store_drop(one, STORE_SLICE, "fabric", "s");
	expect(f, "");
	put_slice(one, "s", "y");
	store_drop(other, STORE_SLICE, "fabric", "s");
	expect(f, "");
	store_drop(one, STORE_SLICE, "fabric", "s");
	expect(f, "lose slice s\n");
}

static void append(const char *place, const char *text, void *arg)
{
	tell(arg, "%s=%s\n", place, text);
}

#define SECOND(name, place)                                                                        \
	"Service 'fabric/" name "': another file that comes first has it, too: remove it from "    \
	"one of them: '" place "'\n"

static void test_a_second_file_is_told_until_it_takes_over(void **state)
{
	struct fixture *f = *state;
	struct origin *first = add_origin(f, "1.yaml", 7, true);
	struct origin *second = add_origin(f, "2.yaml", 7, true);

	put(second, "x", 2);
	put(first, "x", 1);
	expect(f, "add x 2\nchange x 1\nrefuse 2.yaml: " SECOND("x", "1.yaml"));
	assert_true(store_has_refusals(second));
	assert_false(store_has_refusals(first));
	assert_true(store_has_refusals_at(f->store, "2.yaml"));
	assert_false(store_has_refusals_at(f->store, "1.yaml"));
	store_refuse(second, "Service 'fabric/y'", "bad");
	store_refuse_at(f->store, "0.yaml", "", "worse");
	assert_int_equal(store_refusal_count(f->store), 3);
	f->told[0] = '\0';
	store_visit_refusals(f->store, append, f);
	expect(f, "0.yaml=worse\n2.yaml=Service 'fabric/y': bad\n2.yaml=" SECOND("x", "1.yaml"));
	/* It is read again. */
	store_begin(second);
	put(second, "x", 2);
	store_end(second, 0);
	expect(f, "accept 2.yaml\nrefuse 2.yaml: " SECOND("x", "1.yaml"));
	assert_int_equal(store_refusal_count(f->store), 2);
	drop(first, "x");
	expect(f, "accept 2.yaml\nchange x 2\n");
	assert_false(store_has_refusals(second));
	assert_true(store_has_refusals_at(f->store, "0.yaml"));
	store_accept_at(f->store, "0.yaml");
	store_accept_at(f->store, "0.yaml");
	expect(f, "accept 0.yaml\n");
	assert_int_equal(store_refusal_count(f->store), 0);
	/* One that goes is no longer told. */
	put(first, "x", 1);
	assert_int_equal(store_refusal_count(f->store), 1);
	drop(second, "x");
	assert_int_equal(store_refusal_count(f->store), 0);
	put(second, "x", 2);
	store_drop_origin(second, 0);
	assert_int_equal(store_refusal_count(f->store), 0);
}

static void test_what_nobody_names_stays_until_its_time(void **state)
{
	struct fixture *f = *state;
	struct origin *again;

	put(f->origins[0], "x", 1);
	put(f->origins[0], "y", 1);
	put(f->origins[1], "y", 2);
	store_refuse(f->origins[0], "", "bad");
	f->told[0] = '\0';
	assert_int_equal(store_expire(f->store, 5000), 0);
	store_drop_origin(f->origins[0], 1100);
	expect(f, "accept a\nchange y 2\n");
	assert_null(store_find_place(f->store, STORE_SERVICE, "fabric", "x"));
	assert_int_equal(store_expire(f->store, 1099), 1100);
	expect(f, "");
	/* A successor takes what is the same without a word, and it is the successor's then. */
	again = add_origin(f, "a", 0, true);
	put(again, "x", 1);
	assert_int_equal(store_expire(f->store, 1100), 0);
	expect(f, "");
	/* What leaves one origin and comes to another in between never goes. */
	store_begin(again);
	store_end(again, 1200);
	put_slice(f->origins[2], "s", "x");
	store_drop_origin(f->origins[2], 1150);
	put(f->origins[1], "x", 1);
	expect(f, "add s of x\n");
	assert_int_equal(store_expire(f->store, 1149), 1150);
	assert_int_equal(store_expire(f->store, 1150), 0);
	expect(f, "lose slice s\n");
	assert_string_equal(store_find_place(f->store, STORE_SERVICE, "fabric", "x"), "b");
	drop(f->origins[1], "x");
	expect(f, "lose x\n");
}

static void test_an_heir_goes_on_with_what_is_inherited(void **state)
{
	struct fixture *f = *state;
	struct origin *old = add_origin(f, "slices", 7, false);
	struct origin *heir = add_origin(f, "slices", 7, false);

	put(old, "x", 1);
	put(old, "y", 1);
	put(old, "z", 1);
	f->told[0] = '\0';
	store_begin(heir);
	put(heir, "x", 2);
	store_inherit(heir, old);
	store_drop_origin(old, 0);
	expect(f, "change x 2\n");
	put(heir, "y", 1);
	store_end(heir, 0);
	expect(f, "lose z\n");
	store_drop_origin(heir, 0);
	expect(f, "lose x\nlose y\n");
}

static struct service *make_invalid(const char *reason)
{
	struct service *service = service_of("x", 1);

	service->settings.policy = GW_POLICY_RR;
	service->settings_good = false;
	replace_text(&service->invalid, reason);
	return service;
}

static void test_last_good_settings_are_of_whom_was_in_force(void **state)
{
	struct fixture *f = *state;
	struct service *good = service_of("x", 1);
	const struct service *found;

	good->settings.policy = GW_POLICY_RANDOM;
	assert_int_equal(store_put(f->origins[1], STORE_SERVICE, good), 0);
	assert_int_equal(store_put(f->origins[0], STORE_SERVICE, make_invalid("typo")), 0);
	expect(f, "add x 1\nchange x 1\n");
	found = model_find_service(store_model(f->store), "fabric", "x");
	assert_int_equal(found->settings.policy, GW_POLICY_RANDOM);
	assert_string_equal(found->invalid, "typo");
	/* The same typo again is no news, another one is. */
	assert_int_equal(store_put(f->origins[0], STORE_SERVICE, make_invalid("typo")), 0);
	expect(f, "");
	assert_int_equal(store_put(f->origins[0], STORE_SERVICE, make_invalid("other")), 0);
	expect(f, "change x 1\n");
	/* And the lower one still has its own. */
	drop(f->origins[0], "x");
	found = model_find_service(store_model(f->store), "fabric", "x");
	assert_int_equal(found->settings.policy, GW_POLICY_RANDOM);
	assert_string_equal(found->invalid, "");
	assert_true(found->settings_good);
}

static bool admit(enum store_kind kind, void *object, const void *held, void *arg)
{
	struct service *service = object;

	assert_int_equal(kind, STORE_SERVICE);
	tell(arg, "admit %s%s\n", service->name, held ? " again" : "");
	service->enabled = true;
	return service->ports[0].port != 666;
}

static void test_what_is_admitted_may_be_changed_before_it_is_compared(void **state)
{
	static const struct store_ops admitting = {.admit = admit,
						   .put = on_put,
						   .removed = on_removed};
	struct fixture *f = *state;
	struct service *service;

	store_free(f->store);
	assert_int_equal(store_new(&admitting, f, &f->store), 0);
	f->origins[0] = add_origin(f, "a", 0, false);
	for (int i = 0; i < 2; i++) {
		service = service_of("x", 1);
		service->enabled = false;
		assert_int_equal(store_put(f->origins[0], STORE_SERVICE, service), 0);
	}
	expect(f, "admit x\nadd x 1\nadmit x again\n");
	/* What is none of ours is as if it were not named. */
	put(f->origins[0], "y", 666);
	expect(f, "admit y\n");
	put(f->origins[0], "x", 666);
	expect(f, "admit x again\nlose x\n");
}

static bool count(const char *namespace, const char *name, void *arg)
{
	size_t *counted = arg;

	(void)namespace;
	(void)name;
	++*counted;
	return true;
}

static void list_all(struct origin *origin, size_t services)
{
	char name[32], slice[40];

	store_begin(origin);
	for (size_t i = 0; i < services; i++) {
		snprintf(name, sizeof(name), "gateway-%zu", i);
		snprintf(slice, sizeof(slice), "%s-1", name);
		put(origin, name, 7051);
		put_slice(origin, slice, name);
	}
	store_end(origin, 0);
}

static void test_a_list_that_brings_nothing_new_changes_no_service(void **state)
{
	struct store *store;
	struct origin *origin;
	size_t counted = 0;

	(void)state;
	assert_int_equal(store_new(&(struct store_ops){0}, NULL, &store), 0);
	assert_int_equal(store_add_origin(store, &(struct origin_setup){.place = "services"},
					  &origin),
			 0);
	list_all(origin, 1000);
	model_visit_changed(store_model(store), count, &counted);
	assert_int_equal(counted, 1000);
	counted = 0;
	list_all(origin, 1000);
	model_visit_changed(store_model(store), count, &counted);
	assert_int_equal(counted, 0);
	list_all(origin, 999);
	model_visit_changed(store_model(store), count, &counted);
	assert_int_equal(counted, 1);
	store_free(store);
}

/* What each origin says of each name; 0: nothing. */
struct reference {
	unsigned int said[ORIGINS][4];
};

static unsigned int in_force(const struct reference *reference, size_t name)
{
	for (size_t i = 0; i < ORIGINS; i++)
		if (reference->said[i][name])
			return reference->said[i][name];
	return 0;
}

static void check_all(struct fixture *f, const struct reference *reference)
{
	size_t count_of_all = 0;

	for (size_t i = 0; i < 4; i++) {
		char name[2] = {(char)('p' + i), '\0'};
		const struct service *found =
			model_find_service(store_model(f->store), "fabric", name);

		assert_int_equal(found ? found->ports[0].port : 0, in_force(reference, i));
		count_of_all += found != NULL;
	}
	assert_int_equal(model_service_count(store_model(f->store)), count_of_all);
}

/* Each name is put anew, kept, dropped, or not named: the last two are the same at the end. */
static void tell_some(struct fixture *f, struct reference *reference, size_t at, unsigned int seed)
{
	store_begin(f->origins[at]);
	for (size_t i = 0; i < 4; i++, seed /= 8) {
		char name[2] = {(char)('p' + i), '\0'};
		unsigned int *said = &reference->said[at][i];

		switch (seed % 8) {
		case 0:
			assert_true(store_keep(f->origins[at], STORE_SERVICE, "fabric", name) ==
				    (*said != 0));
			break;
		case 1:
			drop(f->origins[at], name);
			*said = 0;
			break;
		case 2:
			*said = 0;
			break;
		default:
			*said = 1 + seed % 8;
			put(f->origins[at], name, *said);
		}
	}
	store_end(f->origins[at], 0);
}

static void test_whatever_is_told_the_highest_origin_counts(void **state)
{
	struct fixture *f = *state;
	struct reference reference = {0};
	unsigned int seed = 1;

	for (size_t i = 0; i < 3000; i++) {
		seed = seed * 1103515245 + 12345;
		tell_some(f, &reference, (seed >> 28) % ORIGINS, seed >> 12 & 0xffff);
		check_all(f, &reference);
		f->told[0] = '\0';
	}
}

/* Of the sanitizer, without which there is no such number. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void come_and_go(struct fixture *f, unsigned int number)
{
	char name[32];

	snprintf(name, sizeof(name), "gateway-%u", number % 7);
	put(f->origins[number % ORIGINS], name, 1);
	put(f->origins[(number + 1) % ORIGINS], name, 2);
	drop(f->origins[number % ORIGINS], name);
	drop(f->origins[(number + 1) % ORIGINS], name);
	model_visit_changed(store_model(f->store), count, &(size_t){0});
	f->told[0] = '\0';
}

static void test_names_that_come_and_go_leave_no_memory_behind(void **state)
{
	size_t before;

	if (!__sanitizer_get_current_allocated_bytes)
		skip();
	come_and_go(*state, 0);
	before = __sanitizer_get_current_allocated_bytes();
	for (unsigned int i = 0; i < 1000; i++)
		come_and_go(*state, i);
	assert_int_equal(__sanitizer_get_current_allocated_bytes(), before);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(test_what_says_nothing_new_is_no_change),
		STORE_TEST(test_what_an_origin_no_longer_names_goes_at_its_end),
		STORE_TEST(test_the_higher_origin_counts_and_the_other_takes_over),
		STORE_TEST(test_of_equals_the_one_that_spoke_last_counts),
		STORE_TEST(test_a_second_file_is_told_until_it_takes_over),
		STORE_TEST(test_what_nobody_names_stays_until_its_time),
		STORE_TEST(test_an_heir_goes_on_with_what_is_inherited),
		STORE_TEST(test_last_good_settings_are_of_whom_was_in_force),
		STORE_TEST(test_what_is_admitted_may_be_changed_before_it_is_compared),
		STORE_TEST(test_whatever_is_told_the_highest_origin_counts),
		STORE_TEST(test_names_that_come_and_go_leave_no_memory_behind),
		cmocka_unit_test(test_a_list_that_brings_nothing_new_changes_no_service),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
