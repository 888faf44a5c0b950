// SPDX-License-Identifier: Apache-2.0
#include "source/kube/pem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

struct bundle {
	BIO *in;
	BIO *readable; /* the certificates of it that can be read */
	size_t read;
	size_t unread;
};

static BIO *open_bytes(const struct kube_bytes *bytes)
{
	return BIO_new_mem_buf(bytes->data, (int)bytes->size);
}

static int take_certificate(struct bundle *bundle, const unsigned char *bytes, long size)
{
	X509 *certificate = d2i_X509(NULL, &bytes, size);
	int written;

	if (!certificate) {
		bundle->unread++;
		return 0;
	}
	written = PEM_write_bio_X509(bundle->readable, certificate);
	X509_free(certificate);
	bundle->read++;
	return written ? 0 : -ENOMEM;
}

/* Blocks of other kinds, such as keys, and the text around them are passed over. */
static int take_all(struct bundle *bundle)
{
	size_t left = BIO_ctrl_pending(bundle->in), before;
	char *name, *header;
	unsigned char *bytes;
	long size;
	int err = 0;

	do {
		before = left;
		if (PEM_read_bio(bundle->in, &name, &header, &bytes, &size)) {
			if (strcmp(name, PEM_STRING_X509) == 0)
				err = take_certificate(bundle, bytes, size);
			OPENSSL_free(name);
			OPENSSL_free(header);
			OPENSSL_free(bytes);
		} else if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
			bundle->unread++;
		}
		left = BIO_ctrl_pending(bundle->in);
	} while (!err && left && left < before);
	return err;
}

static int warn(struct kube_config *config, const struct bundle *bundle, const char *origin)
{
	if (config->warning)
		return 0;
	if (asprintf(
		    &config->warning,
		    "of the certificate authorities of '%.256s' %zu cannot be read and %s not used: "
		    "correct the file, or leave them out",
		    origin, bundle->unread, bundle->unread == 1 ? "is" : "are") >= 0)
		return 0;
	config->warning = NULL;
	return -ENOMEM;
}

static int keep_readable(struct kube_config *config, const struct bundle *bundle)
{
	char *text;

	if (BIO_write(bundle->readable, "", 1) != 1)
		return -ENOMEM;
	BIO_get_mem_data(bundle->readable, &text);
	return kube_bytes_copy(text, &config->ca);
}

static int check_authority(struct kube_config *config, const char *origin, char *message)
{
	struct bundle bundle = {.in = open_bytes(&config->ca), .readable = BIO_new(BIO_s_mem())};
	int err = bundle.in && bundle.readable ? take_all(&bundle) : -ENOMEM;

	if (!err && bundle.read && bundle.unread) {
		err = keep_readable(config, &bundle);
		if (!err)
			err = warn(config, &bundle, origin);
	}
	BIO_free(bundle.in);
	BIO_free(bundle.readable);
	if (err)
		return kube_config_fail(message, err, "cannot read '%.256s': out of memory",
					origin);
	if (!bundle.read)
		return kube_config_fail(message, -EINVAL,
					"cannot use '%.256s': its certificate authority has no "
					"certificate in PEM that can be read (lines from "
					"-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----)",
					origin);
	return 0;
}

static int give_no_passphrase(char *buf, int size, int writes, void *arg)
{
	(void)buf;
	(void)size;
	(void)writes;
	(void)arg;
	return -1;
}

static const char *find_fault(X509 *certificate, EVP_PKEY *key)
{
	if (!certificate)
		return "its client certificate is no certificate in PEM";
	if (!key)
		return "its client key is no private key in PEM";
	return X509_check_private_key(certificate, key) == 1
		       ? NULL
		       : "its client key is not the one of its client certificate";
}

static int check_pair(const struct kube_config *config, const char *origin, char *message)
{
	BIO *in = open_bytes(&config->certificate), *key_in = open_bytes(&config->key);
	X509 *certificate = in ? PEM_read_bio_X509(in, NULL, give_no_passphrase, NULL) : NULL;
	EVP_PKEY *key = key_in ? PEM_read_bio_PrivateKey(key_in, NULL, give_no_passphrase, NULL)
			       : NULL;
	const char *fault = find_fault(certificate, key);

	EVP_PKEY_free(key);
	X509_free(certificate);
	BIO_free(key_in);
	BIO_free(in);
	if (!in || !key_in)
		return kube_config_fail(message, -ENOMEM, "cannot read '%.256s': out of memory",
					origin);
	return fault ? kube_config_fail(message, -EINVAL, "cannot use '%.256s': %s", origin, fault)
		     : 0;
}

int kube_pem_check(struct kube_config *config, const char *origin, char *message)
{
	int err = config->ca.data ? check_authority(config, origin, message) : 0;

	if (!err && config->certificate.data && config->key.data)
		err = check_pair(config, origin, message);
	ERR_clear_error();
	return err;
}
