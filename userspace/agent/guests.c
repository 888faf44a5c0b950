// SPDX-License-Identifier: Apache-2.0
/*
 * libevent tells nobody when a server's connection ends, so the kernel is asked which there are
 * each time that one comes in.
 */
#include "agent/guests.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#define STATE_ESTABLISHED 1 /* TCP_ESTABLISHED of the kernel's net/tcp_states.h */

struct guests {
	struct evhttp *http;
	struct evconnlistener *listener;
	struct event *open_again;
	size_t limit;
};

/* Of those that are open; one that was shown out is no more. */
struct count {
	size_t count;
	int idlest;
	uint32_t idle_ms;
};

/* In the byte order of the network; it stands at the same place in both families. */
static in_port_t local_port(int fd)
{
	struct sockaddr_in6 address = {0};
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) ||
	    (address.sin6_family != AF_INET && address.sin6_family != AF_INET6))
		return 0;
	return address.sin6_port;
}

static void look_at(int fd, in_port_t port, struct count *count)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (local_port(fd) != port || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) ||
	    info.tcpi_state != STATE_ESTABLISHED)
		return;
	if (!count->count++ || info.tcpi_last_data_recv > count->idle_ms) {
		count->idlest = fd;
		count->idle_ms = info.tcpi_last_data_recv;
	}
}

static struct count look(int door)
{
	in_port_t port = local_port(door);
	DIR *files = opendir("/proc/self/fd");
	struct count count = {0};
	const struct dirent *file;

	while (files && (file = readdir(files)))
		look_at(atoi(file->d_name), port, &count);
	if (files)
		closedir(files);
	return count;
}

static void on_open_again(evutil_socket_t fd, short what, void *arg)
{
	struct guests *guests = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(guests->listener);
}

/*
 * Called for each that comes in. The server closes what is shut down when it sees its end: until
 * then, that is for the rest of this turn of the loop, nobody else is let in.
 */
static struct bufferevent *on_guest(struct event_base *base, void *arg)
{
	const struct timeval at_once = {0};
	struct guests *guests = arg;
	struct count count = look(evconnlistener_get_fd(guests->listener));

	(void)base;
	if (count.count > guests->limit) {
		shutdown(count.idlest, SHUT_RDWR);
		if (!event_add(guests->open_again, &at_once))
			evconnlistener_disable(guests->listener);
	}
	return NULL; /* the server makes its own */
}

int guests_new(struct event_base *base, struct evhttp *http, struct evhttp_bound_socket *door,
	       size_t limit, struct guests **ret)
{
	struct guests *guests = calloc(1, sizeof(*guests));

	if (!guests)
		return -ENOMEM;
	guests->http = http;
	guests->listener = evhttp_bound_socket_get_listener(door);
	guests->limit = limit;
	guests->open_again = event_new(base, -1, 0, on_open_again, guests);
	if (!guests->open_again) {
		free(guests);
		return -ENOMEM;
	}
	evhttp_set_bevcb(http, on_guest, guests);
	*ret = guests;
	return 0;
}

void guests_free(struct guests *guests)
{
	if (!guests)
		return;
	evhttp_set_bevcb(guests->http, NULL, NULL);
	event_free(guests->open_again);
	free(guests);
}
