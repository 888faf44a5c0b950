// SPDX-License-Identifier: Apache-2.0
#include "agent/check_tls.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/check_certificate.h"

#define CHAIN_BYTES_MAX (32 * 1024)
#define DH_BITS_MAX 2048  /* of a group that is the server's own */
#define RSA_BITS_MAX 8192 /* as for clients in Go, */
#define RSA_EXPONENT_BITS_MAX 32
#define DSA_BITS_MAX 3072
#define ALERT_REASON 1000 /* OpenSSL's reason of a fatal alert is its number and this */

struct check_tls {
	SSL *ssl;
	struct check_answer *answer;
	const char *names; /* that the certificate must carry; "": it is not read */
	bool was_asked;
	bool is_done;   /* with the handshake */
	bool is_costly; /* what the peer wants it to reckon; so it ended the handshake */
};

static SSL_CTX *context;

/* The same of the key by which the peer signs. */
static bool is_costly(const EVP_PKEY *key)
{
	BIGNUM *exponent = NULL;
	int bits = 0;

	if (!key)
		return false;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA)
		return EVP_PKEY_get_bits(key) > DSA_BITS_MAX;
	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent))
		return false;
	bits = BN_num_bits(exponent);
	BN_free(exponent);
	return EVP_PKEY_get_bits(key) > RSA_BITS_MAX || bits > RSA_EXPONENT_BITS_MAX;
}

/* The peer's certificates, the first is its own: here it is read, and trusted by nobody. */
static int see_chain(X509_STORE_CTX *chain, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *certificate = X509_STORE_CTX_get0_cert(chain);
	struct check_tls *tls = SSL_get_app_data(ssl);
	unsigned char *der = NULL;
	int size;

	(void)arg;
	size = *tls->names ? i2d_X509(certificate, &der) : 0;
	if (size > 0)
		check_certificate_read(der, (size_t)size, tls->names, &tls->answer->certificate);
	OPENSSL_free(der);
	tls->is_costly = is_costly(X509_get0_pubkey(certificate));
	/* Only so does what is returned here end the handshake. */
	if (tls->is_costly)
		SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return !tls->is_costly;
}

/* There is none. That it was asked for is enough to know. */
static int refuse_certificate(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
	struct check_tls *tls = SSL_get_app_data(ssl);

	(void)certificate;
	(void)key;
	tls->was_asked = true;
	return 0;
}

/*
 * How strong something is does not matter here, but what it costs: to agree by a group of 10,000 bits
 * takes a second, in which nobody else is looked at. In a group that is known the exponent is short.
 */
static int is_affordable(const SSL *ssl, const SSL_CTX *of, int operation, int bits, int nid,
			 void *what, void *arg)
{
	struct check_tls *tls = ssl ? SSL_get_app_data(ssl) : NULL;
	char name[64];

	(void)of;
	(void)bits;
	(void)nid;
	(void)arg;
	if (operation != SSL_SECOP_TMP_DH || EVP_PKEY_get_bits(what) <= DH_BITS_MAX ||
	    EVP_PKEY_get_group_name(what, name, sizeof(name), NULL))
		return 1;
	if (tls)
		tls->is_costly = true;
	return 0;
}

int check_tls_init(void)
{
	static const unsigned char protocols[] = "\x02h2\x08http/1.1";

	context = SSL_CTX_new(TLS_client_method());
	if (!context)
		return -ENOMEM;
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
					     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* A short key is for the clients to refuse. */
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_security_callback(context, is_affordable);
	SSL_CTX_set_max_cert_list(context, CHAIN_BYTES_MAX);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_cert_verify_callback(context, see_chain, NULL);
	SSL_CTX_set_client_cert_cb(context, refuse_certificate);
	return SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1) ? -ENOMEM : 0;
}

void check_tls_done(void)
{
	SSL_CTX_free(context);
	context = NULL;
}

static int set_up(struct check_tls *tls, const char *server_name)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	tls->ssl = SSL_new(context);
	if (!in || !out || !tls->ssl) {
		BIO_free(in);
		BIO_free(out);
		return -ENOMEM;
	}
	/* An empty one means that more is to come. */
	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(tls->ssl, in, out);
	SSL_set_app_data(tls->ssl, tls);
	SSL_set_connect_state(tls->ssl);
	if (*server_name && !SSL_set_tlsext_host_name(tls->ssl, server_name))
		return -ENOMEM;
	return 0;
}

int check_tls_new(const struct check_order *order, struct check_answer *answer,
		  struct check_tls **ret)
{
	struct check_tls *tls = calloc(1, sizeof(*tls));
	int err;

	if (!tls)
		return -ENOMEM;
	tls->answer = answer;
	tls->names = order->names;
	err = set_up(tls, order->server_name);
	if (err) {
		check_tls_free(tls);
		return err;
	}
	*ret = tls;
	return 0;
}

void check_tls_free(struct check_tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	free(tls);
}

int check_tls_put(struct check_tls *tls, const void *bytes, size_t size)
{
	size_t written;

	return BIO_write_ex(SSL_get_rbio(tls->ssl), bytes, size, &written) && written == size
		       ? 0
		       : -ENOMEM;
}

size_t check_tls_take(struct check_tls *tls, void *buf, size_t size)
{
	size_t taken;

	return BIO_read_ex(SSL_get_wbio(tls->ssl), buf, size, &taken) ? taken : 0;
}

bool check_tls_was_asked(const struct check_tls *tls)
{
	return tls->was_asked;
}

static bool is_alert(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) > ALERT_REASON;
}

/* In OpenSSL's words. After it was asked for a certificate, a peer that ends it wants one. */
static void tell_failure(struct check_tls *tls)
{
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_reason_error_string(error);

	tls->answer->seen = GW_SEEN_TLS;
	if (ERR_GET_REASON(error) == SSL_R_EXCESSIVE_MESSAGE_SIZE) {
		tls->answer->seen = GW_SEEN_TOO_MUCH;
	} else if (tls->is_costly) {
		/* The peer's clients may well take it. */
		tls->answer->seen = GW_SEEN_NOT_DONE;
		reason = "its keys are larger than checks reckon with";
	} else if (tls->was_asked && is_alert(error)) {
		tls->answer->seen = GW_SEEN_CLIENT_CERTIFICATE;
	}
	snprintf(tls->answer->text, sizeof(tls->answer->text), "%s",
		 reason ? reason : "the handshake failed");
	ERR_clear_error();
}

static bool is_waiting(const struct check_tls *tls, int result)
{
	int error = SSL_get_error(tls->ssl, result);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

int check_tls_shake(struct check_tls *tls)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	if (result != 1) {
		if (is_waiting(tls, result))
			return -EAGAIN;
		tell_failure(tls);
		return -EPROTO;
	}
	tls->answer->seen = GW_SEEN_OK;
	snprintf(tls->answer->text, sizeof(tls->answer->text), "%s", SSL_get_version(tls->ssl));
	SSL_shutdown(tls->ssl);
	return 0;
}

int check_tls_end(struct check_tls *tls)
{
	char buf[4096];
	int result;

	ERR_clear_error();
	do
		result = SSL_read(tls->ssl, buf, sizeof(buf));
	while (result > 0);
	if (is_waiting(tls, result))
		return -EAGAIN;
	/* With TLS 1.3 only now does it say that it wants a certificate. */
	if (tls->was_asked && is_alert(ERR_peek_error()))
		tls->answer->seen = GW_SEEN_CLIENT_CERTIFICATE;
	ERR_clear_error();
	return 0;
}
