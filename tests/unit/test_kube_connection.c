// SPDX-License-Identifier: Apache-2.0
/* The connections that a watch makes: whose they are, and that none of them can be dead unseen. */
#include "unit/watched.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "source/kube/curl.h"
#include "source/kube/http.h"

#define DESCRIPTORS 256

/* The watch's end of its connection; -1: there is none. */
static int find_connection(const struct told *told)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		struct sockaddr_in peer = {0};
		socklen_t length = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &length) == 0 &&
		    peer.sin_family == AF_INET && ntohs(peer.sin_port) == fake_api_port(told->api))
			return fd;
	}
	return -1;
}

static int option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	assert_int_equal(getsockopt(fd, level, option, &value, &length), 0);
	return value;
}

static void test_the_kernel_notices_a_peer_that_is_gone_within_a_minute(void **state)
{
	struct told *told = *state;
	int fd;

	start_watching(told);
	fd = find_connection(told);
	assert_true(fd >= 0);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_in_range(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 1, 30);
	assert_in_range(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 1, 15);
	assert_in_range(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1, 30000);
}

struct owned {
	int fd; /* -1: none yet */
	size_t count;
};

static void own(int fd, void *arg)
{
	struct owned *owned = arg;
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);

	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &length), -1);
	owned->fd = fd;
	owned->count++;
}

static void test_each_socket_is_shown_before_it_connects(void **state)
{
	struct told *told = *state;
	struct owned owned = {.fd = -1};

	kube_http_own_sockets(told->http, own, &owned);
	start_watching(told);
	assert_true(owned.count >= 1);
	assert_true(find_connection(told) >= 0);
	answer(told, WATCH, NULL, NULL, FAKE_OPEN);
	fake_api_send(told->api, WATCH, "", 0, FAKE_RESET);
	await_requests(told, WATCH, 2);
	assert_true(owned.count >= 2);
	assert_int_equal(owned.fd, find_connection(told));
}

/* Nobody's, made for this test. */
static char certificate[] = "-----BEGIN CERTIFICATE-----\n"
			    "MIIBbTCCAROgAwIBAgIUagCVd5hx6L3oXGaqI2ve/wakc3kwCgYIKoZIzj0EAwIw\n"
			    "DDEKMAgGA1UEAwwBYTAeFw0yNjEyMDExMDA3MzFaFw0yNjEyMDYxMDA3MzFaMAwx\n"
			    "CjAIBgNVBAMMAWEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASTBJfnwiGc83Ox\n"
			    "TzP0TkkuwhwJ003lXZmDDeh2MKdNsil6C8gBjQ/6AYkwzK1BUobPaAb4HR2pafvu\n"
			    "ncHzbhSho1MwUTAdBgNVHQ4EFgQUoVTKhzfGQiCi0Ld/MfUUItk0rHUwHwYDVR0j\n"
			    "BBgwFoAUoVTKhzfGQiCi0Ld/MfUUItk0rHUwDwYDVR0TAQH/BAUwAwEB/zAKBggq\n"
			    "hkjOPQQDAgNIADBFAiAcsqqdH6lmfva+Jf/UhsK/hthVcLvx4jG/J8mvtCcKSQIh\n"
			    "ALI0Tl8/udMRSuZbc96mLWC+zxa4IZw97BufhOfSBDYq\n"
			    "-----END CERTIFICATE-----\n";
static char encrypted_key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
			      "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgpSh6kHBdKoAICCAAw\n"
			      "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENWNZh5E7Wj+wrL5v8/NBskEgZCn\n"
			      "J+pVxiTvUYmbRHtf1vQ5wkNEKKN6MPKZUxjVwYOyFLhKsEdljrokfLkTHHYLeAyW\n"
			      "RoiSddw0i/5lGZuBvkO6DCy9idHaLVGovYIO/dWMTj6FhpNrQ9ptBQ9TsoJkbGwJ\n"
			      "vhVG22cWJLJWjNUpV1zG7hmiCl6mtvD5oPe/sX/vOxdtF27eXF1YD3PbrUp3W8g=\n"
			      "-----END ENCRYPTED PRIVATE KEY-----\n";

/* kubeconfig.c refuses such a key by its marks. Whatever gets past these must end in an error, and
 * neither in a crash nor in a question on the terminal. libcurl reads the key once it has connected. */
static void test_an_encrypted_key_is_an_error_and_no_question(void **state)
{
	struct kube_config config = {
		.insecure = true,
		.certificate = {.data = certificate, .size = strlen(certificate)},
		.key = {.data = encrypted_key, .size = strlen(encrypted_key)},
	};
	struct kube_curl_lists lists = {0};
	const struct told *told = *state;
	CURL *easy = curl_easy_init();
	char server[64];

	snprintf(server, sizeof(server), "https://127.0.0.1:%u", fake_api_port(told->api));
	config.server = server;
	assert_int_equal(kube_curl_configure(easy, &config, "/", &lists), 0);
	assert_int_equal(curl_easy_perform(easy), CURLE_SSL_CERTPROBLEM);
	curl_easy_cleanup(easy);
	kube_curl_lists_done(&lists);
}

static void test_a_proxy_of_the_environment_is_not_for_the_api_server(void **state)
{
	struct told *told = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	start_watching(told);
	assert_int_equal(times(told, "failed"), 0);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
}

/* The environment's exceptions are for its own proxy, not for the kubeconfig's. */
static void test_the_proxy_of_the_kubeconfig_is_for_every_server(void **state)
{
	struct told *told = *state;
	struct kube_config config = {.proxy = (char *)"http://127.0.0.1:1"};
	struct kube_curl_lists lists = {0};
	CURL *easy = curl_easy_init();
	char server[64];

	snprintf(server, sizeof(server), "http://127.0.0.1:%u", fake_api_port(told->api));
	config.server = server;
	setenv("no_proxy", "*", 1);
	setenv("NO_PROXY", "127.0.0.1", 1);
	assert_int_equal(kube_curl_configure(easy, &config, "/api", &lists), 0);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
	assert_int_equal(curl_easy_perform(easy), CURLE_COULDNT_CONNECT);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
	curl_easy_cleanup(easy);
	kube_curl_lists_done(&lists);
}

/* RFC 9110, 12.5.3: whoever is on the way may compress what nobody asked to be. */
static void test_what_is_compressed_unasked_is_read(void **state)
{
	static const unsigned char list[] = {
		0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x45, 0xcb, 0x31,
		0x0a, 0x83, 0x40, 0x10, 0x05, 0xd0, 0xbb, 0xfc, 0x5a, 0x8c, 0x76, 0xb2, 0x7d,
		0xba, 0x74, 0x81, 0x34, 0xc1, 0x62, 0xd9, 0x9d, 0xe2, 0x63, 0xdc, 0x91, 0x9d,
		0x51, 0x10, 0xf1, 0xee, 0xda, 0xa5, 0x7f, 0xef, 0xc0, 0xc4, 0x92, 0x11, 0xf0,
		0x2c, 0x79, 0x51, 0x16, 0x7f, 0xff, 0x98, 0xe4, 0x45, 0x73, 0x34, 0x88, 0x0b,
		0x3f, 0x52, 0x8d, 0x5a, 0x6e, 0x90, 0x69, 0x49, 0x37, 0xa9, 0x7b, 0x3b, 0x0d,
		0xd6, 0x52, 0x1f, 0x5b, 0x7f, 0x93, 0x59, 0x3c, 0xe6, 0xe8, 0x11, 0xe1, 0x40,
		0x15, 0xd3, 0xb5, 0x26, 0xf9, 0x9f, 0xbe, 0xeb, 0x70, 0x36, 0xa0, 0xcb, 0x6c,
		0x08, 0xdf, 0xf1, 0xbc, 0x00, 0x26, 0x59, 0x5c, 0x82, 0x6f, 0x00, 0x00, 0x00,
	};
	const struct fake_answer answer = {
		.path = LIST,
		.header = "Content-Encoding: gzip\r\n",
		.body = (const char *)list,
		.size = sizeof(list),
	};
	struct told *told = *state;

	start(told, &slices);
	fake_api_answer(told->api, &answer);
	await(told, "listed\n");
	await_requests(told, WATCH, 1);
}

/* RFC 9112, 2.2: a line may end in a line feed alone. */
static void test_a_header_without_carriage_returns_is_read(void **state)
{
	const struct fake_answer answer = {
		.path = LIST,
		.body = "{\"kind\":\"EndpointSliceList\",\"apiVersion\":\"discovery.k8s.io/v1\","
			"\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[]}",
		.has_bare_ends = true,
	};
	struct told *told = *state;

	start(told, &slices);
	fake_api_answer(told->api, &answer);
	await(told, "listed\n");
	await_requests(told, WATCH, 1);
}

/* What a server behind a name of another is told stays what its address says. */
static void test_the_name_of_the_certificate_is_not_the_host_that_is_asked(void **state)
{
	static const struct {
		const char *server;
		const char *name;
		const char *host;
		const char *connect_to;
		const char *url;
	} cases[] = {
		{"https://10.0.0.1:6443", "kubernetes", "Host: 10.0.0.1:6443",
		 "kubernetes:6443:10.0.0.1:6443", "https://kubernetes:6443/api"},
		{"https://api.example", "kubernetes", "Host: api.example",
		 "kubernetes:443:api.example:443", "https://kubernetes/api"},
		{"https://[fd00::1]:6443/k8s", "10.0.0.2", "Host: [fd00::1]:6443",
		 "10.0.0.2:6443:[fd00::1]:6443", "https://10.0.0.2:6443/k8s/api"},
		{"https://h:1", "fd00::2", "Host: h:1", "[fd00::2]:1:h:1",
		 "https://[fd00::2]:1/api"},
		{"http://h:1", "kubernetes", NULL, NULL, "http://h:1/api"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct kube_config config = {.server = (char *)cases[i].server,
						   .server_name = (char *)cases[i].name};
		struct kube_curl_lists lists = {0};
		CURL *easy = curl_easy_init();
		char *url;

		assert_int_equal(kube_curl_configure(easy, &config, "/api", &lists), 0);
		curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
		assert_string_equal(url, cases[i].url);
		if (cases[i].host) {
			assert_string_equal(lists.headers->data, cases[i].host);
			assert_string_equal(lists.connect_to->data, cases[i].connect_to);
		} else {
			assert_null(lists.connect_to);
			assert_null(strstr(lists.headers->data, "Host:"));
		}
		curl_easy_cleanup(easy);
		kube_curl_lists_done(&lists);
	}
}

static void test_what_is_moved_elsewhere_is_not_followed_there(void **state)
{
	struct told *told = *state;
	char header[64];
	struct fake_answer moved = {.path = LIST, .status = "302 Found", .header = header};

	snprintf(header, sizeof(header), "Location: http://127.0.0.1:%u/elsewhere\r\n",
		 fake_api_port(told->api));
	start(told, &slices);
	fake_api_answer(told->api, &moved);
	await(told, "failed server: cannot list endpointslices: the API server fails (302): it "
		    "names another address, 'http://127.0.0.1:");
	assert_non_null(
		strstr(told->text, "/elsewhere', where nobody is asked: give the address "));
	await_requests(told, LIST, 2);
	assert_int_equal(fake_api_count(told->api, "elsewhere"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_the_kernel_notices_a_peer_that_is_gone_within_a_minute),
		TEST(test_each_socket_is_shown_before_it_connects),
		TEST(test_an_encrypted_key_is_an_error_and_no_question),
		TEST(test_a_proxy_of_the_environment_is_not_for_the_api_server),
		TEST(test_the_proxy_of_the_kubeconfig_is_for_every_server),
		TEST(test_what_is_compressed_unasked_is_read),
		TEST(test_a_header_without_carriage_returns_is_read),
		TEST(test_the_name_of_the_certificate_is_not_the_host_that_is_asked),
		TEST(test_what_is_moved_elsewhere_is_not_followed_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
