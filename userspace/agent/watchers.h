/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who watch connections as they come and go (`gwbpf monitor`): each gets a line of JSON for
 * each event, over a request at the control socket that does not end. The hooks tell the agent
 * alone, and only while somebody watches; it fans out. A watcher that reads too slowly loses lines,
 * which are counted and told to it; it holds up nobody.
 */
#ifndef GWBPF_AGENT_WATCHERS_H
#define GWBPF_AGENT_WATCHERS_H

#include <stdbool.h>

struct datapath;
struct event_base;
struct evhttp_request;
struct tables;
struct watchers;

struct watchers_options {
	struct event_base *base;
	struct datapath *datapath;
	struct tables *tables;
	const char *node;
};

/* All of the options must outlive it. -ENOMEM, or what mmap(2) says. */
int watchers_new(const struct watchers_options *options, struct watchers **ret);
void watchers_free(struct watchers *watchers); /* takes NULL; all requests end */

/*
 * A request that watches from now on: all, or by its query ("namespace", "service", "port") only
 * what is of one Service. It is replied to until it goes away or falls silent for a minute. false:
 * no memory, and nothing was replied.
 */
bool watchers_add(struct watchers *watchers, struct evhttp_request *request);

#endif
