// SPDX-License-Identifier: Apache-2.0
/* A scripted HTTP/1.1 server: enough of it for a client that does not try to confuse it. */
#include "unit/fake_api.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#define PENDING_MAX 1024
#define REQUESTS_MAX 1024
#define DEADLINE_S 60

struct connection {
	struct connection *next;
	struct fake_api *api;
	struct bufferevent *stream;
	char *path; /* of the request that is not wholly answered; NULL: none */
	bool open;  /* its answer has begun */
	bool reset; /* to be closed with a RST */
};

struct fake_api {
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *deadline;
	struct connection *connections;
	struct fake_answer answers[PENDING_MAX];
	size_t answer_count;
	char *requests[REQUESTS_MAX];
	size_t request_count;
	bool late;
};

static void fatal(const char *what)
{
	fprintf(stderr, "fake API server: %s\n", what);
	abort();
}

static bool fits(const char *pattern, const char *path)
{
	const char *exclude = strchr(pattern, '!');
	char include[256];

	snprintf(include, sizeof(include), "%.*s", (int)strcspn(pattern, "!"), pattern);
	return strstr(path, include) && !(exclude && strstr(path, exclude + 1));
}

static void close_connection(struct connection *connection)
{
	struct connection **at = &connection->api->connections;

	while (*at != connection)
		at = &(*at)->next;
	*at = connection->next;
	bufferevent_free(connection->stream);
	free(connection->path);
	free(connection);
}

static void on_written(struct bufferevent *stream, void *arg)
{
	struct connection *connection = arg;
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (connection->reset)
		setsockopt(bufferevent_getfd(stream), SOL_SOCKET, SO_LINGER, &linger,
			   sizeof(linger));
	close_connection(connection);
}

static void end_answer(struct connection *connection, enum fake_end end)
{
	struct evbuffer *output = bufferevent_get_output(connection->stream);

	if (end == FAKE_OPEN)
		return;
	if (end == FAKE_ENDED)
		evbuffer_add_printf(output, "0\r\n\r\n");
	free(connection->path);
	connection->path = NULL;
	connection->open = false;
	if (end != FAKE_CUT && end != FAKE_RESET)
		return;
	connection->reset = end == FAKE_RESET;
	if (evbuffer_get_length(output) == 0)
		on_written(connection->stream, connection);
	else
		bufferevent_setcb(connection->stream, NULL, on_written, NULL, connection);
}

static void add_chunk(struct connection *connection, const char *bytes, size_t size)
{
	struct evbuffer *output = bufferevent_get_output(connection->stream);

	if (size == 0)
		return;
	evbuffer_add_printf(output, "%zx\r\n", size);
	evbuffer_add(output, bytes, size);
	evbuffer_add_printf(output, "\r\n");
}

static void write_answer(struct connection *connection, const struct fake_answer *answer)
{
	struct evbuffer *output = bufferevent_get_output(connection->stream);
	size_t size = answer->size ? answer->size : strlen(answer->body ? answer->body : "");

	if (answer->end == FAKE_NOTHING) {
		close_connection(connection);
		return;
	}
	evbuffer_add_printf(output, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s",
			    answer->status ? answer->status : "200 OK",
			    answer->header ? answer->header : "");
	connection->open = true;
	if (answer->end == FAKE_WHOLE) {
		evbuffer_add_printf(output, "Content-Length: %zu%s", size,
				    answer->has_bare_ends ? "\n\n" : "\r\n\r\n");
		evbuffer_add(output, answer->body, size);
	} else {
		evbuffer_add_printf(output, "Transfer-Encoding: chunked\r\n\r\n");
		add_chunk(connection, answer->body, size);
	}
	end_answer(connection, answer->end);
}

/* Serve a request with the first answer that fits it. */
static void serve(struct fake_api *api, struct connection *connection)
{
	for (size_t i = 0; i < api->answer_count; i++) {
		struct fake_answer answer = api->answers[i];

		if (!fits(answer.path, connection->path))
			continue;
		api->answer_count--;
		memmove(&api->answers[i], &api->answers[i + 1],
			(api->answer_count - i) * sizeof(answer));
		write_answer(connection, &answer);
		return;
	}
}

static void take_request(struct connection *connection, char *head)
{
	struct fake_api *api = connection->api;
	char *authorization = strstr(head, "Authorization: ");
	char *path = strchr(head, ' ');

	if (!path || api->request_count == REQUESTS_MAX)
		fatal("too many requests, or a bad one");
	path++;
	path[strcspn(path, " ")] = '\0';
	if (authorization)
		authorization[strcspn(authorization, "\r")] = '\0';
	free(connection->path);
	connection->path = strdup(path);
	if (asprintf(&api->requests[api->request_count++], "%s %s", path,
		     authorization ? authorization + strlen("Authorization: ") : "") < 0)
		fatal("out of memory");
	serve(api, connection);
}

static void on_read(struct bufferevent *stream, void *arg)
{
	struct connection *connection = arg;
	struct evbuffer *input = bufferevent_get_input(stream);
	struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
	char *head;

	if (end.pos < 0)
		return;
	head = calloc(1, (size_t)end.pos + 5);
	if (!head)
		fatal("out of memory");
	evbuffer_remove(input, head, (size_t)end.pos + 4);
	take_request(connection, head);
	free(head);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
	(void)stream;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		close_connection(arg);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
		      int length, void *arg)
{
	struct fake_api *api = arg;
	struct connection *connection = calloc(1, sizeof(*connection));

	(void)listener;
	(void)peer;
	(void)length;
	if (!connection)
		fatal("out of memory");
	connection->api = api;
	connection->next = api->connections;
	api->connections = connection;
	connection->stream = bufferevent_socket_new(api->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(connection->stream, on_read, NULL, on_event, connection);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct fake_api *api = arg;

	(void)fd;
	(void)what;
	api->late = true;
}

struct fake_api *fake_api_new(struct event_base *base)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct fake_api *api = calloc(1, sizeof(*api));

	if (!api)
		fatal("out of memory");
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	api->base = base;
	api->deadline = evtimer_new(base, on_deadline, api);
	api->listener = evconnlistener_new_bind(base, on_accept, api,
						LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
						(struct sockaddr *)&address, sizeof(address));
	if (!api->listener)
		fatal("cannot listen");
	return api;
}

void fake_api_free(struct fake_api *api)
{
	while (api->connections)
		close_connection(api->connections);
	for (size_t i = 0; i < api->request_count; i++)
		free(api->requests[i]);
	event_free(api->deadline);
	evconnlistener_free(api->listener);
	free(api);
}

uint16_t fake_api_port(const struct fake_api *api)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);

	if (getsockname(evconnlistener_get_fd(api->listener), (struct sockaddr *)&address,
			&length) < 0)
		fatal("no address");
	return ntohs(address.sin_port);
}

/* The youngest, which stands first: an older one may be given up by its client. */
static struct connection *find_waiting(struct fake_api *api, const char *pattern)
{
	struct connection *c = api->connections;

	while (c && !(c->path && !c->open && fits(pattern, c->path)))
		c = c->next;
	return c;
}

void fake_api_answer(struct fake_api *api, const struct fake_answer *answer)
{
	struct connection *waiting = find_waiting(api, answer->path);

	if (api->answer_count == PENDING_MAX)
		fatal("too many answers");
	if (waiting)
		write_answer(waiting, answer);
	else
		api->answers[api->answer_count++] = *answer;
}

void fake_api_send(struct fake_api *api, const char *path, const char *bytes, size_t size,
		   enum fake_end end)
{
	struct connection *connection = api->connections;

	while (connection && !(connection->open && fits(path, connection->path)))
		connection = connection->next;
	if (!connection)
		fatal("nobody listens to that path");
	add_chunk(connection, bytes, size);
	end_answer(connection, end);
}

const char *fake_api_request(const struct fake_api *api, size_t index)
{
	return index < api->request_count ? api->requests[index] : NULL;
}

size_t fake_api_count(const struct fake_api *api, const char *path)
{
	size_t count = 0;

	for (size_t i = 0; i < api->request_count; i++)
		count += fits(path, api->requests[i]);
	return count;
}

bool fake_api_run(struct fake_api *api, bool (*is_done)(void *arg), void *arg)
{
	struct timeval delay = {DEADLINE_S, 0};

	api->late = false;
	evtimer_add(api->deadline, &delay);
	while (!is_done(arg) && !api->late)
		event_base_loop(api->base, EVLOOP_ONCE);
	evtimer_del(api->deadline);
	return !api->late;
}

char *fake_api_data(const char *name, size_t *size)
{
	char path[256];
	char *bytes = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "tests/data/%s", name);
	file = fopen(path, "r");
	if (!file)
		fatal(path);
	*size = 0;
	if (getdelim(&bytes, size, EOF, file) < 0)
		fatal(path);
	*size = (size_t)ftell(file);
	fclose(file);
	return bytes;
}
