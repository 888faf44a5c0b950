// SPDX-License-Identifier: Apache-2.0
/* Every member of an object that means something makes it say something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/object.h"

/* A Service and a slice, made anew for each change. */
struct objects_of_test {
	struct service service;
	struct service_port ports[2];
	struct slice slice;
	struct slice_port slice_ports[2];
	struct endpoint endpoints[2];
};

static char *text(const char *value)
{
	return (char *)value; /* nobody writes to it */
}

static struct weights weights = {1, {{"p", 3}}};
static struct weights of_another_pod = {1, {{"q", 3}}};
static struct weights another_weight = {1, {{"p", 4}}};
static struct weights two_weights = {2, {{"p", 3}, {"q", 3}}};

static void fill(struct objects_of_test *all)
{
	*all = (struct objects_of_test){
		.service = {.namespace = text("fabric"),
			    .name = text("gw"),
			    .invalid = text(""),
			    .settings_good = true,
			    .affinity_timeout_s = 10800,
			    .vip_count = 1,
			    .port_count = 1},
		.ports = {{text("grpc"), 7051}, {text("more"), 7052}},
		.slice = {.namespace = text("fabric"),
			  .name = text("gw-1"),
			  .service = text("gw"),
			  .family = FAMILY_IPV4,
			  .port_count = 1,
			  .endpoint_count = 1},
		.slice_ports = {{text("grpc"), 7051}, {text("more"), 7052}},
		.endpoints = {{.node = text("n"),
			       .zone = text("z"),
			       .pod = text("p"),
			       .zone_hints = text("a\n"),
			       .node_hints = text("")},
			      {.node = text(""),
			       .zone = text(""),
			       .pod = text(""),
			       .zone_hints = text(""),
			       .node_hints = text("")}},
	};
	all->service.ports = all->ports;
	all->slice.ports = all->slice_ports;
	all->slice.endpoints = all->endpoints;
}

/* Exactly one of the two, the Service and the slice, says something else with the change. */
#define CHANGE(member, value)                                                                      \
	do {                                                                                       \
		fill(&held);                                                                       \
		fill(&all);                                                                        \
		assert_true(service_says_same(&all.service, &held.service));                       \
		assert_true(slice_says_same(&all.slice, &held.slice));                             \
		all.member = (value);                                                              \
		if (service_says_same(&all.service, &held.service) ==                              \
		    slice_says_same(&all.slice, &held.slice))                                      \
			fail_msg("one of the two must change with " #member);                      \
		if (service_says_same(&held.service, &all.service) ==                              \
		    slice_says_same(&held.slice, &all.slice))                                      \
			fail_msg("and the other way round with " #member);                         \
	} while (0)

static void test_every_member_counts(void **state)
{
	struct objects_of_test all, held;
	char reason[SELECTOR_REASON_MAX];
	struct selector *selector;

	(void)state;
	assert_int_equal(selector_parse("app=x", &selector, reason), 0);
	CHANGE(service.namespace, text("other"));
	CHANGE(service.name, text("other"));
	CHANGE(service.enabled, true);
	CHANGE(service.created_time, 1.7e9);
	CHANGE(service.headless, true);
	CHANGE(service.external_name, true);
	CHANGE(service.other_proxy, true);
	CHANGE(service.local_only, true);
	CHANGE(service.client_ip_affinity, true);
	CHANGE(service.settings_good, false);
	CHANGE(service.affinity_timeout_s, 60);
	CHANGE(service.vips[0].word[3], 7);
	CHANGE(service.vip_count, 2);
	CHANGE(service.vip_count, 0);
	CHANGE(service.port_count, 2);
	CHANGE(service.port_count, 0);
	CHANGE(service.invalid, text("why"));
	CHANGE(service.settings.policy, GW_POLICY_RR);
	CHANGE(service.settings.connect_timeout_ms, 1);
	CHANGE(service.settings.dead_peer_timeout_ms, 1);
	CHANGE(service.settings.eject_base_ms, 1);
	CHANGE(service.settings.eject_max_ms, 1);
	CHANGE(service.settings.keep_percent, 1);
	CHANGE(service.settings.rebalance_ms, 1);
	CHANGE(service.settings.drain_deadline_ms, 1);
	CHANGE(service.annotated, 1);
	CHANGE(service.weights, &weights);
	CHANGE(service.weights, &of_another_pod);
	CHANGE(service.weights, &another_weight);
	CHANGE(service.weights, &two_weights);
	CHANGE(service.drain, &weights);
	CHANGE(service.except, selector);
	CHANGE(ports[0].name, text("other"));
	CHANGE(ports[0].port, 1);
	CHANGE(slice.namespace, text("other"));
	CHANGE(slice.name, text("other"));
	CHANGE(slice.service, text("other"));
	CHANGE(slice.family, FAMILY_IPV6);
	CHANGE(slice.mirrored, true);
	CHANGE(slice.port_count, 2);
	CHANGE(slice.port_count, 0);
	CHANGE(slice.endpoint_count, 2);
	CHANGE(slice.endpoint_count, 0);
	CHANGE(slice_ports[0].name, text("other"));
	CHANGE(slice_ports[0].port, 1);
	CHANGE(endpoints[0].address.word[0], 7);
	CHANGE(endpoints[0].ready, true);
	CHANGE(endpoints[0].serving, true);
	CHANGE(endpoints[0].terminating, true);
	CHANGE(endpoints[0].node, text("other"));
	CHANGE(endpoints[0].zone, text("other"));
	CHANGE(endpoints[0].pod, text("other"));
	CHANGE(endpoints[0].zone_hints, text("a\nb\n"));
	CHANGE(endpoints[0].node_hints, text("other"));
	free(selector);
}

static void test_refused_settings_do_not_count_where_good_ones_go_on(void **state)
{
	struct objects_of_test all, held;

	(void)state;
	fill(&held);
	fill(&all);
	held.service.invalid = all.service.invalid = text("why");
	all.service.settings_good = false;
	all.service.settings.policy = GW_POLICY_RR;
	all.service.weights = &weights;
	all.service.drain = &weights;
	assert_true(service_says_same(&all.service, &held.service));
	/* All else does. */
	all.service.enabled = true;
	assert_false(service_says_same(&all.service, &held.service));
	/* And where none were ever good, so do they. */
	all.service.enabled = held.service.enabled;
	held.service.settings_good = false;
	assert_false(service_says_same(&all.service, &held.service));
}

static struct pod *pod_with(const char *name, const char *uid, const char *node, const char *key,
			    const char *value)
{
	const struct label label = {key, value};
	struct pod *pod = calloc(1, sizeof(*pod));

	assert_non_null(pod);
	*pod = (struct pod){.namespace = strdup("fabric"),
			    .name = strdup(name),
			    .uid = strdup(uid),
			    .node = strdup(node),
			    .labels = labels_copy(&label, *key != 0)};
	return pod;
}

static void test_every_member_of_a_pod_counts(void **state)
{
	struct pod *pods[] = {
		pod_with("a", "u", "n", "k", "v"), pod_with("b", "u", "n", "k", "v"),
		pod_with("a", "w", "n", "k", "v"), pod_with("a", "u", "m", "k", "v"),
		pod_with("a", "u", "n", "k", "w"), pod_with("a", "u", "n", "l", "v"),
		pod_with("a", "u", "n", "", ""),   pod_with("a", "u", "n", "k", "v"),
	};
	struct pod *again = pod_with("a", "u", "n", "k", "v");
	size_t count = sizeof(pods) / sizeof(pods[0]);

	(void)state;
	pods[count - 1]->is_mirror = true;
	assert_true(pod_says_same(again, pods[0]));
	pod_free(again);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			assert_true(pod_says_same(pods[i], pods[j]) == (i == j));
	for (size_t i = 0; i < count; i++)
		pod_free(pods[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_settings_do_not_count_where_good_ones_go_on),
		cmocka_unit_test(test_every_member_counts),
		cmocka_unit_test(test_every_member_of_a_pod_counts),
	};

	return cmocka_run_group_tests_name("same", tests, NULL, NULL);
}
