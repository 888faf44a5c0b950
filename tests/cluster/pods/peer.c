/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs in the pods of the cluster tests: a server that tells its name and holds every
 * connection, and clients as gRPC's are: few connections, held for good, opened again when lost.
 * Without an argument it waits, and so holds a pod's namespaces. It knows nothing of gwbpf: it
 * dials the Service's address.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HELD_MAX 1024
#define RETRY_MS 200
#define LOAD_EVERY_NS 10000000 /* a hundred connects a second */

static volatile sig_atomic_t is_told_to_end;

static const char *own_name(void)
{
	static char host[64];
	const char *name = getenv("POD_NAME");

	if (name)
		return name;
	gethostname(host, sizeof(host) - 1);
	return host;
}

/* Both families: an IPv6 socket that also takes IPv4. */
static int listen_on(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int on = 1, off = 0, fd;

	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 128)) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static int greet(int listener, struct pollfd *held, nfds_t *count)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		return -errno;
	if (*count == HELD_MAX || dprintf(fd, "%s\n", own_name()) < 0) {
		close(fd);
		return 0;
	}
	held[(*count)++] = (struct pollfd){.fd = fd, .events = POLLIN};
	return 0;
}

/* A client says nothing more: what can be read is the end of its connection. */
static void drop_ended(struct pollfd *held, nfds_t *count)
{
	for (nfds_t i = 1; i < *count; i++) {
		if (!held[i].revents)
			continue;
		close(held[i].fd);
		held[i--] = held[--*count];
	}
}

static int serve(uint16_t port)
{
	static struct pollfd held[HELD_MAX];
	nfds_t count = 1;
	int fd = listen_on(port);

	if (fd < 0)
		return fd;
	held[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	while (poll(held, count, -1) >= 0) {
		bool is_new = held[0].revents;

		drop_ended(held, &count);
		if (is_new && greet(fd, held, &count))
			break;
	}
	return -errno;
}

/* Connect and read the server's name; the descriptor, or -errno. */
static int dial(const struct addrinfo *to, char name[64])
{
	int fd = socket(to->ai_family, SOCK_STREAM, 0), error = ECONNRESET;
	ssize_t got;

	if (fd < 0)
		return -errno;
	if (connect(fd, to->ai_addr, to->ai_addrlen)) {
		error = errno;
		goto fail;
	}
	got = read(fd, name, 63);
	if (got < 1) {
		error = got ? errno : ECONNRESET;
		goto fail;
	}
	name[got - 1] = '\0';
	return fd;
fail:
	close(fd);
	return -error;
}

static int hold_one(const struct addrinfo *to, struct pollfd *slot)
{
	char name[64];
	int fd = dial(to, name);

	printf("%s\n", fd < 0 ? strerrorname_np(-fd) : name);
	if (fd < 0)
		return fd;
	*slot = (struct pollfd){.fd = fd, .events = POLLIN};
	return 0;
}

/* Keep count connections open; one that ends is opened again. */
static int hold(const struct addrinfo *to, nfds_t count)
{
	static struct pollfd held[HELD_MAX];

	for (nfds_t i = 0; i < count; i++)
		held[i].fd = -1;
	for (;;) {
		bool is_short = false;

		for (nfds_t i = 0; i < count; i++)
			if (held[i].fd < 0 && hold_one(to, &held[i]))
				is_short = true;
		if (poll(held, count, is_short ? RETRY_MS : -1) < 0)
			return -errno;
		for (nfds_t i = 0; i < count; i++) {
			if (held[i].fd < 0 || !held[i].revents)
				continue;
			close(held[i].fd);
			held[i].fd = -1;
		}
	}
}

/* Open count connections one after the other and close each at once; 0 if all were answered. */
static int ask(const struct addrinfo *to, nfds_t count)
{
	int error = 0;

	for (nfds_t i = 0; i < count; i++) {
		char name[64];
		int fd = dial(to, name);

		printf("%s\n", fd < 0 ? strerrorname_np(-fd) : name);
		if (fd < 0)
			error = fd;
		else
			close(fd);
	}
	return error;
}

static void end_soon(int signal)
{
	(void)signal;
	is_told_to_end = 1;
}

/*
 * Wait for the next connect's turn. Turns are counted from the first: on a machine that is busy
 * the rate is the same in the long run.
 */
static void wait_turn(struct timespec *turn)
{
	turn->tv_nsec += LOAD_EVERY_NS;
	if (turn->tv_nsec >= 1000000000) {
		turn->tv_nsec -= 1000000000;
		turn->tv_sec++;
	}
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, turn, NULL);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Connect and close until told to end; a line for each failure, and at the end how many they were. */
static int load(const struct addrinfo *to)
{
	unsigned long asked = 0;
	struct timespec start, turn;

	signal(SIGTERM, end_soon);
	clock_gettime(CLOCK_MONOTONIC, &start);
	turn = start;
	for (; !is_told_to_end; asked++) {
		char name[64];
		int fd = dial(to, name);

		if (fd < 0)
			printf("%s\n", strerrorname_np(-fd));
		else
			close(fd);
		wait_turn(&turn);
	}
	printf("asked %lu, %.0f a second\n", asked, (double)asked / seconds_since(&start));
	return 0;
}

static int run_client(char **argv)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	nfds_t count = argv[4] ? strtoul(argv[4], NULL, 10) : 0;
	struct addrinfo *to;

	if (count > HELD_MAX || getaddrinfo(argv[2], argv[3], &hints, &to))
		return -EINVAL;
	if (!strcmp(argv[1], "load"))
		return load(to);
	return strcmp(argv[1], "hold") ? ask(to, count) : hold(to, count);
}

static bool is_client(int argc, char **argv)
{
	if (argc == 4)
		return !strcmp(argv[1], "load");
	return argc == 5 && (!strcmp(argv[1], "hold") || !strcmp(argv[1], "ask"));
}

int main(int argc, char **argv)
{
	int error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	/* As the first process of a pod it would otherwise ignore the order to end. */
	signal(SIGTERM, _exit);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && !strcmp(argv[1], "serve")) {
		error = serve((uint16_t)strtoul(argv[2], NULL, 10));
	} else if (is_client(argc, argv)) {
		error = run_client(argv);
	} else if (argc == 1) {
		error = pause();
	} else {
		fprintf(stderr,
			"usage: peer serve PORT | hold|ask ADDRESS PORT COUNT | load ADDRESS PORT\n");
		return 2;
	}
	if (error)
		fprintf(stderr, "peer: %s\n", strerror(-error));
	return error ? 1 : 0;
}
