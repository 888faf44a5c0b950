// SPDX-License-Identifier: Apache-2.0
/*
 * libevent tells nobody when a server's connection ends. So the connections are made with our own
 * bufferevents, of which a reference is kept here: when the server is done with one, it has taken
 * its callbacks off.
 */
#include "agent/http_limit.h"

#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"

#define ACCEPTS_MAX 8 /* in one turn of the loop */
/* Twice what is within the limits: the server needs a turn to close one that was ended. */
#define CONNECTIONS_MAX (2 * (HTTP_LIMIT_UNFINISHED + HTTP_LIMIT_ANSWERS) + HTTP_LIMIT_KEPT)

struct connection {
	struct bufferevent *bufferevent; /* NULL: this place is free */
	uint64_t since_ns;
	bool is_answered; /* its request is complete */
	bool is_closing;
	bool is_kept;
};

struct http_limit {
	struct evhttp *http;
	struct evconnlistener *listener;
	struct event *next_turn;
	struct event *deadline;
	unsigned int accepted; /* in this turn */
	struct connection connections[CONNECTIONS_MAX];
};

static bool is_over(const struct connection *connection)
{
	bufferevent_event_cb on_event = NULL;

	bufferevent_getcb(connection->bufferevent, NULL, NULL, &on_event, NULL);
	return !on_event;
}

static void forget(struct connection *connection)
{
	bufferevent_decref(connection->bufferevent);
	*connection = (struct connection){0};
}

static void forget_those_that_are_over(struct http_limit *limit)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (limit->connections[i].bufferevent && is_over(&limit->connections[i]))
			forget(&limit->connections[i]);
}

/* The server sees the end of it in the next turn of the loop, and closes it. */
static void end(struct connection *connection)
{
	shutdown(bufferevent_getfd(connection->bufferevent), SHUT_RDWR);
	connection->is_closing = true;
}

/* Keep to the limit of one kind: end the oldest if there are more. Those that are over are
 * forgotten first: their descriptors may be others' by now. */
static void bound(struct http_limit *limit, bool is_answered, size_t max)
{
	struct connection *oldest = NULL;
	size_t count = 0;

	forget_those_that_are_over(limit);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &limit->connections[i];

		if (!connection->bufferevent || connection->is_closing || connection->is_kept ||
		    connection->is_answered != is_answered)
			continue;
		count++;
		if (!oldest || connection->since_ns < oldest->since_ns)
			oldest = connection;
	}
	if (count > max)
		end(oldest);
}

static struct connection *find(struct http_limit *limit, const struct bufferevent *bufferevent)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (limit->connections[i].bufferevent == bufferevent)
			return &limit->connections[i];
	return NULL;
}

/* Accept no more in this turn of the loop. */
static void pause_accepting(struct http_limit *limit)
{
	const struct timeval at_once = {0};

	if (!event_add(limit->next_turn, &at_once))
		evconnlistener_disable(limit->listener);
}

static void on_next_turn(evutil_socket_t fd, short what, void *arg)
{
	struct http_limit *limit = arg;

	(void)fd;
	(void)what;
	forget_those_that_are_over(limit);
	limit->accepted = 0;
	if (find(limit, NULL))
		evconnlistener_enable(limit->listener);
	else
		pause_accepting(limit);
}

/* Called for each that comes in, before its descriptor is known. NULL: out of memory; then the
 * server makes a bufferevent of its own. */
static struct bufferevent *on_accept(struct event_base *base, void *arg)
{
	struct bufferevent *made = bufferevent_socket_new(base, -1, 0);
	struct http_limit *limit = arg;
	struct connection *place;

	bound(limit, false, HTTP_LIMIT_UNFINISHED - 1);
	place = find(limit, NULL);
	if (made && place) {
		bufferevent_incref(made);
		*place = (struct connection){.bufferevent = made, .since_ns = clock_now_ns()};
	}
	if (++limit->accepted >= ACCEPTS_MAX || !find(limit, NULL))
		pause_accepting(limit);
	return made;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now = clock_now_ns();
	struct http_limit *limit = arg;

	(void)fd;
	(void)what;
	forget_those_that_are_over(limit);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &limit->connections[i];

		if (connection->bufferevent && !connection->is_closing && !connection->is_kept &&
		    now - connection->since_ns > HTTP_LIMIT_SECONDS * 1000000000ull)
			end(connection);
	}
}

void http_limit_note(struct http_limit *limit, struct evhttp_request *request)
{
	struct evhttp_connection *of = evhttp_request_get_connection(request);
	struct connection *connection = find(limit, evhttp_connection_get_bufferevent(of));

	evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
	if (!connection)
		return;
	connection->is_answered = true;
	bound(limit, true, HTTP_LIMIT_ANSWERS);
}

bool http_limit_keep(struct http_limit *limit, struct evhttp_request *request)
{
	struct evhttp_connection *of = evhttp_request_get_connection(request);
	struct connection *connection = find(limit, evhttp_connection_get_bufferevent(of));
	size_t kept = 0;

	forget_those_that_are_over(limit);
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		kept += limit->connections[i].is_kept;
	if (!connection || kept == HTTP_LIMIT_KEPT)
		return false;
	connection->is_kept = true;
	return true;
}

int http_limit_new(struct event_base *base, struct evhttp *http, struct evhttp_bound_socket *socket,
		   struct http_limit **ret)
{
	struct http_limit *limit = calloc(1, sizeof(*limit));
	const struct timeval second = {.tv_sec = 1};

	if (!limit)
		return -ENOMEM;
	limit->http = http;
	limit->listener = evhttp_bound_socket_get_listener(socket);
	limit->next_turn = event_new(base, -1, 0, on_next_turn, limit);
	limit->deadline = event_new(base, -1, EV_PERSIST, on_deadline, limit);
	if (!limit->next_turn || !limit->deadline || event_add(limit->deadline, &second)) {
		http_limit_free(limit);
		return -ENOMEM;
	}
	evhttp_set_bevcb(http, on_accept, limit);
	*ret = limit;
	return 0;
}

void http_limit_free(struct http_limit *limit)
{
	if (!limit)
		return;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		if (limit->connections[i].bufferevent)
			forget(&limit->connections[i]);
	if (limit->next_turn)
		event_free(limit->next_turn);
	if (limit->deadline)
		event_free(limit->deadline);
	free(limit);
}
