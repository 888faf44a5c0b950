// SPDX-License-Identifier: Apache-2.0
#include "agent/httpd.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics.h"
#include "base/addr.h"
#include "kernel/view.h"

#define REQUEST_BYTES_MAX 8192
#define REQUEST_SECONDS 5

struct httpd {
	const struct httpd_options *options;
	struct evhttp *http;
};

static void reply(struct evhttp_request *request, int status, const char *type,
		  struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_send_reply(request, status, status == HTTP_OK ? "OK" : "not well", body);
}

static void reply_text(struct evhttp_request *request, int status, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body)
		evbuffer_add_printf(body, "%s\n", text);
	reply(request, status, "text/plain; charset=utf-8", body);
	if (body)
		evbuffer_free(body);
}

/* That this is answered is the answer: the loop turns. */
static void on_live(struct evhttp_request *request, void *arg)
{
	(void)arg;
	reply_text(request, HTTP_OK, "ok");
}

static void on_ready(struct evhttp_request *request, void *arg)
{
	const struct httpd *httpd = arg;
	struct evbuffer *body = evbuffer_new();
	char detail[256];
	bool all = true;

	if (!body) {
		reply_text(request, HTTP_INTERNAL, "out of memory");
		return;
	}
	for (size_t i = 0; i < httpd->options->check_count; i++) {
		const struct httpd_check *check = &httpd->options->checks[i];
		bool is_well;

		detail[0] = '\0';
		is_well = check->is_well(detail, sizeof(detail), check->arg);
		evbuffer_add_printf(body, "[%c] %s%s%s\n", is_well ? '+' : '-', check->name,
				    detail[0] ? ": " : "", detail);
		all = all && is_well;
	}
	reply(request, all ? HTTP_OK : HTTP_SERVUNAVAIL, "text/plain; charset=utf-8", body);
	evbuffer_free(body);
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
	const struct httpd *httpd = arg;
	struct metrics_input input = {
		.stats = httpd->options->stats,
		.backends_max = httpd->options->metrics_backends,
	};
	struct evbuffer *body = evbuffer_new();
	struct view *view = NULL;
	int err = body ? view_open(httpd->options->pin_dir, &view) : -ENOMEM;

	input.view = view;
	if (!err)
		err = metrics_write(&input, body);
	if (err)
		reply_text(request, HTTP_INTERNAL, strerror(-err));
	else
		reply(request, HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", body);
	view_close(view);
	if (body)
		evbuffer_free(body);
}

static const struct {
	const char *path;
	void (*answer)(struct evhttp_request *request, void *arg);
} pages[] = {
	{"/livez", on_live},
	{"/healthz", on_live},
	{"/readyz", on_ready},
	{"/metrics", on_metrics},
};

static int bind_to(struct evhttp *http, const char *text)
{
	char host[ADDR_TEXT_MAX];
	struct gw_addr address;
	uint16_t port;

	if (addr_port_parse(text, &address, &port))
		return -EINVAL;
	errno = 0;
	if (evhttp_bind_socket(http, addr_format(&address, host), port))
		return errno ? -errno : -EADDRINUSE;
	return 0;
}

int httpd_start(struct event_base *base, const struct httpd_options *options, struct httpd **ret)
{
	struct httpd *httpd = calloc(1, sizeof(*httpd));
	int err = -ENOMEM;

	if (!httpd)
		return err;
	httpd->options = options;
	httpd->http = evhttp_new(base);
	if (!httpd->http)
		goto fail;
	evhttp_set_allowed_methods(httpd->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(httpd->http, REQUEST_BYTES_MAX);
	evhttp_set_max_body_size(httpd->http, REQUEST_BYTES_MAX);
	evhttp_set_timeout(httpd->http, REQUEST_SECONDS);
	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (evhttp_set_cb(httpd->http, pages[i].path, pages[i].answer, httpd))
			goto fail;
	err = bind_to(httpd->http, options->listen);
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
	if (httpd->http)
		evhttp_free(httpd->http);
	free(httpd);
}
