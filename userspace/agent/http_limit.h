/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection limit of an HTTP server of libevent's. Whoever opens many connections, sends bytes
 * that never become a request, or does not read an answer must neither use up the agent's
 * descriptors, nor hold up its loop, nor keep others out:
 *
 * - Each turn of the loop accepts a bounded number of connections.
 * - Every connection counts, in whatever state its socket is, until the server has closed it.
 * - Requests that are not complete and answers that are under way have room of their own each. One
 *   too many closes the oldest of its kind. A short request that comes in one piece, as that for
 *   the health, is complete at once and so is never the oldest.
 * - A connection serves one request, and lives for HTTP_LIMIT_SECONDS at most, unless it is kept:
 *   an answer that does not end, of which there are few.
 */
#ifndef GWBPF_AGENT_HTTP_LIMIT_H
#define GWBPF_AGENT_HTTP_LIMIT_H

#include <stdbool.h>

#define HTTP_LIMIT_UNFINISHED 32 /* requests that are not complete */
#define HTTP_LIMIT_ANSWERS 8     /* answers that are made or sent: each may be many megabytes */
#define HTTP_LIMIT_SECONDS 20
#define HTTP_LIMIT_KEPT 8

struct event_base;
struct evhttp;
struct evhttp_bound_socket;
struct evhttp_request;
struct http_limit;

/* Limit the connections of http that come in at socket, its only one. -ENOMEM */
int http_limit_new(struct event_base *base, struct evhttp *http, struct evhttp_bound_socket *socket,
		   struct http_limit **ret);
void http_limit_free(struct http_limit *limit); /* takes NULL; after http, which closes them */

/* To be called first for each request: it is complete, and its answer is the connection's last. */
void http_limit_note(struct http_limit *limit, struct evhttp_request *request);

/* The answer to this request has no end: it has no time limit, and no part in that of answers. false:
 * there are as many already. */
bool http_limit_keep(struct http_limit *limit, struct evhttp_request *request);

#endif
