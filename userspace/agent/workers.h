/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work beside the event loop: each piece in a child process, which sees the agent as it was
 * when it began, and leaves its answer in a file in memory.
 */
#ifndef GWBPF_AGENT_WORKERS_H
#define GWBPF_AGENT_WORKERS_H

#define WORKERS_SECONDS 10 /* for whom nothing else is right */

struct evbuffer;
struct event_base;
struct workers;

/*
 * base must outlive it. seconds: whoever runs for longer is killed. A child that does not even end
 * by that, as it waits in the kernel for somebody else, is given up: done is told, and the child's
 * place is free again when it has ended. -ENOMEM
 */
int workers_new(struct event_base *base, unsigned int seconds, struct workers **ret);
void workers_free(struct workers *workers); /* takes NULL; what runs is killed, and done is told */

struct work {
	/* In the child: write the answer. 0 or -errno */
	int (*make)(struct evbuffer *to, void *arg);
	/* In the agent, once: file is the answer and belongs to done; -errno if there is none. */
	void (*done)(int file, void *done_arg);
	void *arg;
	void *done_arg;
};

/* -EBUSY: enough run already; what fork(2) and memfd_create(2) say. Then done is not called. */
int workers_start(struct workers *workers, const struct work *work);

#endif
