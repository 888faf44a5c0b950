// SPDX-License-Identifier: Apache-2.0
/* Certificates and keys of a configuration: which are used, and what is said of the others. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "source/kube/pem.h"

#define JUNK "-----BEGIN CERTIFICATE-----\nAAAAAAAA\n-----END CERTIFICATE-----\n"

/* Two certificates that sign themselves, and their keys, as text. */
static char certificates[2][2048], keys[2][512];
static char message[KUBE_MESSAGE_MAX];

static void write_out(BIO *bio, char *ret, size_t size)
{
	int length = BIO_read(bio, ret, (int)size - 1);

	assert_true(length > 0);
	ret[length] = '\0';
	BIO_free(bio);
}

static void make(size_t which)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());

	ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)which + 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
	write_out(bio, certificates[which], sizeof(certificates[which]));
	bio = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	write_out(bio, keys[which], sizeof(keys[which]));
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static int make_both(void **state)
{
	(void)state;
	make(0);
	make(1);
	return 0;
}

/* What becomes of an authority of these parts; config is to be freed. */
static int check_authority(struct kube_config *config, const char *const parts[4])
{
	char text[8192], *to = text;

	for (size_t i = 0; i < 4 && parts[i]; i++)
		to = stpcpy(to, parts[i]);
	*config = (struct kube_config){0};
	assert_int_equal(kube_bytes_copy(text, &config->ca), 0);
	message[0] = '\0';
	return kube_pem_check(config, "the file", message);
}

static void test_a_bundle_stays_as_it_is(void **state)
{
	const char *const bundles[][4] = {
		{certificates[0]},
		{certificates[0], certificates[1]},
		{"# one\r\n", certificates[0], "\nsubject=/CN=other\n", certificates[1]},
		{keys[0], certificates[0], "# end"},
	};
	struct kube_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		size_t size = 0;

		assert_int_equal(check_authority(&config, bundles[i]), 0);
		assert_null(config.warning);
		for (size_t k = 0; k < 4 && bundles[i][k]; k++) {
			assert_ptr_equal(strstr(config.ca.data, bundles[i][k]),
					 config.ca.data + size);
			size += strlen(bundles[i][k]);
		}
		assert_int_equal(config.ca.size, size);
		kube_config_done(&config);
	}
}

/* As kubectl does it; libcurl would use none of such a bundle. */
static void test_what_cannot_be_read_of_a_bundle_is_left_out_and_told(void **state)
{
	const char *const bundles[][4] = {
		{JUNK, certificates[0]},
		{certificates[0], JUNK},
		{certificates[0], "-----BEGIN CERTIFICATE-----\nMIIBfjCCASWgAwIBAgIU\n"},
		{certificates[0], "-----BEGIN CERTIFICATE-----\nMIIBfjCCASWg\n-----END CERT"},
	};
	const char *const two[4] = {JUNK, certificates[0], JUNK, certificates[1]};
	struct kube_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++) {
		assert_int_equal(check_authority(&config, bundles[i]), 0);
		assert_string_equal(config.ca.data, certificates[0]);
		assert_int_equal(config.ca.size, strlen(certificates[0]));
		assert_string_equal(config.warning,
				    "of the certificate authorities of 'the file' 1 cannot be read "
				    "and is not used: correct the file, or leave them out");
		kube_config_done(&config);
	}
	assert_int_equal(check_authority(&config, two), 0);
	assert_non_null(strstr(config.warning, "2 cannot be read and are not used"));
	assert_non_null(strstr(config.ca.data, certificates[1]));
	kube_config_done(&config);
}

static void test_an_authority_without_a_certificate_is_refused(void **state)
{
	const char *const texts[][4] = {
		{"hello"},
		{JUNK},
		{keys[0]},
		{"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"}, /* base64 of base64 */
	};
	struct kube_config config;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(check_authority(&config, texts[i]), -EINVAL);
		assert_non_null(strstr(message, "cannot use 'the file': its certificate authority "
						"has no certificate in PEM"));
		kube_config_done(&config);
	}
}

static int check_pair(const char *certificate, const char *key)
{
	struct kube_config config = {0};
	int err;

	assert_int_equal(kube_bytes_copy(certificate, &config.certificate), 0);
	assert_int_equal(kube_bytes_copy(key, &config.key), 0);
	message[0] = '\0';
	err = kube_pem_check(&config, "the file", message);
	kube_config_done(&config);
	return err;
}

static void test_a_key_is_the_one_of_its_certificate(void **state)
{
	char both[4096];

	(void)state;
	assert_int_equal(check_pair(certificates[0], keys[0]), 0);
	snprintf(both, sizeof(both), "%s%s", certificates[0], keys[0]);
	assert_int_equal(check_pair(both, both), 0);
	assert_int_equal(check_pair(certificates[0], keys[1]), -EINVAL);
	assert_string_equal(message, "cannot use 'the file': its client key is not the one of its "
				     "client certificate");
	assert_int_equal(check_pair(keys[0], keys[0]), -EINVAL);
	assert_non_null(strstr(message, "its client certificate is no certificate in PEM"));
	assert_int_equal(check_pair(certificates[0], "hello"), -EINVAL);
	assert_non_null(strstr(message, "its client key is no private key in PEM"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bundle_stays_as_it_is),
		cmocka_unit_test(test_what_cannot_be_read_of_a_bundle_is_left_out_and_told),
		cmocka_unit_test(test_an_authority_without_a_certificate_is_refused),
		cmocka_unit_test(test_a_key_is_the_one_of_its_certificate),
	};

	return cmocka_run_group_tests(tests, make_both, NULL);
}
