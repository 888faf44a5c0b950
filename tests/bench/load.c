// SPDX-License-Identifier: Apache-2.0
#include "bench/load.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/figures.h"
#include "kernel/lab.h"

/* What is a rate is the median of many short stretches: others may use the CPU in between. */
#define STRETCHES 20
#define CONNECTS 50 /* in a stretch */
#define CONNECTS_ALL (STRETCHES * CONNECTS)
#define EXCHANGES_ALL 400
#define REQUESTS 1500
#define REQUEST_SIZE 100
#define BULK_CHUNK 65536
#define BULK_CHUNKS 1500

static char chunk[BULK_CHUNK];

static void send_small_at_once(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* The answer to a request; nothing for bulk; an end for an end. */
static void serve_one(int fd)
{
	ssize_t size = recv(fd, chunk, sizeof(chunk), 0);

	if (size <= 0)
		close(fd);
	else if (size <= REQUEST_SIZE)
		send(fd, chunk, (size_t)size, MSG_NOSIGNAL);
}

static void accept_all(int listener, int epoll)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

		send_small_at_once(fd);
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}
}

void load_serve(void)
{
	struct sockaddr_in anyone = {.sin_family = AF_INET, .sin_port = htons(LOAD_PORT)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (bind(listener, (struct sockaddr *)&anyone, sizeof(anyone)) || listen(listener, 4096) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event))
		_exit(1);
	for (;;) {
		struct epoll_event events[64];
		int count = epoll_wait(epoll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listener)
				accept_all(listener, epoll);
			else
				serve_one(events[i].data.fd);
		}
	}
}

static int connect_to(const char *address)
{
	int fd = lab_connect(address);

	if (fd < 0)
		fail_msg("cannot connect to '%s': %s", address, strerror(-fd));
	send_small_at_once(fd);
	return fd;
}

static void ask(int fd)
{
	char text[REQUEST_SIZE] = "";
	ssize_t size;

	assert_int_equal(send(fd, text, sizeof(text), MSG_NOSIGNAL), sizeof(text));
	for (size_t have = 0; have < sizeof(text); have += (size_t)size) {
		size = recv(fd, text + have, sizeof(text) - have, 0);
		if (size <= 0)
			fail_msg("no answer: %s", size ? strerror(errno) : "closed");
	}
}

/* Returns how long it took; when the last one is answered, the peers have taken all before it. */
static double connect_stretch(const char *const *addresses, size_t count, double times[CONNECTS])
{
	double start = now_us();
	int fd;

	for (size_t i = 0; i < CONNECTS; i++) {
		double before = now_us();

		fd = lab_connect(addresses[i % count]);
		times[i] = now_us() - before;
		assert_true(fd >= 0);
		lab_abort(fd);
	}
	fd = connect_to(addresses[0]);
	ask(fd);
	lab_abort(fd);
	return now_us() - start;
}

static void measure_connects(const char *const *addresses, size_t count, double ret[MEASURE_MAX])
{
	static double times[CONNECTS_ALL], stretches[STRETCHES];

	for (size_t i = 0; i < STRETCHES; i++)
		stretches[i] = connect_stretch(addresses, count, &times[i * CONNECTS]);
	ret[CONNECTIONS] = (CONNECTS + 1) * 1e6 / quantile(stretches, STRETCHES, 0.5);
	ret[CONNECT_P50] = quantile(times, CONNECTS_ALL, 0.5);
	ret[CONNECT_P99] = quantile(times, CONNECTS_ALL, 0.99);
}

static double measure_exchanges(const char *const *addresses, size_t count)
{
	static double times[EXCHANGES_ALL];

	for (size_t i = 0; i < EXCHANGES_ALL; i++) {
		double before = now_us();
		int fd = connect_to(addresses[i % count]);

		ask(fd);
		lab_abort(fd);
		times[i] = now_us() - before;
	}
	return 1e6 / quantile(times, EXCHANGES_ALL, 0.5);
}

static double measure_requests(const char *address)
{
	static double times[REQUESTS];
	int fd = connect_to(address);

	ask(fd);
	for (size_t i = 0; i < REQUESTS; i++) {
		double before = now_us();

		ask(fd);
		times[i] = now_us() - before;
	}
	lab_abort(fd);
	return quantile(times, REQUESTS, 0.5);
}

static void await_end(int fd)
{
	ssize_t size;

	do
		size = recv(fd, chunk, sizeof(chunk), 0);
	while (size > 0);
	assert_int_equal(size, 0);
}

static double measure_bulk(const char *address)
{
	int fd = connect_to(address);
	double start = now_us();

	for (int i = 0; i < BULK_CHUNKS; i++)
		assert_int_equal(send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL), sizeof(chunk));
	shutdown(fd, SHUT_WR);
	await_end(fd);
	close(fd);
	return 8e-3 * BULK_CHUNK * BULK_CHUNKS / (now_us() - start);
}

void load_measure(const char *const *addresses, size_t count, double ret[MEASURE_MAX])
{
	measure_connects(addresses, count, ret);
	ret[EXCHANGES] = measure_exchanges(addresses, count);
	ret[REQUEST_P50] = measure_requests(addresses[0]);
	ret[BULK] = measure_bulk(addresses[0]);
}
