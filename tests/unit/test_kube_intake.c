// SPDX-License-Identifier: Apache-2.0
/* How many objects are taken in, from an API server that does not stop. */
#include "source/kube/intake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct counts {
	size_t put;
	size_t refused;
};

static int put(const json_t *object, const char *namespace, const char *name, void *arg)
{
	struct counts *counts = arg;

	(void)object;
	(void)namespace;
	(void)name;
	counts->put++;
	return 1;
}

static void refuse(const char *message, void *arg)
{
	struct counts *counts = arg;

	assert_string_equal(message, "there are too many objects");
	counts->refused++;
}

static void settle(bool listed, void *arg)
{
	(void)listed;
	(void)arg;
}

static void heard(void *arg)
{
	(void)arg;
}

static void add_text(struct kube_intake *intake, const char *text)
{
	assert_int_equal(kube_intake_add(intake, text, strlen(text)), 0);
}

static void add_lines(struct kube_intake *intake, const char *text)
{
	assert_int_equal(kube_intake_add_lines(intake, text, strlen(text)), 0);
}

static void test_objects_beyond_the_limit_are_refused_one_by_one(void **state)
{
	static const struct kube_watch_ops ops = {.put = put,
						  .refuse = refuse,
						  .settle = settle,
						  .heard = heard};
	const struct kube_selection slices = {.resource = &kube_slices};
	struct kube_intake intake;
	struct counts counts = {0};
	char item[64];

	(void)state;
	assert_int_equal(kube_intake_init(&intake, &slices, &ops, &counts), 0);
	assert_int_equal(kube_intake_begin(&intake), 0);
	add_text(&intake, "{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\","
			  "\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[");
	for (unsigned int i = 0; i < KUBE_OBJECTS_MAX + 2; i++) {
		snprintf(item, sizeof(item), "%s{\"metadata\":{\"name\":\"%u\"}}", i ? "," : "", i);
		add_text(&intake, item);
	}
	add_text(&intake, ",{\"metadata\":{\"name\":\"7\"}}]}"); /* known, so no news */
	assert_int_equal(kube_intake_end_page(&intake), 0);
	assert_int_equal(counts.put, KUBE_OBJECTS_MAX + 1);
	assert_int_equal(counts.refused, 2);
	kube_intake_done(&intake);
}

#define SLICE(name, position, note)                                                                         \
	"{\"kind\":\"EndpointSlice\",\"apiVersion\":\"discovery.k8s.io/v1\",\"metadata\":{\"name\":\"" name \
	"\",\"resourceVersion\":\"" position "\",\"annotations\":{\"note\":\"" note "\"}}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"

static const struct kube_selection any_slices = {.resource = &kube_slices};
static const struct kube_watch_ops counting = {.put = put,
					       .refuse = refuse,
					       .settle = settle,
					       .heard = heard};

/* Whoever may write one object must not keep the others from being read. */
static void test_a_zero_character_in_one_object_costs_no_other(void **state)
{
	struct kube_intake intake;
	struct counts counts = {0};

	(void)state;
	assert_int_equal(kube_intake_init(&intake, &any_slices, &counting, &counts), 0);
	assert_int_equal(kube_intake_begin(&intake), 0);
	add_text(&intake, "{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\","
			  "\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[" SLICE(
				  "a", "1", "x\\u0000y") "," SLICE("b", "1", "\\ud800") "]}");
	assert_int_equal(kube_intake_end_page(&intake), 0);
	assert_int_equal(counts.put, 2);
	add_lines(&intake, EVENT("MODIFIED", SLICE("a", "2", "\\u0000")));
	assert_int_equal(counts.put, 3);
	kube_intake_done(&intake);
}

/* What stands between HTTP's two ends may send some, lest a connection look idle. */
static void test_blank_lines_between_events_are_nothing(void **state)
{
	struct kube_intake intake;
	struct counts counts = {0};

	(void)state;
	assert_int_equal(kube_intake_init(&intake, &any_slices, &counting, &counts), 0);
	assert_int_equal(kube_intake_begin(&intake), 0);
	add_lines(&intake, "\n" EVENT("ADDED", SLICE("a", "2", "")) "\r\n \t\n\n");
	add_lines(&intake, EVENT("ADDED", SLICE("b", "3", "")));
	assert_int_equal(counts.put, 2);
	assert_string_equal(intake.position, "3");
	kube_intake_done(&intake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects_beyond_the_limit_are_refused_one_by_one),
		cmocka_unit_test(test_a_zero_character_in_one_object_costs_no_other),
		cmocka_unit_test(test_blank_lines_between_events_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
