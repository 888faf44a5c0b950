// SPDX-License-Identifier: Apache-2.0
/* Which Service and which backend a name on the command line means. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "cli/naming.h"

static const struct named_port ports[] = {
	{"fabric", "org1-peer-gateway-svc", "grpc", 7051},
	{"fabric", "org1-peer-gateway-svc", "grpc", 7051}, /* its IPv6 address */
	{"fabric", "org1-peer-gateway-svc", "operations", 9443},
	{"fabric", "org2-peer-gateway-svc", "", 7051},
	{"staging", "org2-peer-gateway-svc", "", 7051},
};

static char message[NAMING_MESSAGE_MAX];

static int find(const char *text, struct service_filter *ret)
{
	*message = '\0';
	return naming_find_service(text, ports, sizeof(ports) / sizeof(ports[0]), ret, message);
}

/* How many of the ports a name stands for. */
static int count(const char *text)
{
	struct service_filter filter;
	size_t i;
	int found = 0;
	int err = find(text, &filter);

	if (err)
		return err;
	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		found += naming_is_service(&filter, &ports[i]);
	return found;
}

static void test_a_full_name_means_every_port_of_the_service(void **state)
{
	(void)state;
	assert_int_equal(count("fabric/org1-peer-gateway-svc"), 3);
	assert_int_equal(count("staging/org2-peer-gateway-svc"), 1);
}

static void test_a_port_is_named_by_number_or_by_name(void **state)
{
	(void)state;
	assert_int_equal(count("fabric/org1-peer-gateway-svc:9443"), 1);
	assert_int_equal(count("fabric/org1-peer-gateway-svc:operations"), 1);
	assert_int_equal(count("fabric/org1-peer-gateway-svc:grpc"), 2);
}

static void test_a_bare_name_is_enough_if_one_service_has_it(void **state)
{
	(void)state;
	assert_int_equal(count("org1-peer-gateway-svc"), 3);
	assert_int_equal(count("org1-peer-gateway-svc:9443"), 1);
}

static void test_a_bare_name_of_two_services_is_refused_naming_both(void **state)
{
	(void)state;
	assert_int_equal(count("org2-peer-gateway-svc"), -ENOTUNIQ);
	assert_non_null(strstr(message, "'fabric/org2-peer-gateway-svc'"));
	assert_non_null(strstr(message, "'staging/org2-peer-gateway-svc'"));
}

static void test_an_unknown_service_is_refused_naming_it(void **state)
{
	(void)state;
	assert_int_equal(count("fabric/org3"), -ENOENT);
	assert_non_null(strstr(message, "'fabric/org3'"));
	assert_int_equal(count("other/org1-peer-gateway-svc"), -ENOENT);
}

static void test_an_unknown_port_is_refused_naming_each_that_there_is_once(void **state)
{
	const char *first;

	(void)state;
	assert_int_equal(count("org1-peer-gateway-svc:80"), -ENOENT);
	first = strstr(message, "7051 ('grpc')");
	assert_non_null(first);
	assert_null(strstr(first + 1, "7051"));
	assert_non_null(strstr(message, "9443 ('operations')"));
}

static void test_what_is_no_name_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"fabric/",
		"/svc",
		"a/b/c",
		"svc:",
		"svc:0",
		"svc:65536",
		"svc:-1",
		":7051",
		"a/b:",
		"svc:99999999999",
		"a/0123456789012345678901234567890123456789012345678901234567890123",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int err = count(texts[i]);

		/* "svc:-1" could be the name of a port. */
		assert_true(err == -EINVAL || !strcmp(texts[i], "svc:-1"));
		assert_true(err < 0);
		assert_string_not_equal(message, "");
	}
}

static void test_a_message_never_outgrows_its_place(void **state)
{
	struct named_port many[64];
	struct service_filter filter;
	size_t i;

	(void)state;
	for (i = 0; i < 64; i++)
		many[i] = (struct named_port){"fabric", "svc", "a-port-with-a-long-name",
					      (uint16_t)(1000 + i)};
	assert_int_equal(naming_find_service("svc:80", many, 64, &filter, message), -ENOENT);
	assert_int_equal(strlen(message), NAMING_MESSAGE_MAX - 1);
}

static void test_no_filter_means_every_service(void **state)
{
	const struct service_filter filter = {0};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_true(naming_is_service(&filter, &ports[i]));
}

static void test_a_backend_is_named_by_its_address_and_port_or_its_pod(void **state)
{
	struct gw_addr v4, v6;

	(void)state;
	assert_int_equal(addr_parse("10.244.1.3", &v4), 0);
	assert_int_equal(addr_parse("fd00::3", &v6), 0);
	assert_true(naming_is_backend("10.244.1.3:7051", &v4, 7051, "org1-peer1"));
	assert_true(naming_is_backend("[fd00::3]:7051", &v6, 7051, "org1-peer1"));
	assert_true(naming_is_backend("org1-peer1", &v4, 7051, "org1-peer1"));
	assert_true(naming_is_backend(NULL, &v4, 7051, "org1-peer1"));
	assert_false(naming_is_backend("10.244.1.3:7052", &v4, 7051, "org1-peer1"));
	assert_false(naming_is_backend("10.244.1.4:7051", &v4, 7051, "org1-peer1"));
	assert_false(naming_is_backend("org1-peer", &v4, 7051, "org1-peer1"));
	assert_false(naming_is_backend("10.244.1.3", &v4, 7051, "org1-peer1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_name_means_every_port_of_the_service),
		cmocka_unit_test(test_a_port_is_named_by_number_or_by_name),
		cmocka_unit_test(test_a_bare_name_is_enough_if_one_service_has_it),
		cmocka_unit_test(test_a_bare_name_of_two_services_is_refused_naming_both),
		cmocka_unit_test(test_an_unknown_service_is_refused_naming_it),
		cmocka_unit_test(test_an_unknown_port_is_refused_naming_each_that_there_is_once),
		cmocka_unit_test(test_what_is_no_name_is_refused),
		cmocka_unit_test(test_a_message_never_outgrows_its_place),
		cmocka_unit_test(test_no_filter_means_every_service),
		cmocka_unit_test(test_a_backend_is_named_by_its_address_and_port_or_its_pod),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
