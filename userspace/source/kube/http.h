/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET requests to the API server, any number at a time, in the agent's event loop. The only user of
 * libcurl. Knows nothing of what the answers mean.
 */
#ifndef GWBPF_SOURCE_KUBE_HTTP_H
#define GWBPF_SOURCE_KUBE_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "source/kube/config.h"
#include "source/sink.h"

struct event_base;
struct kube_http;
struct kube_request;

struct kube_answer {
	long status;             /* 0: none came */
	bool complete;           /* the answer came to its proper end */
	enum source_error error; /* unless complete */
	const char *reason;      /* likewise; valid during the call */
	const char *elsewhere;   /* the URL that it names instead, any text; "": none; likewise */
	uint32_t retry_after_ms; /* what the server asks for; 0: nothing */
};

struct kube_request_ops {
	/* The headers are here. */
	void (*started)(long status, void *arg);
	/* Bytes of the body. Any value but 0 ends the request: then ended() follows. */
	int (*received)(const char *bytes, size_t size, void *arg);
	/* The request is over and gone. Not called for one that is cancelled. */
	void (*ended)(const struct kube_answer *answer, void *arg);
};

/* -ENOMEM, or what the event loop says. Ignores SIGPIPE for the whole process. */
int kube_http_new(struct event_base *base, struct kube_http **ret);
void kube_http_free(struct kube_http *http); /* takes NULL; every request is over by then */

/* Call own for each socket that is made, before it connects. */
void kube_http_own_sockets(struct kube_http *http, void (*own)(int fd, void *arg), void *arg);

/* For how long no byte has come of any answer. */
uint64_t kube_http_quiet_ms(const struct kube_http *http);

/* Use none of the connections that there are for another request. */
void kube_http_distrust(struct kube_http *http);

struct kube_call {
	const struct kube_config *config; /* may go once kube_http_get() returns */
	const char *path;                 /* with its query, already escaped; likewise */
	uint32_t timeout_ms;              /* for all of it, to the last byte */
	const struct kube_request_ops *ops;
	void *arg;
};

/*
 * Begin a request. Its ops are called from the event loop only, and must not cancel it; ended() may
 * begin another. -ENOMEM; -EINVAL if the server's address is no URL.
 */
int kube_http_get(struct kube_http *http, const struct kube_call *call, struct kube_request **ret);
void kube_request_cancel(struct kube_request *request); /* takes NULL */

#endif
