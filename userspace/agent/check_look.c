// SPDX-License-Identifier: Apache-2.0
#include "agent/check_look.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/check_pulse.h"
#include "agent/check_tls.h"
#include "base/addr.h"
#include "base/clock.h"

#define PIECE_BYTES (16 * 1024)   /* are taken at a time: then it is another look's turn */
#define RECEIVED_MAX (128 * 1024) /* from one peer */
#define LINE_MAX_BYTES 256        /* of a line of HTTP */

enum phase {
	CONNECTING,
	ASKING, /* what came of it is not known yet */
	ENDING, /* it is known: only the end is to be polite */
};

struct look {
	struct check_order order;
	struct check_answer answer;
	check_look_ended ended;
	void *arg;
	uint64_t start_ns;
	uint64_t late_ms; /* what check_pulse_late_ms() said then */
	enum phase phase;
	int fd;
	struct event *ready;
	struct event *deadline;
	struct evbuffer *out; /* for the peer */
	struct check_tls *tls;
	size_t received;
	char line[LINE_MAX_BYTES];
	size_t line_length;
	bool is_in_head; /* the lines are headers of an answer that does not count */
	struct event_base *base;
	LIST_ENTRY(look) entry;
};

static LIST_HEAD(look_list, look) looks = LIST_HEAD_INITIALIZER(looks); /* that are under way */

static void free_look(struct look *look)
{
	LIST_REMOVE(look, entry);
	check_tls_free(look->tls);
	if (look->ready)
		event_free(look->ready);
	if (look->deadline)
		event_free(look->deadline);
	if (look->out)
		evbuffer_free(look->out);
	if (look->fd >= 0)
		close(look->fd);
	free(look);
	check_pulse_leave();
}

static void end(struct look *look)
{
	struct check_answer answer = look->answer;
	check_look_ended ended = look->ended;
	void *arg = look->arg;

	free_look(look);
	ended(&answer, arg);
}

static void know(struct look *look, enum gw_seen seen, const char *text)
{
	look->answer.seen = seen;
	snprintf(look->answer.text, sizeof(look->answer.text), "%s", text);
}

/* From here on it is known: what follows takes no more time. */
static void stop_clock(struct look *look)
{
	look->answer.duration_us = (uint32_t)((clock_now_ns() - look->start_ns) / 1000);
	look->phase = ENDING;
}

static void fail(struct look *look, enum gw_seen seen, const char *text)
{
	know(look, seen, text);
	stop_clock(look);
	end(look);
}

/* What connect(2) and the socket say. Not reached for want of something here: then it says nothing
 * of the peer. */
static enum gw_seen seen_by_error(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return GW_SEEN_REFUSED;
	case ETIMEDOUT:
		return GW_SEEN_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
		return GW_SEEN_UNREACHABLE;
	case ECONNRESET:
	case EPIPE:
		return GW_SEEN_CLOSED;
	default:
		return GW_SEEN_NOT_DONE;
	}
}

/* After it has asked for a certificate, a peer that ends the connection wants one. */
static void end_by_peer(struct look *look, int error)
{
	bool wants_one = look->tls && check_tls_was_asked(look->tls);

	if (look->phase == ENDING) {
		end(look);
		return;
	}
	if (wants_one && (!error || error == ECONNRESET))
		fail(look, GW_SEEN_CLIENT_CERTIFICATE, "it ended the handshake without one");
	else if (error)
		fail(look, seen_by_error(error), strerror(error));
	else
		fail(look, GW_SEEN_CLOSED, "end of file");
}

/* --- HTTP ---------------------------------------------------------------------------------- */

static int ask_http(struct look *look)
{
	char host[ADDR_PORT_TEXT_MAX];

	addr_port_format(&look->order.address, (uint16_t)look->order.port, host);
	return evbuffer_add_printf(look->out,
				   "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: gwbpf/" GWBPF_VERSION
				   "\r\nAccept: */*\r\nConnection: close\r\n\r\n",
				   look->order.path, host) < 0
		       ? -ENOMEM
		       : 0;
}

/* The status of "HTTP/1.1 200 OK"; below 0: that is not HTTP. */
static int read_status(const char *line)
{
	int major, minor, status, length = 0;

	if (sscanf(line, "HTTP/%1d.%1d %3d%n", &major, &minor, &status, &length) != 3 ||
	    (line[length] != ' ' && line[length] != '\r' && line[length] != '\0'))
		return -EPROTO;
	return status;
}

/* The answer that counts has come. */
static void judge_status(struct look *look, int status)
{
	char text[64];

	snprintf(text, sizeof(text), "status %d", status);
	if (status < 0)
		know(look, GW_SEEN_NOT_HTTP, "");
	else
		know(look, status >= 200 && status < 400 ? GW_SEEN_OK : GW_SEEN_STATUS, text);
}

/* 100 Continue, 103 Early Hints and the like come before the answer, each with a head of its own,
 * which ends with an empty line (RFC 9110, section 15.2). 101 is the end of HTTP, and the last. */
static bool is_interim(int status)
{
	return status >= 100 && status < 200 && status != 101;
}

/* A line has come, or as much of it as there is room for. -EAGAIN: more is to come; 0: it is known. */
static int take_line(struct look *look)
{
	int status;

	if (look->is_in_head) {
		look->is_in_head = *look->line && strcmp(look->line, "\r");
		return -EAGAIN;
	}
	status = read_status(look->line);
	look->is_in_head = is_interim(status);
	if (look->is_in_head)
		return -EAGAIN;
	judge_status(look, status);
	return 0;
}

/* -EAGAIN: more is to come; 0: it is known. However many answers come before the one that counts,
 * they are over with the look's time, or its bytes. */
static int hear_http(struct look *look, const char *bytes, size_t size)
{
	const char *end_of_bytes = bytes + size;
	size_t room = sizeof(look->line) - 1;
	int err = -EAGAIN;

	while (bytes < end_of_bytes && err) {
		char byte = *bytes++;
		bool is_full = look->line_length == room;

		if (byte != '\n' && !is_full)
			look->line[look->line_length++] = byte;
		/* Of a header's line the beginning does. */
		if (byte != '\n' && (look->is_in_head || look->line_length < room))
			continue;
		look->line[look->line_length] = '\0';
		err = take_line(look);
		look->line_length = 0;
	}
	return err;
}

/* --- all kinds ----------------------------------------------------------------------------- */

/* What TLS has for the peer. */
static int collect(struct look *look)
{
	char buf[4096];
	size_t size;

	while (look->tls && (size = check_tls_take(look->tls, buf, sizeof(buf))))
		if (evbuffer_add(look->out, buf, size))
			return -ENOMEM;
	return 0;
}

/* Bytes of the peer, or none to begin with. -EAGAIN: it is to speak; -EPROTO: it is over. */
static int hear(struct look *look, const char *bytes, size_t size)
{
	int err;

	if (look->order.kind == GW_CHECK_HTTP)
		return look->phase == ASKING ? hear_http(look, bytes, size) : -EAGAIN;
	err = size ? check_tls_put(look->tls, bytes, size) : 0;
	if (err)
		return err;
	if (look->phase == ASKING)
		return check_tls_shake(look->tls);
	return check_tls_end(look->tls) ? -EAGAIN : -EPROTO;
}

/* Returns whether the look goes on. */
static bool go_on(struct look *look, const char *bytes, size_t size)
{
	int err = hear(look, bytes, size);

	if (!err && look->phase == ASKING) {
		stop_clock(look);
		/* What came along with the last piece. */
		err = hear(look, "", 0);
	}
	if (collect(look) || err == -ENOMEM) {
		fail(look, GW_SEEN_NOT_DONE, "out of memory");
		return false;
	}
	if (err != -EPROTO)
		return true;
	if (look->phase == ASKING)
		stop_clock(look);
	/* An alert, as far as it goes at once. */
	evbuffer_write(look->out, look->fd);
	end(look);
	return false;
}

static void on_ready(evutil_socket_t fd, short what, void *arg);

/* Wait for what is needed now. */
static void wait_on(struct look *look)
{
	bool has_more = evbuffer_get_length(look->out);
	short what = (short)(EV_READ | EV_PERSIST | (has_more ? EV_WRITE : 0));

	event_del(look->ready);
	event_assign(look->ready, look->base, look->fd, what, on_ready, look);
	event_add(look->ready, NULL);
}

/* Returns whether the look goes on. */
static bool say(struct look *look)
{
	while (evbuffer_get_length(look->out))
		if (evbuffer_write(look->out, look->fd) < 0) {
			if (errno == EAGAIN)
				break;
			end_by_peer(look, errno);
			return false;
		}
	wait_on(look);
	return true;
}

static void listen_to(struct look *look)
{
	char bytes[PIECE_BYTES];
	ssize_t size = recv(look->fd, bytes, sizeof(bytes), 0);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0) {
		end_by_peer(look, size ? errno : 0);
		return;
	}
	look->received += (size_t)size;
	if (look->received > RECEIVED_MAX) {
		if (look->phase == ENDING)
			end(look);
		else
			fail(look, GW_SEEN_TOO_MUCH, "more than 128 KB");
		return;
	}
	if (go_on(look, bytes, (size_t)size))
		say(look);
}

static void begin(struct look *look)
{
	int err = 0;

	look->phase = ASKING;
	if (look->order.kind == GW_CHECK_TCP) {
		know(look, GW_SEEN_OK, "");
		stop_clock(look);
		end(look);
		return;
	}
	if (look->order.kind == GW_CHECK_TLS)
		err = check_tls_new(&look->order, &look->answer, &look->tls);
	else
		err = ask_http(look);
	if (err)
		fail(look, GW_SEEN_NOT_DONE, "out of memory");
	else if (look->order.kind == GW_CHECK_HTTP || go_on(look, "", 0))
		say(look);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct look *look = arg;
	socklen_t length = sizeof(int);
	int error = 0;

	if (look->phase == CONNECTING) {
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length))
			error = errno;
		if (error)
			fail(look, seen_by_error(error), strerror(error));
		else
			begin(look);
		return;
	}
	if (what & EV_WRITE && !say(look))
		return;
	if (what & EV_READ)
		listen_to(look);
}

/* Whether it was kept from looking for half of the time: the peer may have answered long ago. */
static bool had_no_time(const struct look *look)
{
	return (check_pulse_late_ms() - look->late_ms) * 2 > look->order.timeout_ms;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	static const char *const texts[] = {
		[CONNECTING] = "no connection was established",
		[ASKING] = "it took the connection, and gave no answer",
	};
	struct look *look = arg;

	(void)fd;
	(void)what;
	if (look->phase == ENDING)
		end(look);
	else if (had_no_time(look))
		fail(look, GW_SEEN_NOT_DONE, "this node had no time for it");
	else
		fail(look, GW_SEEN_TIMEOUT, texts[look->phase]);
}

static socklen_t socket_address(const struct check_order *order, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (addr_is_ipv4(&order->address)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)order->port);
		v4->sin_addr.s_addr = order->address.word[3];
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)order->port);
	memcpy(&v6->sin6_addr, &order->address, sizeof(v6->sin6_addr));
	return sizeof(*v6);
}

/* 0, or the errno of what could not be done. */
static int dial(struct look *look)
{
	const struct timeval timeout = {
		.tv_sec = look->order.timeout_ms / 1000,
		.tv_usec = look->order.timeout_ms % 1000 * 1000,
	};
	struct sockaddr_storage to;
	socklen_t length = socket_address(&look->order, &to);

	look->out = evbuffer_new();
	if (look->fd < 0)
		return EMFILE;
	if (connect(look->fd, (struct sockaddr *)&to, length) && errno != EINPROGRESS)
		return errno;
	look->ready = event_new(look->base, look->fd, EV_WRITE, on_ready, look);
	look->deadline = event_new(look->base, -1, 0, on_deadline, look);
	if (!look->out || !look->ready || !look->deadline || event_add(look->ready, NULL) ||
	    event_add(look->deadline, &timeout))
		return ENOMEM;
	return 0;
}

void check_look_start(struct event_base *base, const struct check_order *order, int fd,
		      check_look_ended ended, void *arg)
{
	struct look *look = calloc(1, sizeof(*look));
	int error;

	if (!look) {
		const struct check_answer answer = {
			.ticket = order->ticket,
			.seen = GW_SEEN_NOT_DONE,
			.text = "out of memory",
		};

		if (fd >= 0)
			close(fd);
		ended(&answer, arg);
		return;
	}
	check_pulse_join(base);
	*look = (struct look){
		.order = *order,
		.answer = {.ticket = order->ticket},
		.ended = ended,
		.arg = arg,
		.start_ns = clock_now_ns(),
		.late_ms = check_pulse_late_ms(),
		.base = base,
		.fd = fd,
	};
	LIST_INSERT_HEAD(&looks, look, entry);
	error = dial(look);
	if (error)
		fail(look, seen_by_error(error), strerror(error));
}

void check_look_cancel(uint64_t ticket)
{
	struct look *look;

	LIST_FOREACH(look, &looks, entry)
		if (look->order.ticket == ticket)
			break;
	if (look)
		free_look(look);
}
