// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates against what Go says of them: tests/data/certificates, which `clients table` of
 * tests/clients writes, the certificates and the answers. tests/clients/table.bats holds that they
 * are what Go says today. OpenSSL is asked the same; where it differs stands here.
 */
#include <errno.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/x509v3.h>

#include "base/certificate.h"

#define DIRECTORY "tests/data/certificates"
#define BYTES_MAX 65536

static struct certificate certificate;
static uint8_t bytes[BYTES_MAX];

/* Into a block of its own size, so that a sanitizer sees every step beyond its end. */
static uint8_t *load(const char *file, size_t *size)
{
	char path[512];
	uint8_t *copy;
	FILE *stream;

	snprintf(path, sizeof(path), DIRECTORY "/%s", file);
	stream = fopen(path, "rb");
	assert_non_null(stream);
	*size = fread(bytes, 1, sizeof(bytes), stream);
	fclose(stream);
	assert_in_range(*size, 1, sizeof(bytes) - 1);
	copy = malloc(*size);
	assert_non_null(copy);
	return memcpy(copy, bytes, *size);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static json_t *load_answers(void)
{
	json_t *answers = json_load_file(DIRECTORY "/answers.json", 0, NULL);

	assert_non_null(answers);
	assert_true(json_array_size(json_object_get(answers, "asked")) >= 70);
	assert_true(json_array_size(json_object_get(answers, "of")) >= 60);
	return answers;
}

static bool has(const json_t *list, const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (!strcmp(json_string_value(item), name))
			return true;
	return false;
}

static int count_wrong_names(const json_t *answer, const json_t *asked)
{
	const json_t *name;
	int wrong = 0;
	size_t i;

	json_array_foreach(asked, i, name) {
		const char *text = json_string_value(name);
		bool carries = certificate_carries(&certificate, text);

		if (carries == has(json_object_get(answer, "carries"), text))
			continue;
		print_message("# %s: '%s': we say %d\n", text_of(answer, "file"), text, carries);
		wrong++;
	}
	return wrong;
}

static int count_wrong_times(const json_t *answer)
{
	const json_t *times = json_object_get(answer, "times"), *time;
	int wrong = certificate.not_before != number_of(answer, "notBefore") ||
		    certificate.not_after != number_of(answer, "notAfter");
	size_t i;

	assert_int_equal(json_array_size(times), 4);
	json_array_foreach(times, i, time) {
		bool is_current = certificate_time(&certificate, number_of(time, "now")) ==
				  CERTIFICATE_CURRENT;

		wrong += is_current != json_is_true(json_object_get(time, "current"));
	}
	if (wrong)
		print_message("# %s: its times: %lld, %lld\n", text_of(answer, "file"),
			      (long long)certificate.not_before, (long long)certificate.not_after);
	return wrong;
}

static int count_wrong(const json_t *answer, const json_t *asked)
{
	bool parses = json_is_true(json_object_get(answer, "parses"));
	size_t size;
	uint8_t *der = load(text_of(answer, "file"), &size);
	int err = certificate_read(der, size, &certificate), wrong;

	if (err != (parses ? 0 : -EBADMSG)) {
		print_message("# %s: we say %d\n", text_of(answer, "file"), err);
		free(der);
		return 1;
	}
	wrong = err ? 0 : count_wrong_names(answer, asked) + count_wrong_times(answer);
	if (!err && strcmp(certificate.issuer, text_of(answer, "issuer")) != 0) {
		print_message("# %s: its issuer: '%s'\n", text_of(answer, "file"),
			      certificate.issuer);
		wrong++;
	}
	free(der);
	return wrong;
}

static void test_names_and_times_are_read_as_go_reads_them(void **state)
{
	json_t *answers = load_answers();
	const json_t *answer;
	int wrong = 0;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(answers, "of"), i, answer)
		wrong += count_wrong(answer, json_object_get(answers, "asked"));
	json_decref(answers);
	assert_int_equal(wrong, 0);
}

/* Where OpenSSL says something else than Go: patterns of fnmatch(3), and what OpenSSL says. name
 * NULL: whether it reads the certificate at all. */
static const struct difference {
	const char *file;
	const char *name;
	bool openssl;
} differences[] = {
	/* It reads names and times when it is asked for them, and then takes more for valid. */
	{"not-ascii.der", NULL, true},
	{"utf8.der", NULL, true},
	{"email-not-ascii.der", NULL, true},
	{"address-5-bytes.der", NULL, true},
	{"address-empty.der", NULL, true},
	{"san-*.der", NULL, true},
	{"time-*.der", NULL, true},
	{"version-*.der", NULL, true},
	{"serial-negative.der", NULL, true},
	/* It looks for extensions in every version. */
	{"version-[12].der", "org1-peer1", true},
	/* To it a dot at the end is a part of the name, and one at the begin asks for any name below. */
	{"*", "*.", false},
	{"*", ".*", true},
	{"dot-alone.der", ".", true},
	/* Behind its wildcard there are two labels, and what the wildcard stands for is not any text. */
	{"wildcard.der", "*.svc", false},
	/* It finds an address among host names, and reads zeros before a number. */
	{"address-as-name.der", "10.0.0.1", true},
	{"address-as-name.der", "[f\\[]*", true},
	{"addresses.der", "010.0.0.1", true},
	/* A mapped address is another one to it. */
	{"addresses.der", "::ffff:10.0.0.1", false},
	{"address-mapped.der", "10.0.0.2", false},
	/* One kind of name that it cannot read hides the others. */
	{"other-kinds.der", "a.svc", false},
};

static bool is_listed(const char *file, const char *name, bool openssl)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(*differences); i++) {
		const struct difference *known = &differences[i];

		if (fnmatch(known->file, file, 0) != 0 || openssl != known->openssl)
			continue;
		if (name && known->name ? !fnmatch(known->name, name, FNM_CASEFOLD)
					: name == known->name)
			return true;
	}
	return false;
}

/* With the flags that come nearest to Go: no common name, no wildcard for a part of a label. */
static bool openssl_carries(X509 *x509, const char *name)
{
	char inner[64] = "";
	size_t length = strlen(name);

	if (length > 2 && length < sizeof(inner) && name[0] == '[' && name[length - 1] == ']')
		snprintf(inner, sizeof(inner), "%.*s", (int)length - 2, name + 1);
	if (X509_check_ip_asc(x509, *inner ? inner : name, 0) == 1)
		return true;
	return X509_check_host(x509, name, length,
			       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
				       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
			       NULL) == 1;
}

/* agreed counts the names of which both say that they are carried. */
static int compare_openssl(const json_t *answer, const json_t *asked, int *agreed)
{
	const char *file = text_of(answer, "file");
	bool parses = json_is_true(json_object_get(answer, "parses"));
	size_t size, i;
	uint8_t *der = load(file, &size);
	const uint8_t *at = der;
	X509 *x509 = d2i_X509(NULL, &at, (long)size);
	const json_t *name;
	int unlisted = parses != !!x509 && !is_listed(file, NULL, !!x509);

	json_array_foreach(asked, i, name) {
		const char *text = json_string_value(name);
		bool go = has(json_object_get(answer, "carries"), text);
		bool openssl = parses && x509 && openssl_carries(x509, text);

		*agreed += go && openssl;
		if (go == openssl || is_listed(file, text, openssl))
			continue;
		print_message("# %s: '%s': OpenSSL says %d\n", file, text, openssl);
		unlisted++;
	}
	X509_free(x509);
	free(der);
	return unlisted;
}

static void test_openssl_says_the_same_but_for_what_is_listed(void **state)
{
	json_t *answers = load_answers();
	int unlisted = 0, agreed = 0;
	const json_t *answer;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(answers, "of"), i, answer)
		unlisted += compare_openssl(answer, json_object_get(answers, "asked"), &agreed);
	json_decref(answers);
	assert_int_equal(unlisted, 0);
	assert_true(agreed > 50);
}

static void test_a_certificate_that_is_cut_anywhere_is_none(void **state)
{
	size_t size;
	uint8_t *der = load("plain.der", &size);

	(void)state;
	assert_int_equal(certificate_read(der, size, &certificate), 0);
	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *part = malloc(cut + !cut);

		memcpy(part, der, cut);
		assert_int_equal(certificate_read(part, cut, &certificate), -EBADMSG);
		free(part);
	}
	free(der);
}

/* Each in a block of its own size: a sanitizer sees a step too far. */
static void test_what_goes_beyond_its_end_is_no_element(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t size;
		bool is_good;
	} cases[] = {
		{{0}, 0, false},
		{{0x04}, 1, false},
		{{0x04, 0}, 2, true},
		{{0x04, 1}, 2, false},
		{{0x04, 1, 0}, 3, true},
		{{0x04, 2, 0}, 3, false},
		{{0x04, 0x81}, 2, false},
		{{0x04, 0x82, 1}, 3, false},
		{{0x04, 0x84, 0xff, 0xff, 0xff, 0xff}, 6, false},
		{{0x04, 0x85, 1, 0, 0, 0, 0}, 7, false},
		{{0x1f, 1, 0}, 3, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t *copy = malloc(cases[i].size + !cases[i].size), tag;
		struct der from = {copy, cases[i].size}, content;

		memcpy(copy, cases[i].bytes, cases[i].size);
		assert_int_equal(der_next(&from, &tag, &content), cases[i].is_good);
		assert_int_equal(from.left, cases[i].is_good ? 0 : cases[i].size);
		free(copy);
	}
}

static void test_what_stands_behind_a_certificate_is_refused(void **state)
{
	size_t size;
	uint8_t *der = load("plain.der", &size);

	(void)state;
	memcpy(bytes, der, size);
	bytes[size] = 0;
	assert_int_equal(certificate_read(bytes, size + 1, &certificate), -EBADMSG);
	free(der);
}

/* Nothing is known of one with more names: it is not said to lack any. */
static void test_more_names_than_are_looked_at_leave_it_unknown(void **state)
{
	static const char extra[] = "name-255.example";
	size_t size;
	uint8_t *der = load("names-256.der", &size);
	uint8_t *at = memmem(der, size, extra, strlen(extra));

	(void)state;
	assert_int_equal(certificate_read(der, size, &certificate), 0);
	assert_int_equal(certificate.name_count, CERTIFICATE_NAMES_MAX);
	/* In the room of one name there are two now. */
	assert_non_null(at);
	at[-1] = 4;
	at[4] = 0x82;
	at[5] = (uint8_t)(strlen(extra) - 6);
	assert_int_equal(certificate_read(der, size, &certificate), -E2BIG);
	free(der);
}

static void test_a_name_is_shown_without_what_commands_a_terminal(void **state)
{
	char text[CERTIFICATE_TEXT_MAX];
	size_t size;
	uint8_t *der = load("nul.der", &size);

	(void)state;
	assert_int_equal(certificate_read(der, size, &certificate), 0);
	assert_string_equal(certificate_name_text(&certificate.names[0], text),
			    "org1-peer1?.evil.example");
	free(der);
	der = load("address-mapped.der", &size);
	assert_int_equal(certificate_read(der, size, &certificate), 0);
	assert_string_equal(certificate_name_text(&certificate.names[0], text), "10.0.0.2");
	free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_times_are_read_as_go_reads_them),
		cmocka_unit_test(test_openssl_says_the_same_but_for_what_is_listed),
		cmocka_unit_test(test_a_certificate_that_is_cut_anywhere_is_none),
		cmocka_unit_test(test_what_goes_beyond_its_end_is_no_element),
		cmocka_unit_test(test_what_stands_behind_a_certificate_is_refused),
		cmocka_unit_test(test_more_names_than_are_looked_at_leave_it_unknown),
		cmocka_unit_test(test_a_name_is_shown_without_what_commands_a_terminal),
	};

	return cmocka_run_group_tests_name("certificate", tests, NULL, NULL);
}
