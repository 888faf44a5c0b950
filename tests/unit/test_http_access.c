// SPDX-License-Identifier: Apache-2.0
#include "agent/http_access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void test_loopback_names_and_addresses_are_taken(void **state)
{
	static const char *const hosts[] = {
		"localhost",      "localhost:9451",          "LocalHost",
		"localhost.",     "node1.localhost:80",      "127.0.0.1",
		"127.0.0.1:9451", "127.255.0.9:1",           "[::1]",
		"[::1]:65535",    "[::ffff:127.0.0.1]:9451",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (!http_access_is_loopback_host(hosts[i]))
			fail_msg("'%s' is refused", hosts[i]);
}

static void test_all_else_is_refused(void **state)
{
	static const char *const hosts[] = {
		"",
		":",
		":9451",
		".",
		"evil.example",
		"localhost.evil.example",
		"notlocalhost",
		"localhost..evil",
		"localhos",
		"10.0.0.1",
		"128.0.0.1:9451",
		"127.0.0.1.evil.example",
		"127.1",
		"2130706433",
		"0x7f.0.0.1",
		"localhost:",
		"localhost:0",
		"localhost:65536",
		"localhost:9451x",
		"localhost:80:80",
		"::1",
		"[::1",
		"[::1]x",
		"[::1]:",
		"[::2]",
		"[127.0.0.1]",
		"[localhost]",
		"[]",
		"[fd00::1]:9451",
		"user@localhost:x",
	};
	char longest[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
		if (http_access_is_loopback_host(hosts[i]))
			fail_msg("'%s' is taken", hosts[i]);
	memset(longest, 'a', sizeof(longest));
	strcpy(longest + sizeof(longest) - sizeof(".localhost"), ".localhost");
	assert_false(http_access_is_loopback_host(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loopback_names_and_addresses_are_taken),
		cmocka_unit_test(test_all_else_is_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("http_access", tests, NULL, NULL);
}
