/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canary: a connection of the agent's own to a reserved address, which the hooks send back to
 * the agent. If it comes, and every hook has left its mark, the hooks are live.
 */
#ifndef GWBPF_AGENT_CANARY_H
#define GWBPF_AGENT_CANARY_H

#include <stdbool.h>
#include <stdint.h>

#include <gwbpf/abi.h>

/*
 * SO_MARK of the canary's packets, by which its listener knows them. Only who has CAP_NET_ADMIN can
 * give it to his own. None of its bits is one that kube-proxy or a network plugin gives a meaning.
 */
#define CANARY_MARK 0x27u

struct canary;
struct event_base;
struct proofs;

/* Listen on loopback for it. base and meta must outlive it. What socket(2) and bind(2) say. */
int canary_open(struct event_base *base, struct gw_meta *meta, struct canary **ret);
void canary_close(struct canary *canary); /* takes NULL; one that flies is told to have failed */

struct canary_flight {
	int missing; /* the hooks that it did not pass, 1 << enum gw_hook; 0: all are live */
	int error;   /* what connect(2) said where it failed; 0: it came through */
};

/*
 * Send it, from a process inside the cgroup; the loop goes on meanwhile. done is told of its end,
 * milliseconds later, or two seconds if a hook is dead; err is -errno if it could not be sent.
 * -EALREADY: the last one still flies.
 */
struct canary_send {
	int cgroup_fd;
	struct proofs
		*proofs; /* that go with it, and are taken in if it came through; NULL: none */
	void (*done)(int err, const struct canary_flight *flight, void *arg);
	void *arg;
};
int canary_send(struct canary *canary, const struct canary_send *send);

#endif
