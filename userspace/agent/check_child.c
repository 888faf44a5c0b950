// SPDX-License-Identifier: Apache-2.0
#include "agent/check_child.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/check_look.h"
#include "agent/check_message.h"
#include "agent/check_sandbox.h"
#include "agent/check_tls.h"

#define AGENT_FD 3
#define TURN_MAX 16 /* orders that are taken before others have a turn */

struct child {
	struct event_base *base;
	struct event *orders;
};

/* The agent has room for one answer to each of its orders: if it does not take one, it is about to
 * end this process. */
static void send_answer(const struct check_answer *answer, void *arg)
{
	struct child *child = arg;

	if (send(AGENT_FD, answer, sizeof(*answer), MSG_NOSIGNAL) != (ssize_t)sizeof(*answer) &&
	    errno != EAGAIN)
		event_base_loopbreak(child->base);
}

static void on_order(evutil_socket_t fd, short what, void *arg)
{
	struct child *child = arg;
	struct check_order order;

	(void)what;
	for (int i = 0; i < TURN_MAX; i++) {
		int peer, err = check_order_receive((int)fd, &order, &peer);

		if (err) {
			if (err != -EAGAIN)
				event_base_loopbreak(child->base);
			return;
		}
		if (order.kind == GW_CHECK_OFF)
			check_look_cancel(order.ticket);
		else
			check_look_start(child->base, &order, peer, send_answer, child);
	}
}

static int open_child(struct child *child)
{
	int err = check_tls_init();

	child->base = event_base_new();
	if (child->base)
		child->orders =
			event_new(child->base, AGENT_FD, EV_READ | EV_PERSIST, on_order, child);
	if (err || !child->orders || event_add(child->orders, NULL))
		return -ENOMEM;
	return 0;
}

int check_child_main(void)
{
	struct child child = {0};
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, CHECK_CHILD_NAME);
	signal(SIGPIPE, SIG_IGN);
	err = open_child(&child);
	if (!err)
		err = check_sandbox_drop();
	if (!err)
		err = check_sandbox_bound();
	if (!err)
		err = check_sandbox_enter();
	if (err) {
		fprintf(stderr, "cannot look at backends: %s\n", strerror(-err));
		return 1;
	}
	event_base_dispatch(child.base);
	event_free(child.orders);
	event_base_free(child.base);
	check_tls_done();
	return 0;
}
