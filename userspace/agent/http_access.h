/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask: by the Host header of a request, and by the other end of the control socket. */
#ifndef GWBPF_AGENT_HTTP_ACCESS_H
#define GWBPF_AGENT_HTTP_ACCESS_H

#include <stdbool.h>

struct evhttp_request;

/*
 * Whether a Host header names this machine by loopback: "localhost", a name below it, or an address
 * on loopback, with a port or without. A web page of a stranger that makes its own name lead to
 * loopback (DNS rebinding) is so told from people at their own browser (RFC 6761, 6.3).
 */
bool http_access_is_loopback_host(const char *host);

/* Whether root is at the other end of the unix socket that a request came through. */
bool http_access_is_root(struct evhttp_request *request);

#endif
