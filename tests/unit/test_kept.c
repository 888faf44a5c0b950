// SPDX-License-Identifier: Apache-2.0
/* What the model keeps of objects: good settings beyond the object, strings in one block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/model.h"
#include "unit/objects.h"

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

static struct service *make_invalid(enum gw_policy policy)
{
	struct service *service = make_service("gateway", "10.96.0.1", "grpc=7051");

	service->settings.policy = policy;
	service->settings_good = false;
	replace_text(&service->invalid, "a typo");
	return service;
}

static void test_refused_settings_keep_those_of_the_replaced_service(void **state)
{
	struct model *model = *state;
	struct service *good = make_service("gateway", "10.96.0.1", "grpc=7051");
	const struct service *found;

	good->settings.policy = GW_POLICY_RANDOM;
	good->annotated = 1;
	assert_int_equal(model_put_service(model, good), 0);
	/* Twice: what was kept once must be kept on. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(model_put_service(model, make_invalid(GW_POLICY_LC)), 0);
		found = model_find_service(model, "fabric", "gateway");
		assert_true(found->settings_good);
		assert_int_equal(found->settings.policy, GW_POLICY_RANDOM);
		assert_int_equal(found->annotated, 1);
		assert_string_equal(found->invalid, "a typo");
	}
	good = make_service("gateway", "10.96.0.1", "grpc=7051");
	good->settings.policy = GW_POLICY_RR;
	assert_int_equal(model_put_service(model, good), 0);
	assert_int_equal(good->settings.policy, GW_POLICY_RR);
	assert_string_equal(good->invalid, "");
}

static void test_refused_settings_at_first_sight_are_not_good(void **state)
{
	struct model *model = *state;
	struct service *first = make_invalid(GW_POLICY_LC);
	struct service *second = make_invalid(GW_POLICY_RR);

	assert_int_equal(model_put_service(model, first), 0);
	assert_false(first->settings_good);
	second->settings_good = true; /* the model knows better than its source */
	assert_int_equal(model_put_service(model, second), 0);
	assert_false(second->settings_good);
}

static struct weights *weights_of(const char *text)
{
	char reason[WEIGHTS_REASON_MAX];
	struct weights *weights;

	assert_int_equal(weights_parse(text, &weights, reason), 0);
	return weights;
}

static void test_weights_and_drain_are_kept_as_settings_are(void **state)
{
	struct model *model = *state;
	struct service *good = make_service("gateway", "10.96.0.1", "grpc=7051");
	const struct service *found;

	good->weights = weights_of("peer1=3");
	good->drain = weights_of("peer2=0");
	assert_int_equal(model_put_service(model, good), 0);
	for (int i = 0; i < 2; i++) {
		struct service *refused = make_invalid(GW_POLICY_LC);

		/* What was read before the typo was met. */
		refused->weights = weights_of("peer1=9,peer2=9");
		assert_int_equal(model_put_service(model, refused), 0);
		found = model_find_service(model, "fabric", "gateway");
		assert_int_equal(service_weight_of(found, "peer1"), 3);
		assert_int_equal(service_weight_of(found, "peer2"), 0);
	}
	good = make_service("gateway", "10.96.0.1", "grpc=7051");
	assert_int_equal(model_put_service(model, good), 0);
	assert_int_equal(service_weight_of(good, "peer1"), 1);
	assert_int_equal(service_weight_of(good, "peer2"), 1);
}

/* Those that an earlier agent had put in force. */
static void test_a_refused_service_that_comes_with_good_settings_keeps_them(void **state)
{
	struct model *model = *state;
	struct service *service = make_invalid(GW_POLICY_RR);

	service->settings_good = true;
	service->weights = weights_of("peer1=3");
	assert_int_equal(model_put_service(model, service), 0);
	assert_true(service->settings_good);
	assert_int_equal(service->settings.policy, GW_POLICY_RR);
	assert_int_equal(service_weight_of(service, "peer1"), 3);
	assert_string_equal(service->invalid, "a typo");
}

static void test_settings_are_not_kept_over_a_removal(void **state)
{
	struct model *model = *state;
	struct service *good = make_service("gateway", "10.96.0.1", "grpc=7051");
	struct service *again = make_invalid(GW_POLICY_LC);

	assert_int_equal(model_put_service(model, good), 0);
	model_remove_service(model, "fabric", "gateway");
	assert_int_equal(model_put_service(model, again), 0);
	assert_false(again->settings_good);
}

static void test_packing_a_slice_keeps_every_string(void **state)
{
	struct slice *slice =
		make_slice("one", "grpc=7051,ops=9443",
			   "10.0.0.1 pod=peer1 node=node1 zone=a for-nodes=node1 for-zones=a,b",
			   "10.0.0.2", NULL);
	const struct endpoint *first = &slice->endpoints[0];

	(void)state;
	slice_pack(slice);
	slice_pack(slice);
	assert_string_equal(slice->namespace, "fabric");
	assert_string_equal(slice->name, "one");
	assert_string_equal(slice->service, "gateway");
	assert_string_equal(slice->ports[0].name, "grpc");
	assert_string_equal(slice->ports[1].name, "ops");
	assert_string_equal(first->pod, "peer1");
	assert_string_equal(first->node, "node1");
	assert_string_equal(first->zone, "a");
	assert_string_equal(first->node_hints, "node1\n");
	assert_string_equal(first->zone_hints, "a\nb\n");
	assert_string_equal(slice->endpoints[1].pod, "");
	assert_string_equal(slice->endpoints[1].node_hints, "");
	slice_free(slice);
}

static void test_the_model_packs_its_slices(void **state)
{
	struct slice *slice = make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1", NULL);

	assert_int_equal(model_put_slice(*state, slice), 0);
	assert_non_null(slice->text);
	assert_string_equal(slice->endpoints[0].pod, "peer1");
}

/* Of the sanitizer, without which there is no such number. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static bool done(const char *namespace, const char *name, void *arg)
{
	(void)namespace;
	(void)name;
	(void)arg;
	return true;
}

static void come_and_go(struct model *model, int number)
{
	char name[32];
	struct slice *slice;

	snprintf(name, sizeof(name), "gateway-%d", number);
	slice = make_slice(name, "grpc=7051", "10.0.0.1", NULL);
	replace_text(&slice->service, name);
	assert_int_equal(model_put_service(model, make_service(name, "10.96.0.1", "grpc=7051")), 0);
	assert_int_equal(model_put_slice(model, slice), 0);
	model_visit_changed(model, done, NULL);
	model_remove_slice(model, "fabric", name);
	model_remove_service(model, "fabric", name);
	model_visit_changed(model, done, NULL);
}

static void test_names_that_come_and_go_leave_no_memory_behind(void **state)
{
	size_t before;

	if (!__sanitizer_get_current_allocated_bytes)
		skip();
	come_and_go(*state, 0);
	before = __sanitizer_get_current_allocated_bytes();
	for (int i = 0; i < 1000; i++)
		come_and_go(*state, i);
	assert_int_equal(__sanitizer_get_current_allocated_bytes(), before);
}

static void test_objects_can_be_freed_half_built_or_absent(void **state)
{
	(void)state;
	service_free(NULL);
	slice_free(NULL);
	service_free(needed(calloc(1, sizeof(struct service))));
	slice_free(needed(calloc(1, sizeof(struct slice))));
	slice_free(make_slice("one", "grpc=7051", "10.0.0.1 pod=peer1", NULL));
}

#define KEPT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEPT_TEST(test_refused_settings_keep_those_of_the_replaced_service),
		KEPT_TEST(test_refused_settings_at_first_sight_are_not_good),
		KEPT_TEST(test_weights_and_drain_are_kept_as_settings_are),
		KEPT_TEST(test_a_refused_service_that_comes_with_good_settings_keeps_them),
		KEPT_TEST(test_settings_are_not_kept_over_a_removal),
		KEPT_TEST(test_the_model_packs_its_slices),
		KEPT_TEST(test_names_that_come_and_go_leave_no_memory_behind),
		cmocka_unit_test(test_packing_a_slice_keeps_every_string),
		cmocka_unit_test(test_objects_can_be_freed_half_built_or_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
