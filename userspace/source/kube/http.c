// SPDX-License-Identifier: Apache-2.0
/* libcurl's multi-socket interface in libevent's loop. Knows nothing of what the answers mean. */
#include "source/kube/http.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "base/clock.h"
#include "source/kube/curl.h"

#define CONNECT_TIMEOUT_MS 10000L
#define KEEPALIVE_IDLE_S 20L
#define KEEPALIVE_INTERVAL_S 10L
#define DEAD_PEER_TIMEOUT_MS 30000u
#define BUFFER_BYTES (100L << 10)
#define URL_SHOWN_MAX 256

struct kube_http {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	uint64_t heard_ms;
	uint64_t distrusted_ms;         /* 0: never; older connections are not used again */
	void (*own)(int fd, void *arg); /* NULL: nobody cares for the sockets */
	void *own_arg;
};

struct kube_request {
	struct kube_http *http;
	CURL *easy;
	struct kube_curl_lists lists;
	const struct kube_request_ops *ops;
	void *arg;
	bool started;
	char error[CURL_ERROR_SIZE];
};

static const struct {
	CURLcode code;
	enum source_error error;
} curl_errors[] = {
	{CURLE_OUT_OF_MEMORY, SOURCE_ERROR_INTERNAL},
	{CURLE_OPERATION_TIMEDOUT, SOURCE_ERROR_TIMEOUT},
	{CURLE_SSL_CONNECT_ERROR, SOURCE_ERROR_TLS},
	{CURLE_SSL_CERTPROBLEM, SOURCE_ERROR_TLS},
	{CURLE_SSL_CIPHER, SOURCE_ERROR_TLS},
	{CURLE_PEER_FAILED_VERIFICATION, SOURCE_ERROR_TLS},
	{CURLE_SSL_CACERT_BADFILE, SOURCE_ERROR_TLS},
	{CURLE_SSL_ISSUER_ERROR, SOURCE_ERROR_TLS},
	{CURLE_WEIRD_SERVER_REPLY, SOURCE_ERROR_PROTOCOL},
	{CURLE_UNSUPPORTED_PROTOCOL, SOURCE_ERROR_PROTOCOL},
	{CURLE_BAD_CONTENT_ENCODING, SOURCE_ERROR_PROTOCOL},
};

static enum source_error error_of(CURLcode code)
{
	for (size_t i = 0; i < sizeof(curl_errors) / sizeof(*curl_errors); i++)
		if (curl_errors[i].code == code)
			return curl_errors[i].error;
	return SOURCE_ERROR_CONNECT;
}

static void release(struct kube_request *request)
{
	curl_multi_remove_handle(request->http->multi, request->easy);
	curl_easy_cleanup(request->easy);
	kube_curl_lists_done(&request->lists);
	free(request);
}

static void end(struct kube_request *request, CURLcode code)
{
	const struct kube_request_ops *ops = request->ops;
	void *arg = request->arg;
	char reason[CURL_ERROR_SIZE], elsewhere[URL_SHOWN_MAX], *url = NULL;
	struct kube_answer answer = {
		.complete = code == CURLE_OK,
		.reason = reason,
		.elsewhere = elsewhere,
	};
	curl_off_t retry_after_s = 0;

	if (code != CURLE_OK)
		answer.error = error_of(code);
	snprintf(reason, sizeof(reason), "%s",
		 request->error[0] ? request->error : curl_easy_strerror(code));
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &answer.status);
	curl_easy_getinfo(request->easy, CURLINFO_REDIRECT_URL, &url);
	snprintf(elsewhere, sizeof(elsewhere), "%s", url ? url : "");
	curl_easy_getinfo(request->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (retry_after_s > 0)
		answer.retry_after_ms = retry_after_s < UINT32_MAX / 1000
						? (uint32_t)retry_after_s * 1000
						: UINT32_MAX;
	release(request);
	ops->ended(&answer, arg);
}

/* To be called after every curl_multi_socket_action(), and not from within libcurl's callbacks. */
static void end_what_is_done(struct kube_http *http)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(http->multi, &left))) {
		CURLcode code = message->data.result;
		char *request = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		end((struct kube_request *)(void *)request, code);
	}
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct kube_http *http = arg;
	int running;
	int action = (what & EV_READ ? CURL_CSELECT_IN : 0) |
		     (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	curl_multi_socket_action(http->multi, fd, action, &running);
	end_what_is_done(http);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct kube_http *http = arg;
	int running;

	(void)fd;
	(void)what;
	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	end_what_is_done(http);
}

/* libcurl tells what it waits for on a socket; socket_data is that socket's event. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_data)
{
	struct kube_http *http = arg;
	struct event *event = socket_data;
	short events = EV_PERSIST;

	(void)easy;
	if (event)
		event_free(event);
	curl_multi_assign(http->multi, fd, NULL);
	if (what == CURL_POLL_REMOVE)
		return 0;
	if (what & CURL_POLL_IN)
		events |= EV_READ;
	if (what & CURL_POLL_OUT)
		events |= EV_WRITE;
	event = event_new(http->base, fd, events, on_socket, http);
	if (!event)
		return -1;
	curl_multi_assign(http->multi, fd, event);
	return event_add(event, NULL);
}

static int want_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct kube_http *http = arg;
	struct timeval delay = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	(void)multi;
	if (timeout_ms < 0)
		return evtimer_del(http->timer);
	return evtimer_add(http->timer, &delay);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
	struct kube_request *request = arg;
	bool last = *bytes == '\r' || *bytes == '\n'; /* an empty line; some end without '\r' */
	long status = 0;

	request->http->heard_ms = clock_now_ms();
	curl_easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
	if (last && status >= 200 && !request->started) {
		request->started = true;
		request->ops->started(status, request->arg);
	}
	return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
	struct kube_request *request = arg;

	request->http->heard_ms = clock_now_ms();
	if (request->ops->received(bytes, size * count, request->arg) != 0)
		return size * count + 1; /* any other number ends the transfer */
	return size * count;
}

static int prepare_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const struct kube_http *http = arg;
	unsigned int timeout_ms = DEAD_PEER_TIMEOUT_MS;

	(void)purpose;
	/* A peer that is gone without a word must not pass for one that has nothing to say. */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
	if (http->own)
		http->own(fd, http->own_arg);
	return CURL_SOCKOPT_OK;
}

/* In seconds since the connection was made; 0: any. */
static long trusted_age(const struct kube_http *http)
{
	if (!http->distrusted_ms)
		return 0;
	return (long)((clock_now_ms() - http->distrusted_ms) / 1000) + 1;
}

static int set_options(struct kube_request *request, const struct kube_call *call)
{
	CURL *easy = request->easy;
	int failed = 0;

	failed |= (int)curl_easy_setopt(easy, CURLOPT_PRIVATE, request);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_HEADERDATA, request);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, prepare_socket);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, request->http);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	failed |= (int)curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, trusted_age(request->http));
	return failed ? -ENOMEM : 0;
}

int kube_http_get(struct kube_http *http, const struct kube_call *call, struct kube_request **ret)
{
	struct kube_request *request = calloc(1, sizeof(*request));
	int err = -ENOMEM;

	if (!request)
		return err;
	request->http = http;
	request->ops = call->ops;
	request->arg = call->arg;
	request->easy = curl_easy_init();
	if (!request->easy)
		goto fail;
	err = kube_curl_configure(request->easy, call->config, call->path, &request->lists);
	if (!err)
		err = set_options(request, call);
	if (!err && curl_multi_add_handle(http->multi, request->easy))
		err = -ENOMEM;
	if (err)
		goto fail;
	*ret = request;
	return 0;
fail:
	release(request);
	return err;
}

void kube_request_cancel(struct kube_request *request)
{
	if (request)
		release(request);
}

static void ignore_broken_pipes(void)
{
	struct sigaction action;

	/* OpenSSL writes without MSG_NOSIGNAL. */
	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
}

int kube_http_new(struct event_base *base, struct kube_http **ret)
{
	struct kube_http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(http);
		return -ENOMEM;
	}
	ignore_broken_pipes();
	http->base = base;
	http->heard_ms = clock_now_ms();
	http->multi = curl_multi_init();
	http->timer = evtimer_new(base, on_timer, http);
	if (!http->multi || !http->timer) {
		kube_http_free(http);
		return -ENOMEM;
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	*ret = http;
	return 0;
}

void kube_http_own_sockets(struct kube_http *http, void (*own)(int fd, void *arg), void *arg)
{
	http->own = own;
	http->own_arg = arg;
}

uint64_t kube_http_quiet_ms(const struct kube_http *http)
{
	return clock_now_ms() - http->heard_ms;
}

void kube_http_distrust(struct kube_http *http)
{
	http->distrusted_ms = clock_now_ms();
}

void kube_http_free(struct kube_http *http)
{
	if (!http)
		return;
	curl_multi_cleanup(http->multi);
	if (http->timer)
		event_free(http->timer);
	free(http);
	curl_global_cleanup();
}
