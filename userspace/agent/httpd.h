/* SPDX-License-Identifier: Apache-2.0 */
/* Health, metrics, status page and the JSON of the commands, over HTTP. */
#ifndef GWBPF_AGENT_HTTPD_H
#define GWBPF_AGENT_HTTPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/stats.h"

struct event_base;
struct httpd;

/* Something that /readyz asks. Returns whether it is well; detail says more. */
struct httpd_check {
	const char *name;
	int (*is_well)(char *detail, size_t size, void *arg);
	void *arg;
};

#define HTTPD_CHECKS_MAX 8
#define HTTPD_DETAIL_MAX 512

struct httpd_options {
	const char *listen; /* "ADDR:PORT" */
	const char *pin_dir;
	const struct stats *stats; /* there when the loop begins, not before */
	uint32_t metrics_backends;
	bool names_clients; /* everything, not only health and metrics: for loopback alone */
	struct httpd_check checks[HTTPD_CHECKS_MAX];
	size_t check_count;
};

/* options must outlive it. -EINVAL: not an address and port, or not on loopback where that is
 * demanded; what bind(2) says. */
int httpd_start(struct event_base *base, const struct httpd_options *options, struct httpd **ret);
void httpd_stop(struct httpd *httpd); /* takes NULL */

#endif
