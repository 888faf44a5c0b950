// SPDX-License-Identifier: Apache-2.0
#include "agent/httpd.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/answers.h"
#include "agent/control.h"
#include "agent/http_access.h"
#include "agent/http_limit.h"
#include "agent/http_listen.h"
#include "agent/openapi.h"
#include "agent/page.h"
#include "agent/watchers.h"
#include "agent/workers.h"
#include "report/backends.h"
#include "report/connections.h"
#include "report/services.h"

#define REQUEST_BYTES_MAX 8192
#define SILENCE_SECONDS 5
#define PIECE_BYTES (1 << 20) /* of an answer, sent at once: less than 1 ms of the loop */
#define FORBIDDEN 403
#define MISDIRECTED 421 /* RFC 9110, 15.5.20 */

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

struct httpd {
	const struct httpd_options *options;
	struct evhttp *http;
	struct http_limit *limit;
	struct workers *workers;
	struct answers_input input;
};

/* NULL: libevent knows. */
static const char *phrase(int status)
{
	switch (status) {
	case FORBIDDEN:
		return "Forbidden";
	case MISDIRECTED:
		return "Misdirected Request";
	default:
		return NULL;
	}
}

static void reply(struct evhttp_request *request, int status, const char *type,
		  struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	evhttp_add_header(headers, "Content-Security-Policy",
			  "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; "
			  "connect-src 'self'; base-uri 'none'; form-action 'none'; "
			  "frame-ancestors 'none'");
	evhttp_send_reply(request, status, phrase(status), body);
}

static void reply_with(struct evhttp_request *request, int status, const char *type,
		       const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body)
		evbuffer_add(body, text, strlen(text));
	reply(request, status, type, body);
	if (body)
		evbuffer_free(body);
}

static void reply_text(struct evhttp_request *request, int status, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body)
		evbuffer_add_printf(body, "%s\n", text);
	reply(request, status, TEXT, body);
	if (body)
		evbuffer_free(body);
}

/* That this is answered is the answer: the loop turns. */
static void on_live(struct evhttp_request *request, struct httpd *httpd)
{
	(void)httpd;
	reply_text(request, HTTP_OK, "ok");
}

static bool is_verbose(const struct evhttp_request *request)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));

	return query && !strncmp(query, "verbose", strlen("verbose"));
}

/* Whether all is well; what is not is listed in any case. */
static bool list_checks(const struct httpd_options *options, bool all, struct evbuffer *to)
{
	char detail[HTTPD_DETAIL_MAX];
	bool is_ready = true;

	for (size_t i = 0; i < options->check_count; i++) {
		const struct httpd_check *check = &options->checks[i];
		bool is_well;

		detail[0] = '\0';
		is_well = check->is_well(detail, sizeof(detail), check->arg);
		if (all || !is_well)
			evbuffer_add_printf(to, "[%c] %s%s%s\n", is_well ? '+' : '-', check->name,
					    detail[0] ? ": " : "", detail);
		is_ready = is_ready && is_well;
	}
	return is_ready;
}

static void on_ready(struct evhttp_request *request, struct httpd *httpd)
{
	struct evbuffer *body = evbuffer_new();
	bool is_ready;

	if (!body) {
		reply_text(request, HTTP_INTERNAL, "out of memory");
		return;
	}
	is_ready = list_checks(httpd->options, is_verbose(request), body);
	evbuffer_add_printf(body, "%s\n", is_ready ? "ok" : "not ready");
	reply(request, is_ready ? HTTP_OK : HTTP_SERVUNAVAIL, TEXT, body);
	evbuffer_free(body);
}

static void on_script(struct evhttp_request *request, struct httpd *httpd)
{
	(void)httpd;
	reply_with(request, HTTP_OK, "text/javascript; charset=utf-8", page_script);
}

static void reply_json(struct evhttp_request *request, json_t *value)
{
	char *text = json_render(value);

	if (text)
		reply_with(request, HTTP_OK, JSON, text);
	else
		reply_text(request, HTTP_INTERNAL, "out of memory");
	free(text);
}

static void visit_paths(void (*add)(const struct openapi_path *path, json_t **to), json_t **to);

static void on_index(struct evhttp_request *request, struct httpd *httpd)
{
	json_t *items = json_array();

	visit_paths(openapi_add_item, &items);
	reply_json(request, json_list("PathList", httpd->options->node, items));
}

static void on_openapi(struct evhttp_request *request, struct httpd *httpd)
{
	json_t *paths = json_object();

	(void)httpd;
	visit_paths(openapi_add_description, &paths);
	reply_json(request, openapi_document(paths));
}

/* An answer that does not end. */
static void on_watch(struct evhttp_request *request, struct httpd *httpd)
{
	struct watchers *watchers = httpd->options->watchers ? *httpd->options->watchers : NULL;

	if (!watchers)
		reply_text(request, HTTP_SERVUNAVAIL, "the agent is still starting: ask again");
	else if (!http_limit_keep(httpd->limit, request))
		reply_text(request, HTTP_SERVUNAVAIL,
			   "as many watch as may: end one of them first");
	else if (!watchers_add(watchers, request))
		reply_text(request, HTTP_INTERNAL, "out of memory");
}

struct page {
	const char *path;
	unsigned int is_for; /* enum httpd_for, one bit each */
	const char *type;
	void (*answer)(struct evhttp_request *request, struct httpd *httpd);
	int (*make)(struct evbuffer *to, void *arg); /* in place of answer: by a worker */
	const char *summary; /* of a path of the API: it describes itself by these two */
	const struct columns *columns;
};

#define API "/api/v1"
#define ALL (HTTPD_FOR_MONITORING | HTTPD_FOR_NODE | HTTPD_FOR_ROOT)
#define NODE (HTTPD_FOR_NODE | HTTPD_FOR_ROOT)
#define ROOT HTTPD_FOR_ROOT /* it names clients */

static const struct page pages[] = {
	{"/livez", ALL, TEXT, on_live, NULL, NULL, NULL},
	{"/healthz", ALL, TEXT, on_live, NULL, NULL, NULL},
	{"/readyz", ALL, TEXT, on_ready, NULL, NULL, NULL},
	{"/metrics", ALL, "text/plain; version=0.0.4; charset=utf-8", NULL, answer_metrics, NULL,
	 NULL},
	{"/page.js", NODE, "text/javascript; charset=utf-8", on_script, NULL, NULL, NULL},
	{"/", NODE, "text/html; charset=utf-8", NULL, answer_page, NULL, NULL},
	{API, NODE, JSON, on_index, NULL, "This list", NULL},
	{API "/status", NODE, JSON, NULL, answer_status,
	 "What clients get, and what is not as it should be", NULL},
	{API "/services", NODE, JSON, NULL, answer_services, "Services, by port and address",
	 &services_columns},
	{API "/backends", NODE, JSON, NULL, answer_backends,
	 "Backends, by Service port and address", &backends_columns},
	{API "/events", HTTPD_FOR_NODE, JSON, NULL, answer_events,
	 "What has happened, the last thousand; with clients on the socket", NULL},
	{API "/events", ROOT, JSON, NULL, answer_events_with_clients, NULL, NULL},
	{API "/connections", ROOT, JSON, NULL, answer_connections, "Live connections",
	 &connections_columns},
	{API "/monitor", ROOT, TEXT, on_watch, NULL,
	 "Connections as they come and go, a line of JSON each", NULL},
	{API "/openapi.json", NODE, JSON, on_openapi, NULL, "This description", NULL},
};

#define PAGES (sizeof(pages) / sizeof(*pages))

/* Who asks for a path as somebody else gets another row of the same path. */
static bool is_first_of_path(size_t i)
{
	return !i || strcmp(pages[i - 1].path, pages[i].path);
}

/* Call add for each path of the API: what is served below it, whether it is described or not. */
static void visit_paths(void (*add)(const struct openapi_path *path, json_t **to), json_t **to)
{
	const char *command, *about;

	for (size_t i = 0; i < PAGES; i++)
		if (!strncmp(pages[i].path, API, strlen(API)) && is_first_of_path(i))
			add(
				&(struct openapi_path){
					.path = pages[i].path,
					.summary = pages[i].summary,
					.columns = pages[i].columns,
					.is_on_socket = pages[i].is_for == ROOT,
				},
				to);
	for (size_t i = 0; (command = control_path(i, &about)); i++)
		add(
			&(struct openapi_path){
				.path = command,
				.summary = about,
				.is_post = true,
				.is_on_socket = true,
			},
			to);
}

struct waiting {
	struct evhttp_request *request;
	const struct page *page;
};

/*
 * The file is the buffer's from then on. The kernel sends its pages as they are (sendfile(2)): this
 * process does not look at them. In pieces: to a reader that keeps up, one call would send all.
 */
static int add_file(struct evbuffer *to, int file)
{
	struct evbuffer_file_segment *whole = NULL;
	struct stat stat;
	int err = -ENOMEM;

	if (to && !fstat(file, &stat))
		whole = evbuffer_file_segment_new(file, 0, stat.st_size, EVBUF_FS_CLOSE_ON_FREE);
	if (!whole) {
		close(file);
		return err;
	}
	evbuffer_set_flags(to, EVBUFFER_FLAG_DRAINS_TO_FD);
	for (off_t at = 0; at < stat.st_size; at += PIECE_BYTES) {
		off_t rest = stat.st_size - at;

		if (evbuffer_add_file_segment(to, whole, at,
					      rest < PIECE_BYTES ? rest : PIECE_BYTES))
			goto out;
	}
	err = 0;
out:
	evbuffer_file_segment_free(whole); /* its pieces keep it */
	return err;
}

/* Whoever asked may be gone by now: libevent keeps the request until it is replied to. */
static void on_made(int file, void *arg)
{
	struct waiting *waiting = arg;
	struct evbuffer *body = evbuffer_new();
	int err = file < 0 ? file : add_file(body, file);

	if (err)
		reply_text(waiting->request, HTTP_INTERNAL,
			   err == -ENOMEM || err == -ETIMEDOUT
				   ? "too much to be answered here: ask the command line"
				   : strerror(-err));
	else
		reply(waiting->request, HTTP_OK, waiting->page->type, body);
	if (body)
		evbuffer_free(body);
	free(waiting);
}

static void start_page(struct evhttp_request *request, struct httpd *httpd, const struct page *page)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	const struct work work = {
		.make = page->make,
		.done = on_made,
		.arg = &httpd->input,
		.done_arg = waiting,
	};
	int err = -ENOMEM;

	if (waiting) {
		*waiting = (struct waiting){request, page};
		process_look(&httpd->input.process);
		httpd->input.stats = httpd->options->stats;
		err = workers_start(httpd->workers, &work);
	}
	if (!err)
		return;
	free(waiting);
	reply_text(request, err == -EBUSY ? HTTP_SERVUNAVAIL : HTTP_INTERNAL,
		   err == -EBUSY ? "busy with other requests: ask again" : strerror(-err));
}

/* Whoever asked may be gone by now, as in on_made(). */
static void on_changed(int status, const char *json, void *arg)
{
	reply_with(arg, status, JSON, json);
}

static void change(struct evhttp_request *request, struct httpd *httpd, const char *path)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	size_t length = evbuffer_get_length(body);
	const char *text = length ? (const char *)evbuffer_pullup(body, -1) : "";

	if (evhttp_request_get_command(request) != EVHTTP_REQ_POST) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "POST");
		reply_text(request, HTTP_BADMETHOD, "only POST");
		return;
	}
	control_run(httpd->options->control, path,
		    &(struct control_request){text, length, on_changed, request});
}

/* That of this path which is for whoever may ask here; else one that is for others; or NULL. */
static const struct page *find_page(const char *path, enum httpd_for is_for)
{
	const struct page *found = NULL;

	for (size_t i = 0; i < PAGES; i++)
		if (!strcmp(pages[i].path, path) && (!found || pages[i].is_for & is_for))
			found = &pages[i];
	return found;
}

/* Whether whoever asks may ask here for anything at all; if not, it has been told so. */
static bool admit(struct evhttp_request *request, const struct httpd *httpd)
{
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");

	if (httpd->options->is_for == HTTPD_FOR_NODE &&
	    (!host || !http_access_is_loopback_host(host)))
		reply_text(request, MISDIRECTED,
			   "the Host header must name loopback, such as 127.0.0.1 or localhost");
	else if (httpd->options->is_for == HTTPD_FOR_ROOT && !http_access_is_root(request))
		reply_text(request, FORBIDDEN, "only root may ask here");
	else
		return true;
	return false;
}

static void on_request(struct evhttp_request *request, void *arg)
{
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
	struct httpd *httpd = arg;
	const struct page *page = find_page(path ? path : "", httpd->options->is_for);

	http_limit_note(httpd->limit, request);
	if (!admit(request, httpd))
		return;
	if (httpd->options->control && path && control_has(path)) {
		change(request, httpd, path);
	} else if (page && page->is_for == ROOT && httpd->options->is_for == HTTPD_FOR_NODE) {
		reply_text(request, FORBIDDEN,
			   "this names clients: ask as root at the control socket (--control)");
	} else if (!page || !(page->is_for & httpd->options->is_for)) {
		reply_text(request, HTTP_NOTFOUND, "not found");
	} else if (evhttp_request_get_command(request) & ~(EVHTTP_REQ_GET | EVHTTP_REQ_HEAD)) {
		evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", "GET, HEAD");
		reply_text(request, HTTP_BADMETHOD, "only GET and HEAD");
	} else if (page->answer) {
		page->answer(request, httpd);
	} else {
		start_page(request, httpd, page);
	}
}

static int listen_at(struct event_base *base, struct httpd *httpd,
		     char message[HTTP_LISTEN_MESSAGE_MAX])
{
	struct evhttp_bound_socket *socket;
	struct evconnlistener *listener;
	int err;

	err = http_listen(base, httpd->options->listen, &listener, message);
	if (err)
		return err;
	socket = evhttp_bind_listener(httpd->http, listener);
	if (socket)
		return http_limit_new(base, httpd->http, socket, &httpd->limit);
	evconnlistener_free(listener);
	return -ENOMEM;
}

int httpd_start(struct event_base *base, const struct httpd_options *options, struct httpd **ret,
		char message[HTTP_LISTEN_MESSAGE_MAX])
{
	struct httpd *httpd = calloc(1, sizeof(*httpd));
	int err = -ENOMEM;

	snprintf(message, HTTP_LISTEN_MESSAGE_MAX, "cannot listen on %s: out of memory",
		 options->listen);
	if (!httpd)
		return err;
	httpd->options = options;
	httpd->input = (struct answers_input){
		.pin_dir = options->pin_dir,
		.stats = options->stats,
		.metrics_backends = options->metrics_backends,
		.node = options->node,
	};
	httpd->http = evhttp_new(base);
	if (!httpd->http || workers_new(base, WORKERS_SECONDS, &httpd->workers))
		goto fail;
	evhttp_set_allowed_methods(httpd->http, 0xffff); /* the wrong ones are told so */
	evhttp_set_gencb(httpd->http, on_request, httpd);
	evhttp_set_max_headers_size(httpd->http, REQUEST_BYTES_MAX);
	evhttp_set_max_body_size(httpd->http, REQUEST_BYTES_MAX);
	evhttp_set_timeout(httpd->http, SILENCE_SECONDS);
	err = listen_at(base, httpd, message);
	if (err)
		goto fail;
	*ret = httpd;
	return 0;
fail:
	httpd_stop(httpd);
	return err;
}

void httpd_stop(struct httpd *httpd)
{
	if (!httpd)
		return;
	workers_free(httpd->workers); /* replies to requests, so before they go */
	if (httpd->http)
		evhttp_free(httpd->http);
	/* Only if it was had: else it is another agent's. */
	if (httpd->limit && strchr(httpd->options->listen, '/'))
		unlink(httpd->options->listen);
	http_limit_free(httpd->limit);
	free(httpd);
}
