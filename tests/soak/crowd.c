// SPDX-License-Identifier: Apache-2.0
#include "soak/crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/crew.h"
#include "kernel/lab.h"
#include "soak/patience.h"

#define WORKERS 8
#define HELD_MAX 40
#define FAILED_MAX 8192
#define PAUSE_MS 40
#define GREETING_MS 250
#define PATIENT_MS 20000 /* longer than any attempt takes */
#define IMPATIENT_MS 100 /* shorter than until the SYN is repeated */
#define REPEAT_MS 200    /* at whose multiples it may be */
#define NEAR_MS 50       /* to which it must not be given up */

/* Who is whose: some clients do one thing at a time, others several at once. */
static const int client_of[WORKERS] = {0, 1, 2, 2, 3, 3, 3, 3};

struct worker {
	int client;
	enum crowd_phase reached;
	struct crowd_tally tallies[TOWN_PEERS];
	struct crowd_failed failed[FAILED_MAX];
	size_t failed_count;
	char problem[160];
};

/* In memory that all share. */
static struct shared {
	volatile enum crowd_phase phase;
	volatile int cut[TOWN_CLIENTS];
	struct worker workers[WORKERS];
} * shared;

static pid_t pids[WORKERS];

/* Each process's own. */
static struct worker *me;
static struct sockaddr_in target;
static struct pollfd held[HELD_MAX];
static int held_peers[HELD_MAX];
static nfds_t held_count;

static void note_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note_problem(const char *format, ...)
{
	va_list arguments;

	if (me->problem[0])
		return;
	va_start(arguments, format);
	vsnprintf(me->problem, sizeof(me->problem), format, arguments);
	va_end(arguments);
}

/* Established or canceled is no failure. */
static void note_end(int peer, enum crowd_end end, const struct crowd_failed *times)
{
	struct crowd_failed *failed = &me->failed[me->failed_count];

	if (end == CROWD_NO_ROUTE)
		me->tallies[peer].no_route++;
	else
		me->tallies[peer].ends[end]++;
	if (end == CROWD_ESTABLISHED || end == CROWD_CANCELED)
		return;
	if (me->failed_count == FAILED_MAX) {
		note_problem("more than %d connects failed", FAILED_MAX);
		return;
	}
	*failed = *times;
	failed->client = me->client;
	failed->peer = peer;
	failed->end = end;
	failed->end_ns = clock_now_ns();
	me->failed_count++;
}

static void drop(nfds_t i)
{
	close(held[i].fd);
	me->tallies[held_peers[i]].closed++;
	held_count--;
	held[i] = held[held_count];
	held_peers[i] = held_peers[held_count];
}

/* Wait so long, or until one of them ends, and close those that have. */
static void tend(int timeout_ms)
{
	char buf[64];
	ssize_t length;

	if (poll(held, held_count, timeout_ms) <= 0)
		return;
	for (nfds_t i = held_count; i-- > 0;) {
		if (!held[i].revents)
			continue;
		length = recv(held[i].fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (length == 0 || (length < 0 && errno != EAGAIN))
			drop(i);
	}
}

static void expect_greeting(int fd, int peer)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	uint8_t byte;

	if (!poll(&readable, 1, GREETING_MS)) {
		me->tallies[peer].silent++;
		return;
	}
	if (recv(fd, &byte, 1, MSG_DONTWAIT) == 1 && byte != TOWN_PEER_BYTE(peer))
		note_problem("a connection from the address for peer %d was greeted with %u", peer,
			     byte);
}

static enum crowd_end end_of(int err)
{
	switch (err) {
	case 0:
	case EPIPE:
	case ECONNRESET: /* soon after it was established */
		return CROWD_ESTABLISHED;
	case ECONNREFUSED:
		return CROWD_REFUSED;
	case ETIMEDOUT:
		return CROWD_TIMED_OUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return CROWD_UNREACHABLE;
	}
	return CROWD_OTHER;
}

/* It is about to be given up: a SYN that was repeated makes it one that waited in vain. */
static enum crowd_end end_of_impatience(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		return CROWD_OTHER;
	if (info.tcpi_state == TCP_ESTABLISHED)
		return CROWD_ESTABLISHED;
	return info.tcpi_total_retrans ? CROWD_TIMED_OUT : CROWD_CANCELED;
}

/* How long until nothing can come between a look at the socket and its close, but for a process that
 * waits for the processor as long. */
static int calm_in_ms(const struct crowd_failed *times)
{
	int since_ms = (int)((clock_now_ns() - times->start_ns) / 1000000 % REPEAT_MS);

	if (since_ms < NEAR_MS)
		return NEAR_MS - since_ms;
	return since_ms > REPEAT_MS - NEAR_MS ? REPEAT_MS + NEAR_MS - since_ms : 0;
}

static enum crowd_end await_end(int fd, const struct crowd_failed *times)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	int timeout_ms = rand() % 8 ? PATIENT_MS : IMPATIENT_MS, err;
	socklen_t length = sizeof(err);

	do
		if (poll(&writable, 1, timeout_ms))
			timeout_ms = -1;
		else
			timeout_ms = calm_in_ms(times);
	while (timeout_ms > 0);
	if (!timeout_ms)
		return end_of_impatience(fd);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length))
		return CROWD_OTHER;
	return end_of(err);
}

/* connect(2) itself has failed: that may be for want of a route, or nothing of what is done here. */
static void note_early_failure(int err, const struct crowd_failed *times)
{
	int peer = shared->cut[me->client];

	if (peer >= 0 && end_of(err) == CROWD_UNREACHABLE)
		note_end(peer, CROWD_NO_ROUTE, times);
	else
		note_problem("connect(2) failed: %s", strerror(err));
}

static void take_up(int fd, int peer)
{
	expect_greeting(fd, peer);
	held[held_count] = (struct pollfd){.fd = fd, .events = POLLIN};
	held_peers[held_count++] = peer;
}

/* The connect is under way. */
static void follow(int fd, const struct crowd_failed *times)
{
	struct sockaddr_in source = {0};
	socklen_t length = sizeof(source);
	enum crowd_end end;
	int peer;

	getsockname(fd, (struct sockaddr *)&source, &length);
	peer = town_peer_of(&source);
	if (peer < 0) {
		note_problem("a connection was not sent to any peer");
		close(fd);
		return;
	}
	end = await_end(fd, times);
	if (end != CROWD_ESTABLISHED)
		close(fd);
	note_end(peer, end, times);
	if (end == CROWD_ESTABLISHED)
		take_up(fd, peer);
}

static void open_one(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err;
	struct crowd_failed times = {.start_ns = clock_now_ns()};

	err = connect(fd, (struct sockaddr *)&target, sizeof(target)) ? errno : 0;
	times.sent_ns = clock_now_ns();
	if (!err || err == EINPROGRESS) {
		follow(fd, &times);
		return;
	}
	note_early_failure(err, &times);
	close(fd);
}

/* There are sometimes more and sometimes fewer of them. */
static void run_one(void)
{
	if (!held_count || (held_count < HELD_MAX && rand() % 20 < 11))
		open_one();
	else
		drop((nfds_t)rand() % held_count);
	tend(rand() % PAUSE_MS);
}

static void work(unsigned seed)
{
	enum crowd_phase phase;

	srand(seed);
	do {
		phase = shared->phase;
		if (phase == CROWD_RUNS)
			run_one();
		else
			tend(PAUSE_MS);
		while (phase == CROWD_CLOSES && held_count)
			drop(0);
		me->reached = phase;
	} while (phase != CROWD_LEAVES);
	_exit(0);
}

void crowd_start(const char *vip, unsigned seed)
{
	shared = crew_memory(sizeof(*shared));
	target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(TOWN_PORT)};
	assert_int_equal(inet_pton(AF_INET, vip, &target.sin_addr), 1);
	for (int client = 0; client < TOWN_CLIENTS; client++)
		shared->cut[client] = -1;
	for (unsigned i = 0; i < WORKERS; i++) {
		me = &shared->workers[i];
		me->client = client_of[i];
		town_visit(me->client);
		pids[i] = lab_fork();
		if (!pids[i])
			work(seed + i);
		town_leave();
	}
}

static bool have_reached(void *arg)
{
	const enum crowd_phase *phase = arg;

	for (int i = 0; i < WORKERS; i++)
		if (shared->workers[i].reached != *phase)
			return false;
	return true;
}

void crowd_tell(enum crowd_phase phase)
{
	shared->phase = phase;
	patience_wait(have_reached, &phase, "all clients to do as they are told");
}

void crowd_stop(void)
{
	int status;

	shared->phase = CROWD_LEAVES;
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
}

void crowd_note_cut(int client, int peer)
{
	shared->cut[client] = peer;
}

struct crowd_tally crowd_tally(int peer)
{
	struct crowd_tally sum = {0};

	for (int i = 0; i < WORKERS; i++) {
		const struct crowd_tally *tally = &shared->workers[i].tallies[peer];

		for (int end = 0; end < CROWD_END_MAX_; end++)
			sum.ends[end] += tally->ends[end];
		sum.no_route += tally->no_route;
		sum.closed += tally->closed;
		sum.silent += tally->silent;
	}
	return sum;
}

size_t crowd_failed(struct crowd_failed *ret, size_t max)
{
	size_t count = 0;

	for (int i = 0; i < WORKERS; i++) {
		const struct worker *worker = &shared->workers[i];

		for (size_t j = 0; j < worker->failed_count; j++, count++)
			if (count < max)
				ret[count] = worker->failed[j];
	}
	return count;
}

const char *crowd_problem(void)
{
	for (int i = 0; i < WORKERS; i++)
		if (shared->workers[i].problem[0])
			return shared->workers[i].problem;
	return "";
}
