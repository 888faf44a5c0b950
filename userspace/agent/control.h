/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What root may ask through the control socket: rounds of rebalance, drains and weights, on this
 * node alone, and what the agent makes of a Service. A request is a POST with a JSON object, and so is the answer.
 */
#ifndef GWBPF_AGENT_CONTROL_H
#define GWBPF_AGENT_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

struct rebalance;
struct sync;
struct tables;

struct control {
	struct tables *tables;
	struct rebalance *rebalance;
	const char *node;
	const struct sync *sync;
};

/* status is that of HTTP; json is the answer, with {"message": text} if it is not 200. */
typedef void (*control_done)(int status, const char *json, void *arg);

struct control_request {
	const char *body;
	size_t length;
	control_done done;
	void *arg;
};

bool control_has(const char *path);

/* All paths, from 0, and what each does; NULL: there are no more. */
const char *control_path(size_t i, const char **summary);

/* Do what is asked for at a path that control_has(). done is called once, perhaps later. */
void control_run(const struct control *control, const char *path,
		 const struct control_request *request);

#endif
