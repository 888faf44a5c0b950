// SPDX-License-Identifier: Apache-2.0
/* The list of names that a certificate must carry, as people write it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/tls_names.h"

static struct tls_names names;
static char reason[WEIGHTS_REASON_MAX];

static int parse(const char *text)
{
	*reason = '\0';
	return tls_names_parse(text, &names, reason);
}

static void test_a_list_has_host_names_and_addresses(void **state)
{
	(void)state;
	assert_int_equal(parse("org1-peer-gateway-svc,a.example.com,10.0.0.1,fd00::1"), 0);
	assert_int_equal(names.count, 4);
	assert_string_equal(names.text[0], "org1-peer-gateway-svc");
	assert_string_equal(names.text[3], "fd00::1");
}

static void test_default_is_what_clients_may_dial_a_service_by(void **state)
{
	struct tls_names all;

	(void)state;
	assert_int_equal(parse("org1.example.com,default"), 0);
	tls_names_expand(&names, "fabric", "org1-peer-gateway-svc", &all);
	assert_int_equal(all.count, 5);
	assert_string_equal(all.text[0], "org1.example.com");
	assert_string_equal(all.text[1], "org1-peer-gateway-svc");
	assert_string_equal(all.text[2], "org1-peer-gateway-svc.fabric");
	assert_string_equal(all.text[3], "org1-peer-gateway-svc.fabric.svc");
	assert_string_equal(all.text[4], "org1-peer-gateway-svc.fabric.svc.cluster.local");
	assert_true(tls_names_has(&all, "org1.example.com"));
	assert_false(tls_names_has(&all, "default"));
}

static void test_a_name_that_default_stands_for_is_there_once(void **state)
{
	struct tls_names all;

	(void)state;
	assert_int_equal(parse("svc,default"), 0);
	tls_names_expand(&names, "ns", "svc", &all);
	assert_int_equal(all.count, 4);
}

static void test_what_nobody_can_dial_is_refused_naming_it(void **state)
{
	static const struct {
		const char *list;
		const char *named;
	} cases[] = {
		{"", "''"},
		{"a,", "''"},
		{",a", "''"},
		{"a b", "'a b'"},
		{"a, b", "' b'"},
		{"*.example.com", "a name that a client dials"},
		{"-a", "'-a'"},
		{"a..b", "'a..b'"},
		{"a/b", "'a/b'"},
		{"https://a", "'https://a'"},
		{"b,a,a", "'a' is there twice"},
		{"\xc3\xb6", "neither a host name"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(cases[i].list), -EINVAL);
		assert_non_null(strstr(reason, cases[i].named));
	}
}

static void test_a_name_is_as_long_as_dns_allows(void **state)
{
	char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[253] = '\0';
	assert_int_equal(parse(text), 0);
	assert_int_equal(strlen(names.text[0]), 253);
	text[253] = 'a';
	text[254] = '\0';
	assert_int_equal(parse(text), -EINVAL);
	assert_non_null(strstr(reason, "253"));
}

static void test_sixteen_names_are_enough(void **state)
{
	char text[256] = "default";

	(void)state;
	for (int i = 0; i < 12; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), ",n%d", i);
	assert_int_equal(parse(text), 0);
	strcat(text, ",one-more");
	names.count = 0;
	assert_int_equal(parse(text), -EINVAL);
	assert_non_null(strstr(reason, "more than 16 names"));
	assert_int_equal(names.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_list_has_host_names_and_addresses),
		cmocka_unit_test(test_default_is_what_clients_may_dial_a_service_by),
		cmocka_unit_test(test_a_name_that_default_stands_for_is_there_once),
		cmocka_unit_test(test_what_nobody_can_dial_is_refused_naming_it),
		cmocka_unit_test(test_a_name_is_as_long_as_dns_allows),
		cmocka_unit_test(test_sixteen_names_are_enough),
	};

	return cmocka_run_group_tests_name("tls_names", tests, NULL, NULL);
}
