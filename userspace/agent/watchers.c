// SPDX-License-Identifier: Apache-2.0
#include "agent/watchers.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <gwbpf/origin.h>

#include "agent/client_names.h"
#include "agent/events.h"
#include "agent/sight_json.h"
#include "base/clock.h"
#include "kernel/monitor.h"
#include "kernel/tables.h"

#define TURN_US 25000          /* between two looks at what the hooks have told */
#define SIGHTS_A_TURN 500      /* so that the loop is not held up: about 5 ms */
#define LEASE_NS 5000000000ull /* how long the hooks go on telling an agent that was killed */
#define UNREAD_BYTES_MAX (1024 * 1024) /* of one watcher: about 2,300 lines */
#define NAMES_NS 1000000000ull         /* what was found out about clients is kept for so long */
#define SILENT_SECONDS 60              /* one that reads nothing for so long is ended */

/* Which Service; "" and 0: any. */
struct filter {
	char namespace[GW_NAME_MAX];
	char service[GW_NAME_MAX];
	uint16_t port;
};

struct watcher {
	TAILQ_ENTRY(watcher) entry;
	struct evhttp_request *request;
	struct filter filter;
	uint64_t lost; /* lines that it has not been told of */
	bool is_gone;  /* its connection has ended; the request is ours to let go of */
};

TAILQ_HEAD(watcher_list, watcher);

struct watchers {
	struct watchers_options options;
	struct monitor *monitor;
	struct event *turn;
	uint64_t until_ns; /* of the lease */
	uint64_t lost;     /* what the hooks had lost when it was last told */
	struct client_names names;
	uint64_t names_ns; /* since when they are kept */
	struct watcher_list all;
};

static void on_turn(evutil_socket_t fd, short what, void *arg);
static void on_event(const struct events_item *item, void *arg);

int watchers_new(const struct watchers_options *options, struct watchers **ret)
{
	struct watchers *watchers = calloc(1, sizeof(*watchers));
	int err = -ENOMEM;

	if (!watchers)
		return err;
	watchers->options = *options;
	TAILQ_INIT(&watchers->all);
	watchers->turn = event_new(options->base, -1, EV_PERSIST, on_turn, watchers);
	if (watchers->turn)
		err = monitor_new(options->datapath, &watchers->monitor);
	if (err) {
		watchers_free(watchers);
		return err;
	}
	events_listen_to_all(on_event, watchers);
	*ret = watchers;
	return 0;
}

/* Of a connection that is gone this frees the request alone. */
static void end(struct watchers *watchers, struct watcher *watcher)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(watcher->request);

	TAILQ_REMOVE(&watchers->all, watcher, entry);
	if (connection)
		evhttp_connection_set_closecb(connection, NULL, NULL);
	evhttp_send_reply_end(watcher->request);
	free(watcher);
}

void watchers_free(struct watchers *watchers)
{
	struct watcher *watcher;

	if (!watchers)
		return;
	events_listen_to_all(NULL, NULL);
	while ((watcher = TAILQ_FIRST(&watchers->all)))
		end(watchers, watcher);
	client_names_done(&watchers->names);
	monitor_free(watchers->monitor);
	if (watchers->turn)
		event_free(watchers->turn);
	free(watchers);
}

/* --- lines --------------------------------------------------------------------------------- */

static void send_text(const struct watcher *watcher, const char *text)
{
	struct evbuffer *line = evbuffer_new();

	if (!line)
		return;
	evbuffer_add_printf(line, "%s\n", text);
	evhttp_send_reply_chunk(watcher->request, line);
	evbuffer_free(line);
}

/* value is taken over. NULL without memory: the line is lost. */
static char *render(json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;

	json_decref(value);
	return text;
}

static void tell_lost(const struct watcher *watcher, uint64_t count, const char *cause)
{
	char *text = render(sight_json_lost(count, cause));

	if (text)
		send_text(watcher, text);
	free(text);
}

static size_t unread_bytes(const struct watcher *watcher)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(watcher->request);
	struct bufferevent *bufferevent = connection ? evhttp_connection_get_bufferevent(connection)
						     : NULL;

	return bufferevent ? evbuffer_get_length(bufferevent_get_output(bufferevent)) : 0;
}

static void send_line(struct watcher *watcher, const char *text)
{
	size_t unread = unread_bytes(watcher);

	if (watcher->is_gone)
		return;
	if (!text || unread > UNREAD_BYTES_MAX ||
	    (watcher->lost && unread > UNREAD_BYTES_MAX / 2)) {
		watcher->lost++;
		return;
	}
	if (watcher->lost)
		tell_lost(watcher, watcher->lost, "they were not read in time");
	watcher->lost = 0;
	send_text(watcher, text);
}

static bool is_wanted(const struct filter *filter, const char *namespace, const char *service,
		      uint16_t port)
{
	return (!*filter->namespace || !strcmp(filter->namespace, namespace)) &&
	       (!*filter->service || !strcmp(filter->service, service)) &&
	       (!filter->port || !port || filter->port == port);
}

static bool is_wanted_by_any(const struct watchers *watchers, const char *namespace,
			     const char *service, uint16_t port)
{
	const struct watcher *watcher;

	TAILQ_FOREACH(watcher, &watchers->all, entry)
		if (is_wanted(&watcher->filter, namespace, service, port))
			return true;
	return false;
}

static void on_sight(const struct gw_sight *sight, void *arg)
{
	const struct gw_origin origin = {.cgroup_id = sight->cgroup_id, .tgid = sight->tgid};
	struct watchers *watchers = arg;
	struct client_name client;
	struct tables_names names;
	struct watcher *watcher;
	bool has_backend;
	char *text;

	has_backend = tables_name_backend(watchers->options.tables, sight->backend,
					  sight->backend_generation, &names);
	if (!has_backend)
		tables_name_service(watchers->options.tables, sight->service, &names);
	/* Few looks at processes are allowed in a second: none is for a line that nobody gets. */
	if (!is_wanted_by_any(watchers, names.service.namespace, names.service.name,
			      names.vip_port))
		return;
	client_names_find(&watchers->names, sight->netns_cookie, &origin, &client);
	text = render(sight_json(sight, &names, &client));
	TAILQ_FOREACH(watcher, &watchers->all, entry)
		if (is_wanted(&watcher->filter, names.service.namespace, names.service.name,
			      names.vip_port))
			send_line(watcher, text);
	free(text);
}

/* Moves are the agent's own doing: the hooks do not know of them. */
static void on_event(const struct events_item *item, void *arg)
{
	struct watchers *watchers = arg;
	struct watcher *watcher;
	const char *namespace, *service;
	char *text;

	if (events_kind_of(item) != EVENTS_MOVED || TAILQ_EMPTY(&watchers->all))
		return;
	events_service_of(item, &namespace, &service);
	text = render(sight_json_event(events_item_to_json(item, true)));
	TAILQ_FOREACH(watcher, &watchers->all, entry)
		if (is_wanted(&watcher->filter, namespace, service, 0))
			send_line(watcher, text);
	free(text);
}

/* --- turns --------------------------------------------------------------------------------- */

static void tell_all_lost(struct watchers *watchers, uint64_t count, const char *cause)
{
	struct watcher *watcher;

	TAILQ_FOREACH(watcher, &watchers->all, entry)
		if (!watcher->is_gone)
			tell_lost(watcher, count, cause);
}

static void renew(struct watchers *watchers)
{
	uint64_t now_ns = clock_now_ns(), lost = monitor_lost(watchers->monitor);

	if (lost > watchers->lost)
		tell_all_lost(watchers, lost - watchers->lost,
			      "connections came and went faster than the agent could read");
	if (watchers->until_ns < now_ns)
		tell_all_lost(watchers, 0,
			      "the agent was held up: what happened meanwhile was not told");
	watchers->lost = lost;
	watchers->until_ns = now_ns + LEASE_NS;
	monitor_watch(watchers->monitor, watchers->until_ns);
}

/* A pod may get its name, and the number of a process another owner. */
static void forget_old_names(struct watchers *watchers)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns - watchers->names_ns < NAMES_NS)
		return;
	client_names_done(&watchers->names);
	watchers->names_ns = now_ns;
}

static void drop_gone(struct watchers *watchers)
{
	struct watcher *watcher = TAILQ_FIRST(&watchers->all), *next;

	for (; watcher; watcher = next) {
		next = TAILQ_NEXT(watcher, entry);
		if (watcher->is_gone)
			end(watchers, watcher);
	}
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct watchers *watchers = arg;

	(void)fd;
	(void)what;
	drop_gone(watchers);
	if (TAILQ_EMPTY(&watchers->all)) {
		monitor_watch(watchers->monitor, 0);
		event_del(watchers->turn);
		client_names_done(&watchers->names);
		return;
	}
	forget_old_names(watchers);
	monitor_take(watchers->monitor, SIGHTS_A_TURN, on_sight, watchers);
	renew(watchers);
}

static void forget(const struct gw_sight *sight, void *arg)
{
	(void)sight;
	(void)arg;
}

/* What was told before, to those who watched then, is nobody's. */
static bool begin(struct watchers *watchers)
{
	const struct timeval turn = {.tv_usec = TURN_US};

	if (event_add(watchers->turn, &turn))
		return false;
	monitor_take(watchers->monitor, GW_SIGHTS_BYTES / sizeof(struct gw_sight), forget, NULL);
	watchers->lost = monitor_lost(watchers->monitor);
	watchers->until_ns = clock_now_ns() + LEASE_NS;
	monitor_watch(watchers->monitor, watchers->until_ns);
	return true;
}

/* --- requests ------------------------------------------------------------------------------ */

/* The server is just letting go of the connection: the request must wait. */
static void on_close(struct evhttp_connection *connection, void *arg)
{
	struct watcher *watcher = arg;

	(void)connection;
	watcher->is_gone = true;
}

static void read_filter(struct evhttp_request *request, struct filter *ret)
{
	const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
	const char *namespace, *service, *port;
	struct evkeyvalq all;

	*ret = (struct filter){0};
	if (!query || evhttp_parse_query_str(query, &all))
		return;
	namespace = evhttp_find_header(&all, "namespace");
	service = evhttp_find_header(&all, "service");
	port = evhttp_find_header(&all, "port");
	snprintf(ret->namespace, sizeof(ret->namespace), "%s", namespace ? namespace : "");
	snprintf(ret->service, sizeof(ret->service), "%s", service ? service : "");
	ret->port = (uint16_t)(port ? strtoul(port, NULL, 10) : 0);
	evhttp_clear_headers(&all);
}

static void start_reply(const struct watchers *watchers, struct watcher *watcher)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(watcher->request);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(watcher->request);
	const struct timeval silent = {.tv_sec = SILENT_SECONDS};
	char *text = render(sight_json_head(watchers->options.node));

	evhttp_add_header(headers, "Content-Type", "application/x-ndjson");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_send_reply_start(watcher->request, HTTP_OK, "OK");
	/* It has nothing to say, and may have nothing to read for long. */
	bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), NULL, &silent);
	evhttp_connection_set_closecb(connection, on_close, watcher);
	if (text)
		send_text(watcher, text);
	free(text);
}

bool watchers_add(struct watchers *watchers, struct evhttp_request *request)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (!watcher)
		return false;
	if (TAILQ_EMPTY(&watchers->all) && !begin(watchers)) {
		free(watcher);
		return false;
	}
	watcher->request = request;
	read_filter(request, &watcher->filter);
	TAILQ_INSERT_TAIL(&watchers->all, watcher, entry);
	start_reply(watchers, watcher);
	return true;
}
