// SPDX-License-Identifier: Apache-2.0
/* Pods that a Service leaves to kube-proxy: whom its selector meets, in which cgroups they are. */
#include "unit/chosen.h"

static struct service *excepting(const char *name, const char *vip, const char *selector)
{
	struct service *service = make_service(name, vip, "grpc=7051,ops=81");
	char reason[SELECTOR_REASON_MAX];

	assert_int_equal(selector_parse(selector, &service->except, reason), 0);
	return service;
}

static void put(struct fixture *f, const char *name, const char *uid, bool is_mirror,
		const char *app)
{
	const struct label label = {"app", app};
	struct pod *pod = needed(calloc(1, sizeof(*pod)));

	pod->namespace = copy("clients");
	pod->name = copy(name);
	pod->uid = copy(uid);
	pod->is_mirror = is_mirror;
	pod->node = copy("node1");
	pod->labels = needed(labels_copy(&label, 1));
	assert_int_equal(model_put_pod(f->model, pod), 0);
}

/* A pod with the label app. */
static void put_pod(struct fixture *f, const char *name, const char *uid, const char *app)
{
	put(f, name, uid, false, app);
}

/* "7 9", of every choice of the Service alike; or why it is left alone. */
static const char *excepted(struct fixture *f, const char *name)
{
	const struct service *service = model_find_service(f->model, "fabric", name);
	struct choice *choices;
	char number[32];
	size_t count;

	f->text[0] = '\0';
	assert_int_equal(choose(f->model, service, &f->place, &choices, &count), 0);
	if (choices[0].verdict == VERDICT_LEAVE_ALONE)
		add(f, choice_reason_name(choices[0].reason));
	for (size_t i = 0; i < choices[0].excepted_count; i++) {
		snprintf(number, sizeof(number), "%s%d", i ? " " : "", (int)choices[0].excepted[i]);
		add(f, number);
	}
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(choices[i].excepted_count, choices[0].excepted_count);
		assert_ptr_equal(choices[i].excepted, choices[0].excepted);
	}
	choices_free(choices, count);
	return f->text;
}

static bool note(const char *namespace, const char *name, void *arg)
{
	struct fixture *f = arg;

	(void)namespace;
	add(f, name);
	add(f, " ");
	return true;
}

static const char *changed(struct fixture *f)
{
	f->text[0] = '\0';
	model_visit_changed(f->model, note, f);
	return f->text;
}

static void test_those_whom_the_selector_meets_are_excepted_by_their_cgroups(void **state)
{
	struct fixture *f = *state;

	put_service(f, excepting("gateway", "10.96.0.1", "app in (x,y)"));
	put_service(f, make_service("plain", "10.96.0.2", "grpc=7051"));
	put_pod(f, "b", "u2", "y");
	put_pod(f, "a", "u1", "x");
	put_pod(f, "c", "u3", "z");
	assert_string_equal(excepted(f, "gateway"), "");
	assert_true(model_set_pod_cgroup(f->model, "u1", 9));
	assert_true(model_set_pod_cgroup(f->model, "u2", 7));
	assert_true(model_set_pod_cgroup(f->model, "u3", 8));
	assert_false(model_set_pod_cgroup(f->model, "u3", 8));
	assert_false(model_set_pod_cgroup(f->model, "other", 8));
	assert_string_equal(excepted(f, "gateway"), "7 9");
	assert_string_equal(excepted(f, "plain"), "");
}

static void test_a_pod_changes_those_that_except_it_and_no_others(void **state)
{
	struct fixture *f = *state;

	put_service(f, excepting("gateway", "10.96.0.1", "app=x"));
	put_service(f, excepting("second", "10.96.0.3", "app=y"));
	put_service(f, make_service("plain", "10.96.0.2", "grpc=7051"));
	changed(f);
	put_pod(f, "a", "u1", "x");
	assert_string_equal(changed(f), "gateway ");
	model_set_pod_cgroup(f->model, "u1", 9);
	assert_string_equal(changed(f), "gateway ");
	/* Its label changes: both, the one that it was of and the one that it is of. */
	put_pod(f, "a", "u1", "y");
	assert_string_equal(changed(f), "gateway second ");
	assert_string_equal(excepted(f, "gateway"), "");
	assert_string_equal(excepted(f, "second"), "9");
	model_remove_pod(f->model, "clients", "a");
	assert_string_equal(changed(f), "second ");
	assert_string_equal(excepted(f, "second"), "");
	assert_int_equal(model_pod_count(f->model), 0);
}

static void test_a_new_pod_of_the_same_name_has_another_cgroup(void **state)
{
	struct fixture *f = *state;

	put_service(f, excepting("gateway", "10.96.0.1", "app=x"));
	put_pod(f, "a", "u1", "x");
	model_set_pod_cgroup(f->model, "u1", 9);
	put_pod(f, "a", "u2", "x");
	assert_string_equal(excepted(f, "gateway"), "");
	model_set_pod_cgroup(f->model, "u2", 10);
	assert_string_equal(excepted(f, "gateway"), "10");
}

/* Its annotation says that it is the mirror of a pod of the kubelet's own. */
static void test_a_pod_does_not_speak_for_another_one(void **state)
{
	struct fixture *f = *state;

	put_service(f, excepting("gateway", "10.96.0.1", "app=x"));
	put(f, "impostor", "u1", true, "x");
	put(f, "static", "u2", true, "x");
	model_set_pod_cgroup(f->model, "u1", 9);
	model_set_pod_cgroup(f->model, "u2", 7);
	assert_string_equal(excepted(f, "gateway"), "7 9");
	put_pod(f, "a", "u1", "y");
	assert_true(model_set_pod_cgroup(f->model, "u1", 9));
	assert_string_equal(excepted(f, "gateway"), "7");
	assert_false(model_set_pod_cgroup(f->model, "u1", 9));
}

static void test_until_the_pods_are_known_the_service_is_left_alone(void **state)
{
	struct fixture *f = *state;

	put_service(f, excepting("gateway", "10.96.0.1", "app=x"));
	put_service(f, make_service("plain", "10.96.0.2", "grpc=7051"));
	changed(f);
	model_await_pods(f->model, true);
	assert_string_equal(changed(f), "gateway ");
	assert_string_equal(excepted(f, "gateway"), "pods-unknown");
	assert_string_equal(excepted(f, "plain"), "");
	model_await_pods(f->model, false);
	assert_string_equal(changed(f), "gateway ");
	assert_string_equal(excepted(f, "gateway"), "");
}

static void test_who_has_no_cgroup_and_is_to_be_excepted_is_told(void **state)
{
	struct fixture *f = *state;

	put_service(f, excepting("gateway", "10.96.0.1", "app=x"));
	put_pod(f, "a", "u1", "x");
	put_pod(f, "b", "u2", "y");
	assert_int_equal(model_homeless(f->model), 1);
	model_set_pod_cgroup(f->model, "u1", 9);
	assert_int_equal(model_homeless(f->model), 0);
}

static void test_settings_that_are_refused_leave_the_selector_of_before(void **state)
{
	struct service *refused = make_service("gateway", "10.96.0.1", "grpc=7051");
	struct fixture *f = *state;

	put_service(f, excepting("gateway", "10.96.0.1", "app=x"));
	put_pod(f, "a", "u1", "x");
	model_set_pod_cgroup(f->model, "u1", 9);
	refused->settings_good = false;
	replace_text(&refused->invalid, "a typo");
	put_service(f, refused);
	assert_string_equal(excepted(f, "gateway"), "9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHOOSE_TEST(test_those_whom_the_selector_meets_are_excepted_by_their_cgroups),
		CHOOSE_TEST(test_a_pod_changes_those_that_except_it_and_no_others),
		CHOOSE_TEST(test_a_new_pod_of_the_same_name_has_another_cgroup),
		CHOOSE_TEST(test_a_pod_does_not_speak_for_another_one),
		CHOOSE_TEST(test_until_the_pods_are_known_the_service_is_left_alone),
		CHOOSE_TEST(test_who_has_no_cgroup_and_is_to_be_excepted_is_told),
		CHOOSE_TEST(test_settings_that_are_refused_leave_the_selector_of_before),
	};

	return cmocka_run_group_tests_name("excepted", tests, NULL, NULL);
}
