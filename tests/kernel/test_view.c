// SPDX-License-Identifier: Apache-2.0
/* What people are shown while an agent changes the maps: where an id or a range of slots has a new
 * owner, nothing of the one is taken for the other's. */
#include "kernel/lab.h"

#include "kernel/maps.h"

#define VIP "10.96.0.10:7051"
#define A "10.1.0.1:7051"

static struct maps maps;

static void expect(enum view_backend_state state, uint32_t weight, uint32_t usable)
{
	struct view *view = lab_view();
	const struct view_backend *backend = lab_backend(view, A);
	const struct view_service *service = lab_find_service(view, "peers");

	assert_int_equal(backend->state, state);
	assert_int_equal(backend->weight, weight);
	assert_int_equal(service->usable, usable);
	view_close(view);
}

static enum gw_policy shown_policy(void)
{
	struct view *view = lab_view();
	enum gw_policy policy = lab_find_service(view, "peers")->policy;

	view_close(view);
	return policy;
}

static uint64_t find_word(void)
{
	struct view *view = lab_view();
	uint64_t word = maps.sets[lab_find_service(view, "peers")->index];

	view_close(view);
	return word;
}

static struct gw_slot *find_slots(void)
{
	return &maps.slots[GW_SET_BASE(find_word())];
}

static void test_an_id_with_another_owner_is_no_member(void **state)
{
	(void)state;
	expect(VIEW_BACKEND_USABLE, 7, 1);
	find_slots()[1].backend_generation++;
	expect(VIEW_BACKEND_LEAVING, 0, 0);
}

static void test_slots_of_another_set_are_not_read_as_members(void **state)
{
	(void)state;
	find_slots()[1].generation++;
	expect(VIEW_BACKEND_LEAVING, 0, 0);
}

static void test_the_policy_is_not_read_from_another_set(void **state)
{
	struct gw_set_header *header = (struct gw_set_header *)find_slots();

	(void)state;
	assert_int_equal(shown_policy(), GW_POLICY_SED);
	header->policy = GW_POLICY_FO;
	assert_int_equal(shown_policy(), GW_POLICY_FO);
	header->generation++;
	assert_int_equal(shown_policy(), GW_POLICY_LC);
	/* As what a member or a table may look like. */
	header->generation--;
	header->policy = 100000;
	assert_int_equal(shown_policy(), GW_POLICY_LC);
}

static void test_a_set_beyond_the_end_is_none(void **state)
{
	uint64_t word = find_word();
	struct view *view = lab_view();
	uint32_t index = lab_find_service(view, "peers")->index;

	(void)state;
	view_close(view);
	maps.sets[index] = GW_SET_WORD(maps.slots_count - 1, GW_SET_GENERATION(word), 1);
	expect(VIEW_BACKEND_LEAVING, 0, 0);
	maps.sets[index] = GW_SET_WORD(UINT32_MAX, GW_SET_GENERATION(word), UINT16_MAX);
	expect(VIEW_BACKEND_LEAVING, 0, 0);
}

static int begin(void **state)
{
	lab_start(state);
	lab_service("peers", VIP, GW_POLICY_SED, (const char *const[]){A "*7", NULL});
	return maps_open(LAB_PINS, true, &maps);
}

static int end(void **state)
{
	maps_close(&maps);
	return lab_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		LAB_TEST(test_an_id_with_another_owner_is_no_member),
		LAB_TEST(test_slots_of_another_set_are_not_read_as_members),
		LAB_TEST(test_the_policy_is_not_read_from_another_set),
		LAB_TEST(test_a_set_beyond_the_end_is_none),
	};

	return lab_main(tests, sizeof(tests) / sizeof(*tests), NULL, NULL);
}
