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

struct canary;

/* Listen on loopback for it. meta must outlive it. What socket(2) and bind(2) say. */
int canary_open(struct gw_meta *meta, struct canary **ret);
void canary_close(struct canary *canary); /* takes NULL */

struct canary_flight {
	int missing; /* the hooks that it did not pass, 1 << enum gw_hook; 0: all are live */
	int error;   /* what connect(2) said where it failed; 0: it came through */
};

/* Send it, from a process inside the cgroup, and wait for its end (milliseconds). -errno if it
 * could not be sent. */
int canary_send(struct canary *canary, int cgroup_fd, struct canary_flight *ret);

#endif
