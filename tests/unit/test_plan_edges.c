// SPDX-License-Identifier: Apache-2.0
/* Plans of invalid Services, of what should not happen, and of anything at random. */
#include "unit/planned.h"

static void test_an_invalid_service_is_added_unpublished(void **state)
{
	struct fixture *f = *state;

	want_invalid(f, want(f, "grpc", "10.96.0.1", 7051, 0));
	assert_string_equal(planned(f), "add grpc@10.96.0.1:7051 unpublished");
	have(f, &f->wants[0]);
	assert_string_equal(planned(f), "");
	replace_text(&f->service->invalid, "another typo");
	f->haves[0].message = "a typo";
	assert_string_equal(planned(f), "change 1 unpublished");
}

static void test_an_invalid_service_that_goes_is_withdrawn_although_unpublished(void **state)
{
	struct fixture *f = *state;

	want_invalid(f, want(f, "grpc", "10.96.0.1", 7051, 0));
	have(f, &f->wants[0]);
	f->want_count = 0;
	assert_string_equal(planned(f), "withdraw 1");
}

static void test_an_invalid_service_that_is_mended_is_published(void **state)
{
	struct fixture *f = *state;

	want_invalid(f, want(f, "grpc", "10.96.0.1", 7051, 0));
	have(f, &f->wants[0])->message = "a typo";
	f->want_count = 0;
	replace_text(&f->service->invalid, "");
	want(f, "grpc", "10.96.0.1", 7051, 2);
	assert_string_equal(planned(f), "change 1");
}

static void test_a_published_service_that_loses_its_settings_is_unpublished(void **state)
{
	struct fixture *f = *state;

	in_force(f)->message = "";
	want_invalid(f, &f->wants[0]);
	assert_string_equal(planned(f), "change 1 unpublished");
}

static void test_a_service_with_kept_settings_stays_published_with_its_message(void **state)
{
	struct fixture *f = *state;

	in_force(f)->message = "";
	replace_text(&f->service->invalid, "a typo");
	assert_string_equal(planned(f), "change 1");
	f->haves[0].message = "a typo";
	assert_string_equal(planned(f), "");
	replace_text(&f->service->invalid, "");
	assert_string_equal(planned(f), "change 1");
}

/* The tables keep as much as fits; what does not fit must not be written again and again. */
static void test_texts_that_the_tables_have_cut_are_no_change(void **state)
{
	struct fixture *f = *state;
	char cut[GW_MESSAGE_MAX];
	char text[1024];

	in_force(f);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memset(cut, 'x', sizeof(cut) - 1);
	cut[sizeof(cut) - 1] = '\0';
	replace_text(&f->service->invalid, text);
	f->haves[0].message = cut;
	assert_string_equal(planned(f), "");
	cut[GW_MESSAGE_MAX - 2] = '\0';
	assert_string_equal(planned(f), "change 1");
	assert_int_equal(endpoint_names_hash(text, text, text),
			 endpoint_names_hash(text + sizeof(text) - GW_LONG_NAME_MAX,
					     text + sizeof(text) - GW_LONG_NAME_MAX,
					     text + sizeof(text) - GW_NAME_MAX));
}

static void test_the_names_hash_is_fnv_1a_and_keeps_names_apart(void **state)
{
	(void)state;
	/* Of three zero bytes, and of "a", "b", "c", each with its zero. */
	assert_int_equal(endpoint_names_hash("", "", ""), 0x4ab0f7b7);
	assert_int_equal(endpoint_names_hash("a", "b", "c"), 0xae1e997d);
	assert_int_not_equal(endpoint_names_hash("ab", "", ""), endpoint_names_hash("a", "b", ""));
	assert_int_not_equal(endpoint_names_hash("a", "", ""), endpoint_names_hash("", "a", ""));
}

static void test_the_same_choice_twice_is_one_entry(void **state)
{
	struct fixture *f = *state;

	want(f, "grpc", "10.96.0.1", 7051, 2);
	want(f, "grpc", "10.96.0.1", 7051, 1);
	assert_string_equal(planned(f), "add grpc@10.96.0.1:7051");
	have(f, &f->wants[0]);
	assert_string_equal(planned(f), "");
}

static void test_the_same_entry_twice_becomes_one(void **state)
{
	struct fixture *f = *state;

	in_force(f);
	have(f, &f->wants[0]);
	assert_string_equal(planned(f), "withdraw 2");
	f->haves[1].withdrawn = true;
	assert_string_equal(planned(f), "");
}

/* Any states one after the other: once its steps are taken, a plan is empty. */
static void want_anything(struct fixture *f)
{
	static const char *const names[] = {"", "grpc", "ops"};
	static const char *const vips[] = {"10.96.0.1", "fd00::1"};

	f->want_count = 0;
	f->service->settings.policy = (enum gw_policy)(rand() % GW_POLICY_MAX_);
	replace_text(&f->service->invalid, rand() % 2 ? "a typo" : "");
	for (int i = 0; i < 6; i++) {
		struct choice *choice;

		if (rand() % 3 == 0)
			continue;
		choice = want(f, names[i % 3], vips[i / 3], (uint16_t)(7051 + rand() % 2),
			      (size_t)(rand() % (MEMBERS_MAX + 1)));
		if (rand() % 4 == 0) {
			choice->verdict = VERDICT_LEAVE_ALONE;
			choice->reason = rand() % 2 ? CHOICE_INVALID : CHOICE_NOT_ENABLED;
			choice->member_count = 0;
		}
	}
}

static size_t free_slot(const struct fixture *f)
{
	for (size_t i = 0; i < f->have_count; i++) {
		if (f->haves[i].withdrawn)
			return i;
	}
	return f->have_count;
}

static void take_step(struct fixture *f, const struct plan_step *step)
{
	size_t slot;

	if (step->kind == PLAN_WITHDRAW) {
		f->haves[step->have->index - 1].published = false;
		f->haves[step->have->index - 1].withdrawn = true;
		return;
	}
	slot = step->kind == PLAN_ADD ? free_slot(f) : step->have->index - 1;
	assert_true(slot < ENTRIES_MAX);
	if (slot == f->have_count)
		f->have_count++;
	store(f, slot, step->want);
	f->haves[slot].message = f->service->invalid[0] ? "a typo" : "";
	assert_int_equal(f->haves[slot].published, step->publish);
}

static void test_once_its_steps_are_taken_a_plan_is_empty(void **state)
{
	struct fixture *f = *state;

	srand(4711);
	for (int round = 0; round < 20000; round++) {
		struct plan plan;

		want_anything(f);
		assert_int_equal(plan_make(f->wants, f->want_count, f->haves, f->have_count, &plan),
				 0);
		for (size_t i = 0; i < plan.count; i++)
			take_step(f, &plan.steps[i]);
		plan_done(&plan);
		assert_string_equal(planned(f), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAN_TEST(test_an_invalid_service_is_added_unpublished),
		PLAN_TEST(test_an_invalid_service_that_goes_is_withdrawn_although_unpublished),
		PLAN_TEST(test_an_invalid_service_that_is_mended_is_published),
		PLAN_TEST(test_a_published_service_that_loses_its_settings_is_unpublished),
		PLAN_TEST(test_a_service_with_kept_settings_stays_published_with_its_message),
		PLAN_TEST(test_texts_that_the_tables_have_cut_are_no_change),
		PLAN_TEST(test_the_names_hash_is_fnv_1a_and_keeps_names_apart),
		PLAN_TEST(test_the_same_choice_twice_is_one_entry),
		PLAN_TEST(test_the_same_entry_twice_becomes_one),
		PLAN_TEST(test_once_its_steps_are_taken_a_plan_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
