/* SPDX-License-Identifier: Apache-2.0 */
/* Health, metrics, status page and the JSON of the commands, over HTTP. */
#ifndef GWBPF_AGENT_HTTPD_H
#define GWBPF_AGENT_HTTPD_H

#include <stddef.h>
#include <stdint.h>

#include "agent/http_listen.h"
#include "agent/stats.h"

struct control;
struct event_base;
struct httpd;
struct watchers;

/* Something that /readyz asks. Returns whether it is well; detail says more. */
struct httpd_check {
	const char *name;
	int (*is_well)(char *detail, size_t size, void *arg);
	void *arg;
};

#define HTTPD_CHECKS_MAX 8
#define HTTPD_DETAIL_MAX 512

/* Whom a server is for. */
enum httpd_for {
	HTTPD_FOR_MONITORING = 1, /* anybody: health and metrics, which name no client */
	HTTPD_FOR_NODE = 2,       /* loopback: also the status page and the API, without clients */
	HTTPD_FOR_ROOT = 4,       /* the control socket: everything */
};

struct httpd_options {
	const char *listen; /* "ADDR:PORT", ":PORT" or the path of the control socket */
	const char *pin_dir;
	const struct stats *stats; /* there when the loop begins, not before */
	uint32_t metrics_backends;
	const char *node;
	struct watchers **watchers; /* NULL: nobody can watch here; there as stats are */
	struct control *control;    /* NULL: nothing can be changed here; there as stats are */
	enum httpd_for is_for;
	struct httpd_check checks[HTTPD_CHECKS_MAX];
	size_t check_count;
};

/* options must outlive it. On failure message says what is wrong and what to do. */
int httpd_start(struct event_base *base, const struct httpd_options *options, struct httpd **ret,
		char message[HTTP_LISTEN_MESSAGE_MAX]);
void httpd_stop(struct httpd *httpd); /* takes NULL */

#endif
