// SPDX-License-Identifier: Apache-2.0
/* Commands for people to copy: none with a name in it that a shell would take for more. */
#include "report/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_plain_names(void **state)
{
	char text[COMMANDS_MAX];

	(void)state;
	assert_string_equal(commands_pod("logs", "fabric", "org1-peer1-0", text),
			    "kubectl logs -n fabric org1-peer1-0");
	assert_string_equal(
		commands_annotate("fabric", "gateway", "gwbpf.io/drain-", text),
		"kubectl annotate --overwrite service -n fabric gateway gwbpf.io/drain-");
	assert_string_equal(
		commands_label("fabric", "gateway", "gwbpf.io/enabled=true", text),
		"kubectl label --overwrite service -n fabric gateway gwbpf.io/enabled=true");
	assert_string_equal(commands_service("rebalance", "fabric", "gateway", text),
			    "gwbpf rebalance fabric/gateway");
	assert_string_equal(
		commands_unannotate("fabric", "gateway",
				    "cannot use annotation 'gwbpf.io/policy': 'x' is none", text),
		"kubectl annotate --overwrite service -n fabric gateway gwbpf.io/policy-");
	assert_string_equal(commands_unannotate("fabric", "gateway", "'gwbpf.io/a;reboot' is",
						text),
			    "");
	assert_string_equal(commands_unannotate("fabric", "gateway", "nothing of ours", text), "");
}

static void test_other_names(void **state)
{
	static const char *const names[] = {"",     "a b", "a;reboot", "$(reboot)", "-f",
					    "a\nb", "A",   "a/b",      "a'b",       "\xc3\xa4"};
	char text[COMMANDS_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_string_equal(commands_pod("logs", "fabric", names[i], text), "");
		assert_string_equal(commands_pod("logs", names[i], "peer1", text), "");
		assert_string_equal(commands_annotate("fabric", names[i], "x-", text), "");
		assert_string_equal(commands_label("fabric", names[i], "x=y", text), "");
		assert_string_equal(commands_service("drain", "fabric", names[i], text), "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_names),
		cmocka_unit_test(test_other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
