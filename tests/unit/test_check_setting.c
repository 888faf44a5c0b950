// SPDX-License-Identifier: Apache-2.0
#include "model/check_setting.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct gw_check parsed(const char *text)
{
	struct gw_check check;
	char reason[CHECK_SETTING_REASON_MAX] = "";

	memset(&check, 0xff, sizeof(check));
	if (check_setting_parse(text, &check, reason))
		fail_msg("'%s': %s", text, reason);
	return check;
}

static void test_the_defaults_are_haproxys(void **state)
{
	struct gw_check check = parsed("tls");

	(void)state;
	assert_int_equal(check.kind, GW_CHECK_TLS);
	assert_int_equal(check.inter_ms, 10000);
	assert_int_equal(check.timeout_ms, 3000);
	assert_int_equal(check.fall, 3);
	assert_int_equal(check.rise, 2);
	assert_int_equal(parsed("tcp").kind, GW_CHECK_TCP);
	assert_int_equal(parsed("off").kind, GW_CHECK_OFF);
}

static void test_options_come_in_any_order(void **state)
{
	struct gw_check check =
		parsed("http:9443/healthz?deep=1,rise=1,timeout=250ms,inter=500ms,fall=100");

	(void)state;
	assert_int_equal(check.kind, GW_CHECK_HTTP);
	assert_int_equal(check.port, 9443);
	assert_string_equal(check.path, "/healthz?deep=1");
	assert_int_equal(check.inter_ms, 500);
	assert_int_equal(check.timeout_ms, 250);
	assert_int_equal(check.fall, 100);
	assert_int_equal(check.rise, 1);
}

static void test_a_timeout_is_no_longer_than_inter(void **state)
{
	(void)state;
	assert_int_equal(parsed("tcp,inter=1s").timeout_ms, 1000);
	assert_int_equal(parsed("tcp,timeout=1s,inter=1s").timeout_ms, 1000);
}

/* Settings are compared byte by byte. */
static void test_what_is_not_used_is_zero(void **state)
{
	struct gw_check check = parsed("http:1/"), other = parsed("http:1/,inter=10s");

	(void)state;
	assert_memory_equal(&check, &other, sizeof(check));
}

static void test_what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text;
		const char *word;
	} bad[] = {
		{"", "none of 'tcp'"},
		{"udp", "none of 'tcp'"},
		{"off,inter=1s", "none of 'tcp'"},
		{"tcp,", "none of 'inter='"},
		{"tcp,every=1s", "none of 'inter='"},
		{"tcp,inter=499ms", "from 500ms to 1h"},
		{"tcp,inter=2h", "from 500ms to 1h"},
		{"tcp,inter=0", "from 500ms to 1h"},
		{"tcp,timeout=99ms", "from 100ms to 1h"},
		{"tcp,timeout=11s", "longer than 'inter'"},
		{"tcp,inter=1s,timeout=2s", "longer than 'inter'"},
		{"tcp,fall=0", "from 1 to 100"},
		{"tcp,fall=101", "from 1 to 100"},
		{"tcp,rise=x", "from 1 to 100"},
		{"tcp,rise=1,rise=1", "is there twice"},
		{"http", "none of 'tcp'"},
		{"http:", "PORT/PATH"},
		{"http:9443", "PORT/PATH"},
		{"http:/healthz", "PORT/PATH"},
		{"http:0/", "PORT/PATH"},
		{"http:65536/", "PORT/PATH"},
		{"http:00000000009443/", "PORT/PATH"},
		{"http:1/a b", "printable ASCII"},
		{"http:1/a\r\nX: y", "printable ASCII"},
		{"http:1/\xc3\xa4", "printable ASCII"},
	};
	char reason[CHECK_SETTING_REASON_MAX];
	struct gw_check check;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		*reason = '\0';
		assert_int_equal(check_setting_parse(bad[i].text, &check, reason), -EINVAL);
		if (!strstr(reason, bad[i].word))
			fail_msg("'%s': %s", bad[i].text, reason);
	}
}

static void test_a_path_has_room_for_127_characters(void **state)
{
	char text[256] = "http:1/", reason[CHECK_SETTING_REASON_MAX];
	struct gw_check check;

	(void)state;
	memset(text + 7, 'a', 126);
	assert_int_equal(strlen(parsed(text).path), 127);
	text[7 + 126] = 'a';
	assert_int_equal(check_setting_parse(text, &check, reason), -EINVAL);
	assert_non_null(strstr(reason, "too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_defaults_are_haproxys),
		cmocka_unit_test(test_options_come_in_any_order),
		cmocka_unit_test(test_a_timeout_is_no_longer_than_inter),
		cmocka_unit_test(test_what_is_not_used_is_zero),
		cmocka_unit_test(test_what_is_wrong_is_named),
		cmocka_unit_test(test_a_path_has_room_for_127_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
