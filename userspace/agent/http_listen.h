/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets at which HTTP is served: on TCP, and the control socket. */
#ifndef GWBPF_AGENT_HTTP_LISTEN_H
#define GWBPF_AGENT_HTTP_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#define HTTP_LISTEN_MESSAGE_MAX 512

struct event_base;
struct evconnlistener;

/* Whether text is "ADDR:PORT", or ":PORT" for all addresses of both families. */
bool http_listen_is_address(const char *text);
bool http_listen_is_loopback(const char *text); /* an address on loopback */

/*
 * Listen there. An address with a slash is a path: a socket of mode 0600 is made there, in a
 * directory that is made if it is absent, and that nobody but root may write to; one that a killed
 * agent left is replaced. The listener gets its callback from libevent's HTTP server. On failure
 * -errno, and message says what is wrong and what to do.
 */
int http_listen(struct event_base *base, const char *address, struct evconnlistener **ret,
		char message[HTTP_LISTEN_MESSAGE_MAX]);

#endif
