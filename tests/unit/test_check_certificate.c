// SPDX-License-Identifier: Apache-2.0
/* What the child tells of a certificate, and what the agent takes of that. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/check_certificate.h"

static struct check_certificate seen;

static void see(const char *file, const char *names)
{
	char path[256], list[CHECK_NAMES_MAX];
	uint8_t bytes[65536];
	size_t size;
	FILE *stream;

	snprintf(path, sizeof(path), "tests/data/certificates/%s.der", file);
	snprintf(list, sizeof(list), "%s", names);
	stream = fopen(path, "rb");
	assert_non_null(stream);
	size = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	memset(&seen, 0xff, sizeof(seen));
	check_certificate_read(bytes, size, list, &seen);
}

static void test_a_bit_says_that_a_name_is_missing(void **state)
{
	(void)state;
	see("plain", "org1-peer1,b,org1-peer-gateway-svc,d");
	assert_int_equal(seen.read, GW_CERTIFICATE_READ);
	assert_int_equal(seen.missing, 0xa);
	assert_int_equal(seen.not_before, 1577836800);
	assert_int_equal(seen.not_after, 1893456000);
	assert_string_equal(seen.issuer, "CN=ca.org1.example.com,O=org1.example.com");
	see("plain", "org1-peer1");
	assert_int_equal(seen.missing, 0);
}

static void test_what_go_refuses_has_no_names(void **state)
{
	(void)state;
	see("not-ascii", "org1-peer1");
	assert_int_equal(seen.read, GW_CERTIFICATE_MALFORMED);
	assert_int_equal(seen.missing, 0);
	assert_string_equal(seen.issuer, "");
}

static void test_an_issuer_is_plain_text(void **state)
{
	struct check_answer answer = {.seen = GW_SEEN_OK}, taken;

	(void)state;
	see("issuer-odd", "a.svc");
	assert_non_null(strstr(seen.issuer, "??rg"));
	answer.certificate = seen;
	assert_int_equal(check_answer_read(&answer, sizeof(answer), &taken), 0);
	assert_memory_equal(&taken.certificate, &seen, sizeof(seen));
}

static void test_the_agent_takes_nothing_that_the_child_cannot_mean(void **state)
{
	struct check_answer answer = {.seen = GW_SEEN_OK}, taken;

	(void)state;
	answer.certificate.read = GW_CERTIFICATE_MAX_;
	assert_int_equal(check_answer_read(&answer, sizeof(answer), &taken), -EPROTO);
	answer.certificate.read = GW_CERTIFICATE_READ;
	answer.certificate.issuer[0] = '\033';
	assert_int_equal(check_answer_read(&answer, sizeof(answer), &taken), -EPROTO);
	memset(answer.certificate.issuer, 'a', sizeof(answer.certificate.issuer));
	assert_int_equal(check_answer_read(&answer, sizeof(answer), &taken), -EPROTO);
	answer.certificate.issuer[GW_ISSUER_MAX - 1] = '\0';
	assert_int_equal(check_answer_read(&answer, sizeof(answer), &taken), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bit_says_that_a_name_is_missing),
		cmocka_unit_test(test_what_go_refuses_has_no_names),
		cmocka_unit_test(test_an_issuer_is_plain_text),
		cmocka_unit_test(test_the_agent_takes_nothing_that_the_child_cannot_mean),
	};

	return cmocka_run_group_tests_name("check_certificate", tests, NULL, NULL);
}
