// SPDX-License-Identifier: Apache-2.0
/*
 * The two ends of the demo's connections. A peer answers each line with its own address; clients
 * hold connections open, ask on each from time to time, open a broken one again, and tell which
 * peer answers on how many. They know nothing of gwbpf: the counts here are an application's own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <jansson.h>

#define CONNECTIONS_MAX 10000
#define ADDRESS_TEXT_MAX (INET_ADDRSTRLEN + 8)
#define LINE_BYTES_MAX 256

static const struct timeval retry_interval = {.tv_usec = 100000};

struct clients {
	struct event_base *base;
	struct sockaddr_in target;
	const char *summary; /* the file to write */
	struct timeval ask_interval;
	struct connection *connections;
	size_t count;
	size_t started; /* of these so far: they are opened one after another */
	uint64_t answers;
	uint64_t connected;  /* connects that succeeded */
	uint64_t failed;     /* connects that came to nothing */
	uint64_t broken;     /* connections that ended by themselves */
	uint64_t unanswered; /* questions that were cut off */
	double slowest_ms;   /* answer since the last summary */
};

struct connection {
	struct clients *clients;
	struct bufferevent *stream; /* NULL: to be opened again */
	struct event *timer;
	char peer[ADDRESS_TEXT_MAX];  /* as the peer calls itself; "" until it has answered */
	char shown[ADDRESS_TEXT_MAX]; /* as getpeername() says */
	double asked_ms;              /* 0: no answer is awaited */
	bool is_connected;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int parse_address(const char *address, const char *port, struct sockaddr_in *ret)
{
	char *end;
	unsigned long number = strtoul(port, &end, 10);

	if (*port == 0 || *end != 0 || number < 1 || number > UINT16_MAX)
		return -EINVAL;
	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
	return inet_pton(AF_INET, address, &ret->sin_addr) == 1 ? 0 : -EINVAL;
}

static void format_address(const struct sockaddr_in *from, char ret[ADDRESS_TEXT_MAX])
{
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &from->sin_addr, text, sizeof(text));
	snprintf(ret, ADDRESS_TEXT_MAX, "%s:%u", text, ntohs(from->sin_port));
}

/* ---- a peer */

static void peer_answer(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	const char *name = arg;
	char *line;

	while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF)) != NULL) {
		evbuffer_add_printf(bufferevent_get_output(stream), "%s\n", name);
		free(line);
	}
	if (evbuffer_get_length(in) > LINE_BYTES_MAX)
		bufferevent_free(stream);
}

static void peer_end(struct bufferevent *stream, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(stream);
}

static void peer_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
			int length, void *arg)
{
	struct event_base *base = evconnlistener_get_base(listener);
	struct bufferevent *stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)from;
	(void)length;
	if (!stream) {
		evutil_closesocket(fd);
		return;
	}
	bufferevent_setcb(stream, peer_answer, NULL, peer_end, arg);
	bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static int run_peer(struct event_base *base, char **argv)
{
	const unsigned flags = LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE;
	struct evconnlistener *listener;
	struct sockaddr_in address;
	char name[ADDRESS_TEXT_MAX];
	int err;

	err = parse_address(argv[0], argv[1], &address);
	if (err)
		return err;
	format_address(&address, name);
	listener = evconnlistener_new_bind(base, peer_accept, name, flags, -1,
					   (struct sockaddr *)&address, sizeof(address));
	if (!listener)
		return -errno;
	event_base_dispatch(base);
	evconnlistener_free(listener);
	return 0;
}

/* ---- clients */

static void count_one(json_t *counts, const char *key)
{
	json_t *old = json_object_get(counts, key);

	json_object_set_new(counts, key, json_integer(json_integer_value(old) + 1));
}

static json_t *summarize(const struct clients *clients)
{
	json_t *peers = json_object();
	json_t *shown = json_object();
	json_int_t held = 0;
	size_t i;

	for (i = 0; i < clients->started; i++) {
		if (!clients->connections[i].peer[0])
			continue;
		held++;
		count_one(peers, clients->connections[i].peer);
		count_one(shown, clients->connections[i].shown);
	}
	return json_pack("{s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:f}", "wanted",
			 (json_int_t)clients->count, "held", held, "peers", peers, "getpeername",
			 shown, "answers", (json_int_t)clients->answers, "connected",
			 (json_int_t)clients->connected, "failed", (json_int_t)clients->failed,
			 "broken", (json_int_t)clients->broken, "unanswered",
			 (json_int_t)clients->unanswered, "slowestMs", clients->slowest_ms);
}

/* By rename: who reads the file finds a whole summary or none. */
static void write_summary(struct clients *clients)
{
	json_t *summary = summarize(clients);
	char draft[4096];

	snprintf(draft, sizeof(draft), "%s.draft", clients->summary);
	if (!summary || json_dump_file(summary, draft, JSON_COMPACT) ||
	    rename(draft, clients->summary))
		fprintf(stderr, "lab: cannot write '%s'\n", clients->summary);
	json_decref(summary);
	clients->slowest_ms = 0;
}

static void open_connection(struct connection *connection);

static void open_next(struct clients *clients)
{
	if (clients->started < clients->count)
		open_connection(&clients->connections[clients->started++]);
	else
		write_summary(clients); /* the sign that all are open */
}

static void ask(struct connection *connection)
{
	connection->asked_ms = now_ms();
	bufferevent_write(connection->stream, "who\n", 4);
}

static void lose(struct connection *connection)
{
	struct clients *clients = connection->clients;

	if (connection->is_connected)
		clients->broken++;
	else
		clients->failed++;
	clients->unanswered += connection->asked_ms > 0;
	bufferevent_free(connection->stream);
	connection->stream = NULL;
	connection->is_connected = false;
	connection->peer[0] = 0;
	connection->shown[0] = 0;
	connection->asked_ms = 0;
	event_add(connection->timer, &retry_interval);
}

static void take_answer(struct connection *connection, const char *line)
{
	struct clients *clients = connection->clients;
	double took_ms = now_ms() - connection->asked_ms;
	bool is_last = connection == &clients->connections[clients->started - 1];
	bool is_new = connection->peer[0] == 0;

	clients->answers++;
	if (took_ms > clients->slowest_ms)
		clients->slowest_ms = took_ms;
	connection->asked_ms = 0;
	snprintf(connection->peer, sizeof(connection->peer), "%s", line);
	event_add(connection->timer, &clients->ask_interval);
	if (is_new && is_last)
		open_next(clients);
}

static void client_read(struct bufferevent *stream, void *arg)
{
	struct connection *connection = arg;
	char *line = evbuffer_readln(bufferevent_get_input(stream), NULL, EVBUFFER_EOL_LF);

	if (!line)
		return;
	take_answer(connection, line);
	free(line);
}

static void client_event(struct bufferevent *stream, short what, void *arg)
{
	struct connection *connection = arg;
	struct sockaddr_in shown;
	socklen_t length = sizeof(shown);

	if (!(what & BEV_EVENT_CONNECTED)) {
		lose(connection);
		return;
	}
	connection->is_connected = true;
	connection->clients->connected++;
	if (getpeername(bufferevent_getfd(stream), (struct sockaddr *)&shown, &length) == 0)
		format_address(&shown, connection->shown);
	ask(connection);
}

static void client_timer(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	(void)fd;
	(void)what;
	if (!connection->stream)
		open_connection(connection);
	else
		ask(connection);
}

static void open_connection(struct connection *connection)
{
	struct clients *clients = connection->clients;

	connection->stream = bufferevent_socket_new(clients->base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (!connection->stream) {
		event_add(connection->timer, &retry_interval);
		return;
	}
	bufferevent_setcb(connection->stream, client_read, NULL, client_event, connection);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	/* A connect that fails at once is told through client_event as well. */
	bufferevent_socket_connect(connection->stream, (struct sockaddr *)&clients->target,
				   sizeof(clients->target));
}

static void client_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_summary(arg);
}

static int prepare(struct clients *clients)
{
	struct connection *connection;

	clients->connections = calloc(clients->count, sizeof(*clients->connections));
	if (!clients->connections)
		return -ENOMEM;
	for (size_t i = 0; i < clients->count; i++) {
		connection = &clients->connections[i];
		connection->clients = clients;
		connection->timer = evtimer_new(clients->base, client_timer, connection);
		if (!connection->timer)
			return -ENOMEM;
	}
	return 0;
}

/* Runs until a signal ends the process, which closes every connection. */
static int run_clients(struct event_base *base, char **argv)
{
	struct clients clients = {.base = base, .summary = argv[3]};
	struct event *on_signal;
	unsigned long ask_ms;
	char *end;
	int err;

	ask_ms = strtoul(argv[4], &end, 10);
	if (*argv[4] == 0 || *end != 0 || ask_ms < 1 || ask_ms > 60000)
		return -EINVAL;
	clients.ask_interval.tv_sec = (time_t)(ask_ms / 1000);
	clients.ask_interval.tv_usec = (suseconds_t)(ask_ms % 1000 * 1000);
	clients.count = strtoul(argv[0], &end, 10);
	if (*argv[0] == 0 || *end != 0 || clients.count < 1 || clients.count > CONNECTIONS_MAX)
		return -EINVAL;
	err = parse_address(argv[1], argv[2], &clients.target);
	if (err)
		return err;
	err = prepare(&clients);
	if (err)
		return err;
	on_signal = evsignal_new(base, SIGUSR1, client_signal, &clients);
	if (!on_signal || event_add(on_signal, NULL))
		return -ENOMEM;
	open_next(&clients);
	event_base_dispatch(base);
	return 0;
}

static const struct mode {
	const char *name;
	const char *arguments;
	int argument_count;
	int (*run)(struct event_base *base, char **argv);
} modes[] = {
	{"peer", "ADDR PORT", 2, run_peer},
	{"clients", "N ADDR PORT SUMMARY ASK_MS", 5, run_clients},
};

#define MODE_COUNT (sizeof(modes) / sizeof(modes[0]))

static int usage(void)
{
	for (size_t i = 0; i < MODE_COUNT; i++)
		fprintf(stderr, "usage: lab %s %s\n", modes[i].name, modes[i].arguments);
	return 2;
}

int main(int argc, char **argv)
{
	const struct mode *mode = NULL;
	struct event_base *base;
	int err;

	for (size_t i = 0; argc > 1 && i < MODE_COUNT; i++)
		if (!strcmp(argv[1], modes[i].name))
			mode = &modes[i];
	if (!mode || argc - 2 != mode->argument_count)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	if (!base)
		return 1;
	err = mode->run(base, argv + 2);
	event_base_free(base);
	if (err)
		fprintf(stderr, "lab: cannot run %s: %s\n", mode->name, strerror(-err));
	return err ? 1 : 0;
}
