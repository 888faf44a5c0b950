// SPDX-License-Identifier: Apache-2.0
/* Every member of an object that means something is part of its fingerprint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "source/fingerprint.h"

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

static struct weights weights = { 1, { { "p", 3 } } };
static struct weights of_another_pod = { 1, { { "q", 3 } } };
static struct weights another_weight = { 1, { { "p", 4 } } };
static struct weights two_weights = { 2, { { "p", 3 }, { "q", 3 } } };

static void fill(struct objects_of_test *all)
{
	*all = (struct objects_of_test){
		.service = { .namespace = text("fabric"), .name = text("gw"), .invalid = text(""),
			     .settings_good = true, .affinity_timeout_s = 10800, .vip_count = 1,
			     .port_count = 1 },
		.ports = { { text("grpc"), 7051 }, { text("more"), 7052 } },
		.slice = { .namespace = text("fabric"), .name = text("gw-1"), .service = text("gw"),
			   .family = FAMILY_IPV4, .port_count = 1, .endpoint_count = 1 },
		.slice_ports = { { text("grpc"), 7051 }, { text("more"), 7052 } },
		.endpoints = { { .node = text("n"), .zone = text("z"), .pod = text("p"),
				 .zone_hints = text("a\n"), .node_hints = text("") },
			       { .node = text(""), .zone = text(""), .pod = text(""),
				 .zone_hints = text(""), .node_hints = text("") } },
	};
	all->service.ports = all->ports;
	all->slice.ports = all->slice_ports;
	all->slice.endpoints = all->endpoints;
}

#define CHANGE(member, value)                                                                      \
	do {                                                                                       \
		fill(&all);                                                                        \
		assert_true(fingerprint_service(&all.service) == service);                         \
		assert_true(fingerprint_slice(&all.slice) == slice);                               \
		all.member = (value);                                                              \
		seen[count++] = fingerprint_service(&all.service);                                 \
		seen[count++] = fingerprint_slice(&all.slice);                                     \
		if ((seen[count - 2] == service) == (seen[count - 1] == slice))                    \
			fail_msg("one of the two must change with " #member);                      \
	} while (0)

static void test_every_member_counts(void **state)
{
	struct objects_of_test all;
	uint64_t seen[128], service, slice;
	char reason[SELECTOR_REASON_MAX];
	struct selector *selector;
	size_t count = 0, i, j;

	(void)state;
	fill(&all);
	assert_int_equal(selector_parse("app=x", &selector, reason), 0);
	service = fingerprint_service(&all.service);
	slice = fingerprint_slice(&all.slice);
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
	/* And no two changes are alike. */
	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++)
			assert_true(seen[i] != seen[j] || seen[i] == service || seen[i] == slice);
	}
	free(selector);
}

static uint64_t pod_with(const char *name, const char *uid, const char *node, const char *key,
			 const char *value)
{
	const struct label label = { key, value };
	struct pod pod = { .namespace = text("fabric"), .name = text(name), .uid = text(uid),
			   .node = text(node), .labels = labels_copy(&label, *key != 0) };
	uint64_t fingerprint = fingerprint_pod(&pod);

	free(pod.labels);
	return fingerprint;
}

static void test_every_member_of_a_pod_counts(void **state)
{
	uint64_t seen[6];
	size_t i, j;

	(void)state;
	seen[0] = pod_with("a", "u", "n", "k", "v");
	assert_true(seen[0] == pod_with("a", "u", "n", "k", "v"));
	seen[1] = pod_with("b", "u", "n", "k", "v");
	seen[2] = pod_with("a", "w", "n", "k", "v");
	seen[3] = pod_with("a", "u", "m", "k", "v");
	seen[4] = pod_with("a", "u", "n", "k", "w");
	seen[5] = pod_with("a", "u", "n", "", "");
	for (i = 0; i < 6; i++)
		for (j = 0; j < i; j++)
			assert_true(seen[i] != seen[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_member_counts),
		cmocka_unit_test(test_every_member_of_a_pod_counts),
	};

	return cmocka_run_group_tests_name("fingerprint", tests, NULL, NULL);
}
