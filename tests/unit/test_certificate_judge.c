// SPDX-License-Identifier: Apache-2.0
/* When a certificate takes its backend out of use, and when it comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/certificate_judge.h"

#define NOW 1800000000
#define SECOND 1000000000ull

/* What was seen so far, and whether it excludes. */
static struct gw_certificate last;
static bool excluded;

static struct gw_certificate good(void)
{
	return (struct gw_certificate){
		.generation = 1,
		.wanted = 7,
		.read = GW_CERTIFICATE_READ,
		.not_before = NOW - 100,
		.not_after = NOW + 100,
	};
}

static struct gw_certificate lacking(uint32_t missing)
{
	struct gw_certificate certificate = good();

	certificate.missing = missing;
	return certificate;
}

/* So many seconds after the begin it shows this. */
static bool look(unsigned int seconds, struct gw_certificate seen)
{
	seen.time_ns = (1000 + seconds) * SECOND;
	excluded = certificate_judge_excludes(&last, &seen, excluded, NOW);
	last = seen;
	return excluded;
}

static int begin(void **state)
{
	(void)state;
	last = (struct gw_certificate){0};
	excluded = false;
	return 0;
}

static void test_each_fault_is_told_apart(void **state)
{
	struct gw_certificate certificate = good();

	(void)state;
	assert_int_equal(certificate_judge(&certificate, NOW), CERTIFICATE_FAULT_NONE);
	certificate.missing = 2;
	assert_int_equal(certificate_judge(&certificate, NOW), CERTIFICATE_FAULT_MISSING);
	assert_int_equal(certificate_judge(&certificate, NOW + 100), CERTIFICATE_FAULT_MISSING);
	assert_int_equal(certificate_judge(&certificate, NOW + 101), CERTIFICATE_FAULT_EXPIRED);
	assert_int_equal(certificate_judge(&certificate, NOW - 100), CERTIFICATE_FAULT_MISSING);
	assert_int_equal(certificate_judge(&certificate, NOW - 101), CERTIFICATE_FAULT_NOT_YET);
	certificate.read = GW_CERTIFICATE_MALFORMED;
	assert_int_equal(certificate_judge(&certificate, NOW), CERTIFICATE_FAULT_MALFORMED);
	certificate.read = GW_CERTIFICATE_TOO_LARGE;
	assert_int_equal(certificate_judge(&certificate, NOW), CERTIFICATE_FAULT_UNKNOWN);
	certificate.read = GW_CERTIFICATE_NONE;
	assert_int_equal(certificate_judge(&certificate, NOW), CERTIFICATE_FAULT_UNKNOWN);
}

static void test_two_equal_looks_a_minute_apart_exclude(void **state)
{
	(void)state;
	assert_false(look(0, lacking(1)));
	assert_false(look(10, lacking(1)));
	assert_false(look(59, lacking(1)));
	assert_true(look(60, lacking(1)));
	assert_true(look(61, lacking(3)));
}

static void test_looks_that_differ_do_not_exclude(void **state)
{
	(void)state;
	assert_false(look(0, lacking(1)));
	assert_false(look(60, lacking(2)));
	assert_false(look(119, lacking(2)));
	assert_true(look(120, lacking(2)));
}

static void test_one_good_look_brings_it_back(void **state)
{
	(void)state;
	look(0, lacking(1));
	assert_true(look(60, lacking(1)));
	assert_false(look(61, good()));
	assert_false(look(62, lacking(1)));
	assert_true(look(122, lacking(1)));
}

static void test_a_look_that_says_nothing_changes_nothing(void **state)
{
	const struct gw_certificate unknown = {.generation = 1, .wanted = 7};

	(void)state;
	look(0, lacking(1));
	assert_true(look(60, lacking(1)));
	assert_true(look(70, unknown));
	begin(NULL);
	assert_false(look(0, unknown));
	assert_false(look(120, unknown));
}

static void test_what_was_compared_with_other_names_is_another_result(void **state)
{
	struct gw_certificate other = lacking(1);

	(void)state;
	other.wanted = 8;
	assert_false(look(0, lacking(1)));
	assert_false(look(60, other));
	other = lacking(1);
	other.generation = 2;
	assert_false(look(130, other));
}

static void test_expired_and_malformed_exclude_but_not_yet_valid_does_not(void **state)
{
	struct gw_certificate certificate = good();

	(void)state;
	certificate.not_after = NOW - 1;
	look(0, certificate);
	assert_true(look(60, certificate));
	begin(NULL);
	certificate.read = GW_CERTIFICATE_MALFORMED;
	look(0, certificate);
	assert_true(look(60, certificate));
	begin(NULL);
	certificate = good();
	certificate.not_before = NOW + 1;
	look(0, certificate);
	assert_false(look(60, certificate));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_fault_is_told_apart),
		cmocka_unit_test_setup(test_two_equal_looks_a_minute_apart_exclude, begin),
		cmocka_unit_test_setup(test_looks_that_differ_do_not_exclude, begin),
		cmocka_unit_test_setup(test_one_good_look_brings_it_back, begin),
		cmocka_unit_test_setup(test_a_look_that_says_nothing_changes_nothing, begin),
		cmocka_unit_test_setup(test_what_was_compared_with_other_names_is_another_result,
				       begin),
		cmocka_unit_test_setup(
			test_expired_and_malformed_exclude_but_not_yet_valid_does_not, begin),
	};

	return cmocka_run_group_tests_name("certificate_judge", tests, NULL, NULL);
}
