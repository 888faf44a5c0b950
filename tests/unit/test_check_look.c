// SPDX-License-Identifier: Apache-2.0
/* What a look at a peer finds, whatever the peer does. Each peer is a process at a port of its own. */
#include "agent/check_look.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/check_tls.h"
#include "base/addr.h"
#include "base/clock.h"

#define TIMEOUT_MS 1500 /* of looks that have to end by that */
#define LONG_MS 60000   /* longer than any look that ends by itself */
#define ENOUGH_MS 6000  /* of those that know enough, and then wait for a peer that does not end */
#define HUGE_BYTES (10 << 20)

static EVP_PKEY *key;

/* --- peers --------------------------------------------------------------------------------- */

/* What a peer does with a connection. What it returns is its exit status. */
typedef int (*peer_does)(int fd);

struct peer {
	pid_t process;
	uint16_t port;
};

static struct peer start_peer(peer_does does)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct peer peer;

	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	peer.port = ntohs(address.sin_port);
	peer.process = fork();
	assert_true(peer.process >= 0);
	if (!peer.process) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		_exit(does(accept(listener, NULL, NULL)));
	}
	close(listener);
	return peer;
}

/* Its exit status, if it ends by itself; it may be one that never does. */
static int end_peer(const struct peer *peer, bool ends)
{
	int status;

	if (!ends)
		kill(peer->process, SIGKILL);
	assert_int_equal(waitpid(peer->process, &status, 0), peer->process);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void send_text(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
}

static void hear(int fd)
{
	char bytes[4096];

	if (read(fd, bytes, sizeof(bytes)) < 0)
		_exit(1);
}

static int says_nothing(int fd)
{
	(void)fd;
	pause();
	return 0;
}

static int ends_at_once(int fd)
{
	hear(fd);
	return 0;
}

static int says_garbage(int fd)
{
	hear(fd);
	send_text(fd, "\x01\x02\x03 this is no protocol that anybody speaks\n");
	hear(fd);
	return 0;
}

/* The beginning of a TLS record of 16 KB, and then a byte now and then. */
static int trickles(int fd)
{
	hear(fd);
	if (write(fd, "\x16\x03\x03\x40\x00", 5) != 5)
		return 1;
	while (write(fd, "\x02", 1) == 1)
		usleep(20000);
	return 0;
}

static int trickles_http(int fd)
{
	send_text(fd, "HTTP/1.1 2");
	usleep(50000);
	send_text(fd, "04 No Content\r\n\r\n");
	return 0;
}

/* In pieces that end within a line, and between the two bytes of its end. */
static int hints_before_it_answers(int fd)
{
	hear(fd);
	send_text(fd, "HTTP/1.1 100 Continue\r\n\r");
	usleep(20000);
	send_text(fd,
		  "\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nX: HTTP/1.1 500 no");
	usleep(20000);
	send_text(fd, "\r\n\r\nHTTP/1.1 2");
	usleep(20000);
	send_text(fd, "00 OK\r\n\r\nok");
	return 0;
}

static int hints_before_it_fails(int fd)
{
	hear(fd);
	send_text(
		fd,
		"HTTP/1.1 103 Early Hints\nHTTP: 200\n\nHTTP/1.1 503 Service Unavailable\r\n\r\n");
	return 0;
}

static int hints_and_ends(int fd)
{
	hear(fd);
	send_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
	return 0;
}

static int hints_with_a_long_header(int fd)
{
	static const char piece[4096] = "HTTP/1.1 500 no";

	hear(fd);
	send_text(fd, "HTTP/1.1 103 Early Hints\r\nX: ");
	if (write(fd, piece, sizeof(piece)) != sizeof(piece))
		return 1;
	send_text(fd, "\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
	return 0;
}

static int switches_protocols(int fd)
{
	hear(fd);
	send_text(fd, "HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n\r\n");
	return 0;
}

static int hints_for_ever(int fd)
{
	while (write(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) > 0)
		;
	return 0;
}

static int hints_now_and_then(int fd)
{
	while (write(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) > 0)
		usleep(20000);
	return 0;
}

static int never_ends_its_line(int fd)
{
	static const char piece[4096] = "HTTP/1.1";

	while (write(fd, piece, sizeof(piece)) > 0)
		;
	return 0;
}

static int answers_well(int fd)
{
	hear(fd);
	send_text(fd, "HTTP/1.1 200 OK\r\n\r\nok");
	return 0;
}

static int answers_ill(int fd)
{
	hear(fd);
	send_text(fd, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
	return 0;
}

/* --- peers with TLS ------------------------------------------------------------------------ */

static X509 *make_certificate(size_t padding)
{
	X509 *certificate = X509_new();
	ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	unsigned char *bytes = calloc(1, padding + 1);

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	if (padding) {
		X509_EXTENSION *extension;

		ASN1_OCTET_STRING_set(octets, bytes, (int)padding);
		extension = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 0, octets);
		X509_add_ext(certificate, extension, -1);
		X509_EXTENSION_free(extension);
	}
	X509_sign(certificate, key, EVP_sha256());
	ASN1_OCTET_STRING_free(octets);
	free(bytes);
	return certificate;
}

static int take_h2(SSL *ssl, const unsigned char **out, unsigned char *out_length,
		   const unsigned char *in, unsigned int in_length, void *arg)
{
	static const unsigned char ours[] = "\x02h2";

	(void)ssl;
	(void)arg;
	return SSL_select_next_proto((unsigned char **)out, out_length, ours, sizeof(ours) - 1, in,
				     in_length) == OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL *serve_tls(int fd, int version, size_t padding, bool wants_certificate)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	X509 *certificate = make_certificate(padding);
	SSL *ssl;

	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, version);
	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	SSL_CTX_set_alpn_select_cb(context, take_h2, NULL);
	if (wants_certificate)
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
	ssl = SSL_new(context);
	SSL_set_fd(ssl, fd);
	return ssl;
}

/* 0: the client did all that a client does, and ended it well. */
static int serve_well(int fd, int version)
{
	const unsigned char *protocol;
	SSL *ssl = serve_tls(fd, version, 0, false);
	unsigned int length;
	char byte;

	if (SSL_accept(ssl) != 1)
		return 1;
	SSL_get0_alpn_selected(ssl, &protocol, &length);
	if (length != 2 || memcmp(protocol, "h2", 2) != 0)
		return 2;
	if (strcmp(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), "gateway") != 0)
		return 3;
	if (SSL_read(ssl, &byte, 1) > 0 || SSL_get_error(ssl, 0) != SSL_ERROR_ZERO_RETURN)
		return 4;
	return SSL_shutdown(ssl) < 0 ? 5 : 0;
}

static int speaks_tls_1_3(int fd)
{
	return serve_well(fd, TLS1_3_VERSION);
}

static int speaks_tls_1_2(int fd)
{
	return serve_well(fd, TLS1_2_VERSION);
}

static int speaks_tls_1_1(int fd)
{
	return SSL_accept(serve_tls(fd, TLS1_1_VERSION, 0, false)) == 1;
}

static int wants_certificate_1_3(int fd)
{
	return SSL_accept(serve_tls(fd, TLS1_3_VERSION, 0, true)) == 1;
}

static int wants_certificate_1_2(int fd)
{
	return SSL_accept(serve_tls(fd, TLS1_2_VERSION, 0, true)) == 1;
}

static int has_a_huge_certificate(int fd)
{
	return SSL_accept(serve_tls(fd, TLS1_3_VERSION, HUGE_BYTES, false)) == 1;
}

static int has_a_chain_of_33_kb(int fd)
{
	return SSL_accept(serve_tls(fd, TLS1_2_VERSION, 33 << 10, false)) == 1;
}

static int has_a_chain_of_31_kb(int fd)
{
	return SSL_accept(serve_tls(fd, TLS1_3_VERSION, 31 << 10, false)) != 1;
}

static int renegotiates(int fd)
{
	SSL *ssl = serve_tls(fd, TLS1_2_VERSION, 0, false);

	if (SSL_accept(ssl) != 1)
		return 1;
	while (SSL_renegotiate(ssl) == 1 && SSL_do_handshake(ssl) == 1)
		usleep(1000);
	return 0;
}

/* A group of its own. */
static EVP_PKEY *make_group(int bits)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *prime = BN_new(), *generator = BN_new();
	EVP_PKEY *group = NULL;
	OSSL_PARAM *params;

	BN_rand(prime, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	BN_set_word(generator, 2);
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_FFC_P, prime);
	OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_FFC_G, generator);
	params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_fromdata_init(context);
	EVP_PKEY_fromdata(context, &group, EVP_PKEY_KEY_PARAMETERS, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(context);
	BN_free(prime);
	BN_free(generator);
	return group;
}

static EVP_PKEY *known_group(char *name)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *group = NULL;

	EVP_PKEY_fromdata_init(context);
	EVP_PKEY_fromdata(context, &group, EVP_PKEY_KEY_PARAMETERS, params);
	EVP_PKEY_CTX_free(context);
	return group;
}

/* Diffie-Hellman, which needs a certificate of RSA. */
static int agrees_by(int fd, EVP_PKEY *group)
{
	SSL *ssl;

	key = EVP_RSA_gen(2048);
	ssl = serve_tls(fd, TLS1_2_VERSION, 0, false);
	SSL_set_cipher_list(ssl, "DHE-RSA-AES128-GCM-SHA256");
	if (!SSL_set0_tmp_dh_pkey(ssl, group))
		return 2;
	return SSL_accept(ssl) != 1;
}

static int signs_with_a_long_exponent(int fd)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *exponent = BN_new();

	BN_set_word(exponent, (1ull << 40) + 1);
	key = NULL;
	if (EVP_PKEY_keygen_init(context) != 1 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) != 1 ||
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent) != 1 ||
	    EVP_PKEY_generate(context, &key) != 1)
		return 2;
	return SSL_accept(serve_tls(fd, TLS1_3_VERSION, 0, false)) != 1;
}

static int agrees_by_2048_bits(int fd)
{
	return agrees_by(fd, make_group(2048));
}

static int agrees_by_3072_bits(int fd)
{
	return agrees_by(fd, make_group(3072));
}

static int agrees_by_a_known_group(int fd)
{
	char name[] = "ffdhe4096";

	return agrees_by(fd, known_group(name));
}

static int talks_without_end(int fd)
{
	static const char piece[16384];
	SSL *ssl = serve_tls(fd, TLS1_3_VERSION, 0, false);

	if (SSL_accept(ssl) != 1)
		return 1;
	while (SSL_write(ssl, piece, sizeof(piece)) > 0)
		;
	return 0;
}

/* --- looks --------------------------------------------------------------------------------- */

struct looking {
	struct event_base *base;
	struct check_answer answers[2]; /* by ticket */
	int left;
};

static void on_ended(const struct check_answer *answer, void *arg)
{
	struct looking *looking = arg;

	looking->answers[answer->ticket] = *answer;
	if (!--looking->left)
		event_base_loopbreak(looking->base);
}

static struct check_order order(uint64_t ticket, enum gw_check_kind kind, uint16_t port,
				uint32_t timeout_ms)
{
	struct check_order order = {
		.ticket = ticket,
		.kind = kind,
		.port = port,
		.timeout_ms = timeout_ms,
		.server_name = "gateway",
		.path = "/healthz",
	};

	assert_int_equal(addr_parse("127.0.0.1", &order.address), 0);
	return order;
}

static void start(struct looking *looking, const struct check_order *order)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check_look_start(looking->base, order, fd, on_ended, looking);
}

/* Look at a peer, and at one that is well at the same time, which nothing may disturb. */
static struct check_answer look(enum gw_check_kind kind, uint16_t port, uint32_t timeout_ms)
{
	struct looking looking = {.base = event_base_new(), .left = 2};
	struct peer well = start_peer(speaks_tls_1_3);
	const struct check_order orders[] = {order(0, kind, port, timeout_ms),
					     order(1, GW_CHECK_TLS, well.port, LONG_MS)};
	struct check_answer checked;

	for (int i = 0; i < 2; i++)
		start(&looking, &orders[i]);
	event_base_dispatch(looking.base);
	event_base_free(looking.base);
	assert_int_equal(looking.left, 0);
	assert_int_equal(looking.answers[1].seen, GW_SEEN_OK);
	assert_int_equal(end_peer(&well, true), 0);
	/* The agent would take it. */
	assert_int_equal(check_answer_read(&looking.answers[0], sizeof(checked), &checked), 0);
	return checked;
}

static struct check_answer look_at(enum gw_check_kind kind, peer_does does, uint32_t timeout_ms,
				   bool ends)
{
	struct peer peer = start_peer(does);
	struct check_answer answer = look(kind, peer.port, timeout_ms);
	int status = end_peer(&peer, ends);

	if (ends && status)
		fail_msg("the peer ended with status %d", status);
	return answer;
}

#define TRIES 10 /* where a busy machine has no time to look */

static uint32_t time_for(enum gw_seen seen, bool ends)
{
	if (seen == GW_SEEN_TIMEOUT)
		return TIMEOUT_MS;
	return !ends && (seen == GW_SEEN_OK || seen == GW_SEEN_NOT_HTTP) ? ENOUGH_MS : LONG_MS;
}

/* What is seen of a peer that does this. ends: by itself, with exit status 0. */
static void expect(enum gw_check_kind kind, peer_does does, enum gw_seen seen, bool ends)
{
	const uint32_t timeout_ms = time_for(seen, ends);
	struct check_answer answer = look_at(kind, does, timeout_ms, ends);

	for (int i = 0; i < TRIES && seen == GW_SEEN_TIMEOUT && answer.seen == GW_SEEN_NOT_DONE;
	     i++)
		answer = look_at(kind, does, timeout_ms, ends);
	if (answer.seen != seen)
		fail_msg("seen: %u (%s), expected %d", answer.seen, answer.text, seen);
}

static void test_tls(void **state)
{
	(void)state;
	expect(GW_CHECK_TLS, speaks_tls_1_3, GW_SEEN_OK, true);
	expect(GW_CHECK_TLS, speaks_tls_1_2, GW_SEEN_OK, true);
	expect(GW_CHECK_TLS, speaks_tls_1_1, GW_SEEN_TLS, true);
	expect(GW_CHECK_TLS, has_a_chain_of_31_kb, GW_SEEN_OK, true);
}

static void test_a_peer_that_asks_for_a_client_certificate_is_well(void **state)
{
	(void)state;
	expect(GW_CHECK_TLS, wants_certificate_1_3, GW_SEEN_CLIENT_CERTIFICATE, true);
	expect(GW_CHECK_TLS, wants_certificate_1_2, GW_SEEN_CLIENT_CERTIFICATE, true);
}

static void test_hostile_peers_are_seen_through(void **state)
{
	(void)state;
	expect(GW_CHECK_TLS, says_nothing, GW_SEEN_TIMEOUT, false);
	expect(GW_CHECK_TLS, trickles, GW_SEEN_TIMEOUT, false);
	expect(GW_CHECK_TLS, says_garbage, GW_SEEN_TLS, false);
	expect(GW_CHECK_TLS, ends_at_once, GW_SEEN_CLOSED, true);
	expect(GW_CHECK_TLS, has_a_huge_certificate, GW_SEEN_TOO_MUCH, false);
	expect(GW_CHECK_TLS, has_a_chain_of_33_kb, GW_SEEN_TOO_MUCH, false);
	expect(GW_CHECK_TLS, renegotiates, GW_SEEN_OK, false);
}

static void take_all_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	usleep(TIMEOUT_MS * 1000 / 4);
}

/* Whoever keeps it from looking must not make others' peers look bad. */
static void test_without_time_nothing_is_known(void **state)
{
	static const struct timeval again = {.tv_usec = 1000};
	struct looking looking = {.base = event_base_new(), .left = 1};
	struct event *hog = event_new(looking.base, -1, EV_PERSIST, take_all_time, NULL);
	struct peer peer = start_peer(says_nothing);
	const struct check_order asked = order(0, GW_CHECK_TLS, peer.port, TIMEOUT_MS);

	(void)state;
	event_add(hog, &again);
	start(&looking, &asked);
	event_base_dispatch(looking.base);
	event_free(hog);
	event_base_free(looking.base);
	end_peer(&peer, false);
	assert_int_equal(looking.answers[0].seen, GW_SEEN_NOT_DONE);
}

/* Nobody is told, and the connection is closed. */
static void test_a_look_that_is_canceled_leaves_nothing(void **state)
{
	struct looking looking = {.base = event_base_new(), .left = 2};
	struct peer peer = start_peer(ends_at_once), silent = start_peer(says_nothing);
	const struct check_order orders[] = {order(0, GW_CHECK_TLS, silent.port, LONG_MS),
					     order(1, GW_CHECK_TLS, peer.port, LONG_MS)};
	int before = dup(0), after;

	(void)state;
	close(before);
	for (int i = 0; i < 2; i++)
		start(&looking, &orders[i]);
	check_look_cancel(0);
	check_look_cancel(4711);
	event_base_dispatch(looking.base);
	assert_int_equal(looking.left, 1);
	assert_int_equal(looking.answers[1].seen, GW_SEEN_CLOSED);
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
	event_base_free(looking.base);
	end_peer(&silent, false);
	assert_int_equal(end_peer(&peer, true), 0);
}

/* It would be well, but to find that out costs too much. */
static void test_what_a_peer_makes_it_reckon_is_bounded(void **state)
{
	(void)state;
	expect(GW_CHECK_TLS, agrees_by_3072_bits, GW_SEEN_NOT_DONE, false);
	expect(GW_CHECK_TLS, signs_with_a_long_exponent, GW_SEEN_NOT_DONE, false);
	expect(GW_CHECK_TLS, agrees_by_2048_bits, GW_SEEN_OK, true);
	expect(GW_CHECK_TLS, agrees_by_a_known_group, GW_SEEN_OK, true);
}

/* However long they may: what a peer says is bounded too. */
static void test_a_peer_that_talks_without_end_is_left(void **state)
{
	uint64_t start_ms = clock_now_ms();

	(void)state;
	assert_int_equal(look_at(GW_CHECK_TLS, talks_without_end, LONG_MS, false).seen, GW_SEEN_OK);
	assert_true(clock_now_ms() - start_ms < LONG_MS / 2);
}

static void test_http(void **state)
{
	(void)state;
	expect(GW_CHECK_HTTP, answers_well, GW_SEEN_OK, true);
	expect(GW_CHECK_HTTP, trickles_http, GW_SEEN_OK, false);
	expect(GW_CHECK_HTTP, answers_ill, GW_SEEN_STATUS, true);
	expect(GW_CHECK_HTTP, says_garbage, GW_SEEN_NOT_HTTP, false);
	expect(GW_CHECK_HTTP, never_ends_its_line, GW_SEEN_NOT_HTTP, false);
	expect(GW_CHECK_HTTP, says_nothing, GW_SEEN_TIMEOUT, false);
	expect(GW_CHECK_HTTP, ends_at_once, GW_SEEN_CLOSED, true);
}

/* What comes before the answer does not count, and does not last for ever. */
static void test_http_answers_that_come_before(void **state)
{
	(void)state;
	expect(GW_CHECK_HTTP, hints_before_it_answers, GW_SEEN_OK, false);
	expect(GW_CHECK_HTTP, hints_before_it_fails, GW_SEEN_STATUS, true);
	expect(GW_CHECK_HTTP, hints_with_a_long_header, GW_SEEN_OK, false);
	expect(GW_CHECK_HTTP, switches_protocols, GW_SEEN_STATUS, true);
	expect(GW_CHECK_HTTP, hints_and_ends, GW_SEEN_CLOSED, true);
	expect(GW_CHECK_HTTP, hints_for_ever, GW_SEEN_TOO_MUCH, false);
	expect(GW_CHECK_HTTP, hints_now_and_then, GW_SEEN_TIMEOUT, false);
}

static void test_tcp(void **state)
{
	struct peer peer;

	(void)state;
	expect(GW_CHECK_TCP, says_nothing, GW_SEEN_OK, false);
	peer = start_peer(says_nothing);
	end_peer(&peer, false);
	assert_int_equal(look(GW_CHECK_TCP, peer.port, LONG_MS).seen, GW_SEEN_REFUSED);
	assert_int_equal(look(GW_CHECK_TLS, peer.port, LONG_MS).seen, GW_SEEN_REFUSED);
}

/* An order comes with the socket that it is looked with; where none came, nothing is known. */
static void test_an_order_brings_its_socket(void **state)
{
	const struct check_order sent = order(7, GW_CHECK_TCP, 1, LONG_MS);
	struct looking looking = {.base = event_base_new(), .left = 1};
	struct stat here, there;
	struct check_order got;
	int pair[2], fd = socket(AF_INET, SOCK_STREAM, 0), came;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(check_order_receive(pair[1], &got, &came), -EAGAIN);
	assert_int_equal(check_order_send(pair[0], &sent, fd, 0), 0);
	assert_int_equal(check_order_send(pair[0], &sent, -1, 0), 0);
	assert_int_equal(check_order_receive(pair[1], &got, &came), 0);
	assert_memory_equal(&got, &sent, sizeof(got));
	assert_int_equal(fstat(fd, &here), 0);
	assert_int_equal(fstat(came, &there), 0);
	assert_int_equal(here.st_ino, there.st_ino);
	close(came);
	close(fd);
	assert_int_equal(check_order_receive(pair[1], &got, &came), 0);
	assert_int_equal(came, -1);
	got.ticket = 0;
	check_look_start(looking.base, &got, came, on_ended, &looking);
	assert_int_equal(looking.left, 0);
	assert_int_equal(looking.answers[0].seen, GW_SEEN_NOT_DONE);
	event_base_free(looking.base);
	assert_int_equal(send(pair[0], "", 1, 0), 1);
	assert_int_equal(check_order_receive(pair[1], &got, &came), -EPIPE);
	close(pair[0]);
	assert_int_equal(check_order_receive(pair[1], &got, &came), -EPIPE);
	close(pair[1]);
}

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	key = EVP_EC_gen("P-256");
	return key ? check_tls_init() : -1;
}

static int tear_down(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	check_tls_done();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_a_peer_that_asks_for_a_client_certificate_is_well),
		cmocka_unit_test(test_hostile_peers_are_seen_through),
		cmocka_unit_test(test_what_a_peer_makes_it_reckon_is_bounded),
		cmocka_unit_test(test_without_time_nothing_is_known),
		cmocka_unit_test(test_a_look_that_is_canceled_leaves_nothing),
		cmocka_unit_test(test_a_peer_that_talks_without_end_is_left),
		cmocka_unit_test(test_http),
		cmocka_unit_test(test_http_answers_that_come_before),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_an_order_brings_its_socket),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
