// SPDX-License-Identifier: Apache-2.0
/* Addresses and ports as text. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct gw_addr parsed(const char *text)
{
	struct gw_addr addr;

	if (addr_parse(text, &addr))
		fail_msg("'%s' is refused", text);
	return addr;
}

static void test_ipv4_is_mapped_inside_and_plain_outside(void **state)
{
	static const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 96, 0, 7};
	struct gw_addr addr = parsed("10.96.0.7");
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_memory_equal(&addr, bytes, sizeof(bytes));
	assert_true(addr_is_ipv4(&addr));
	assert_ptr_equal(addr_format(&addr, text), text);
	assert_string_equal(text, "10.96.0.7");
	/* The same address as a Java client writes it. */
	addr = parsed("::ffff:10.96.0.7");
	assert_memory_equal(&addr, bytes, sizeof(bytes));
}

static void test_zeros_before_a_number_say_nothing_where_that_is_asked_for(void **state)
{
	static const char *const texts[][2] = {
		{"010.096.000.007", "10.96.0.7"},
		{"10.0.0.08", "10.0.0.8"},
		{"0010.00000.0.1", "10.0.0.1"},
		{"10.96.0.7", "10.96.0.7"},
		{"000.1.2.3", "0.1.2.3"},
		{"fd00::0001", "fd00::1"},
		{"0fd0:00000::00a", "fd0::a"},
		{"::ffff:010.1.002.3", "10.1.2.3"},
		{"::", "::"},
		{"0::0", "::"},
	};
	static const char *const bad[] = {"",          "010.0.0.256", "0x10.0.0.1", "10.0.0.1 ",
					  "010.0.0",   "10..0.1",     "010",        "08",
					  "0.0.0.0.0", "10.0.0.-1",   "fd00::00g",  "fd00::1%eth0",
					  "10.0.0.0a"};
	char text[ADDR_TEXT_MAX];
	struct gw_addr addr;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(addr_parse_sloppy(texts[i][0], &addr), 0);
		assert_string_equal(addr_format(&addr, text), texts[i][1]);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(addr_parse_sloppy(bad[i], &addr), -EINVAL);
	assert_int_equal(addr_parse("010.0.0.1", &addr), -EINVAL);
}

static void test_ipv6_stays_what_it_is(void **state)
{
	struct gw_addr addr = parsed("fd00:0:0::1");
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_false(addr_is_ipv4(&addr));
	assert_int_equal(ntohl(addr.word[0]), 0xfd000000);
	assert_int_equal(ntohl(addr.word[3]), 1);
	assert_string_equal(addr_format(&addr, text), "fd00::1");
}

static void test_the_longest_address_fits_its_buffer(void **state)
{
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
	struct gw_addr addr = parsed(longest);
	char text[ADDR_TEXT_MAX];
	char with_port[ADDR_PORT_TEXT_MAX];
	uint16_t port;

	(void)state;
	assert_string_equal(addr_format(&addr, text), longest);
	assert_string_equal(addr_port_format(&addr, 65535, with_port),
			    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	assert_int_equal(addr_port_parse("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:80",
					 &addr, &port),
			 0);
}

static void test_what_is_no_address_is_refused(void **state)
{
	static const char *const refused[] = {
		"",
		"10.0.0",
		"10.0.0.256",
		"10.0.0.1.1",
		"010.0.0.1", /* octal or decimal: who knows */
		"0x0a.0.0.1",
		"167772161",
		" 10.0.0.1",
		"10.0.0.1 ",
		"10.0.0.1\n",
		"10.0.0.1:80",
		"10.0.0.0/8",
		"localhost",
		":",
		":::",
		"fd00::1::2",
		"fd00:1",
		"[fd00::1]",
		"fe80::1%eth0",
		"fd00::10000",
		"1:2:3:4:5:6:7:8:9",
		"::ffff:10.0.0.256",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	struct gw_addr before = parsed("10.1.2.3");
	struct gw_addr addr = before;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		if (addr_parse(refused[i], &addr) != -EINVAL)
			fail_msg("'%s' is taken", refused[i]);
		assert_memory_equal(&addr, &before, sizeof(addr));
	}
}

static void test_an_address_with_a_port_comes_back_as_it_went(void **state)
{
	static const char *const texts[] = {"10.0.0.1:7051", "[fd00::1]:7051", "[::]:1",
					    "255.255.255.255:65535", "[64:ff9b::a00:1]:80"};
	char text[ADDR_PORT_TEXT_MAX];
	struct gw_addr addr;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(addr_port_parse(texts[i], &addr, &port), 0);
		assert_ptr_equal(addr_port_format(&addr, port, text), text);
		assert_string_equal(text, texts[i]);
	}
}

static void test_what_is_no_address_with_a_port_is_refused(void **state)
{
	static const char *const refused[] = {
		"",
		":",
		":80",
		"10.0.0.1",
		"10.0.0.1:",
		"10.0.0.1:0",
		"10.0.0.1:65536",
		"10.0.0.1:+80",
		"10.0.0.1:80 ",
		"10.0.0.1:http",
		"10.0.0.1:80:80",
		"fd00::1:7051", /* an address by itself */
		"fd00::1",
		"[fd00::1]",
		"[fd00::1]7051",
		"[fd00::1]:",
		"[fd00::1:7051",
		"fd00::1]:7051",
		"[[fd00::1]]:80",
		"[10.0.0.1]:80",
		"[]:80",
		"[:80",
		"[fe80::1%eth0]:80",
		"peer:7051",
		"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]:80", /* one byte too long */
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:80",
	};
	struct gw_addr before = parsed("10.1.2.3");
	struct gw_addr addr = before;
	uint16_t port = 1234;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		if (addr_port_parse(refused[i], &addr, &port) != -EINVAL)
			fail_msg("'%s' is taken", refused[i]);
		assert_memory_equal(&addr, &before, sizeof(addr));
		assert_int_equal(port, 1234);
	}
}

static void test_addresses_are_ordered_by_their_bytes(void **state)
{
	struct gw_addr a = parsed("10.0.0.2");
	struct gw_addr b = parsed("10.0.0.10");
	struct gw_addr c = parsed("fd00::1");

	(void)state;
	assert_true(addr_compare(&a, &b) < 0);
	assert_true(addr_compare(&b, &a) > 0);
	assert_true(addr_compare(&b, &c) < 0);
	assert_int_equal(addr_compare(&a, &a), 0);
}

static void test_no_connection_may_go_to_addresses_that_are_no_peers(void **state)
{
	static const struct {
		const char *address;
		const char *refusal;
	} cases[] = {
		{"0.0.0.0", "the unspecified address"},
		{"::", "the unspecified address"},
		{"127.0.0.1", "a loopback address"},
		{"127.255.255.255", "a loopback address"},
		{"::1", "a loopback address"},
		{"::ffff:127.0.0.1", "a loopback address"},
		{"169.254.169.254", "a link-local address"},
		{"fe80::1", "a link-local address"},
		{"febf:ffff::1", "a link-local address"},
		{"224.0.0.1", "a multicast address"},
		{"239.255.255.255", "a multicast address"},
		{"255.255.255.255", "the broadcast address"},
		{"ff02::1", "a multicast address"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct gw_addr addr = parsed(cases[i].address);
		const char *refusal = addr_refusal(&addr);

		if (!refusal || strcmp(refusal, cases[i].refusal) != 0)
			fail_msg("%s is %s", cases[i].address, refusal ? refusal : "allowed");
	}
}

static void test_neighbours_of_refused_addresses_are_allowed(void **state)
{
	static const char *const allowed[] =
		{
			"10.0.0.1",    "126.255.255.255", "128.0.0.0", "169.253.255.255",
			"169.255.0.0", "223.255.255.255", "0.0.0.1",   "::2",
			"fe7f::1",     "fec0::1",         "fd00::1",   "feff::1",
			"::7f00:1", /* 127.0.0.1, but not mapped: an IPv6 address like any other */
		};

	(void)state;
	for (size_t i = 0; i < COUNT(allowed); i++) {
		struct gw_addr addr = parsed(allowed[i]);

		if (addr_refusal(&addr))
			fail_msg("%s is %s", allowed[i], addr_refusal(&addr));
	}
}

static void test_loopback_is_one_net_of_ipv4_and_one_address_of_ipv6(void **state)
{
	static const struct {
		const char *text;
		bool is_loopback;
	} cases[] = {
		{"127.0.0.1", true},  {"127.255.0.9", true},  {"::1", true},
		{"126.0.0.1", false}, {"10.0.0.1", false},    {"0.0.0.0", false},
		{"::", false},        {"::127.0.0.1", false}, {"fd00::1", false},
	};
	struct gw_addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_parse(cases[i].text, &addr), 0);
		assert_int_equal(addr_is_loopback(&addr), cases[i].is_loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_is_mapped_inside_and_plain_outside),
		cmocka_unit_test(test_zeros_before_a_number_say_nothing_where_that_is_asked_for),
		cmocka_unit_test(test_ipv6_stays_what_it_is),
		cmocka_unit_test(test_the_longest_address_fits_its_buffer),
		cmocka_unit_test(test_what_is_no_address_is_refused),
		cmocka_unit_test(test_an_address_with_a_port_comes_back_as_it_went),
		cmocka_unit_test(test_what_is_no_address_with_a_port_is_refused),
		cmocka_unit_test(test_addresses_are_ordered_by_their_bytes),
		cmocka_unit_test(test_loopback_is_one_net_of_ipv4_and_one_address_of_ipv6),
		cmocka_unit_test(test_no_connection_may_go_to_addresses_that_are_no_peers),
		cmocka_unit_test(test_neighbours_of_refused_addresses_are_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
