/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent of the soak: the program as it is shipped, started and killed, the manifests that it
 * watches, and what the commands show. All of it lies in a file system of this process's own.
 */
#ifndef GWBPF_TESTS_SOAK_AGENT_H
#define GWBPF_TESTS_SOAK_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "soak/crowd.h"
#include "soak/town.h"

#define AGENT_VIP "10.96.0.10"
#define AGENT_EJECTION_MS 2000 /* the base time, in the manifests */

void agent_open(void);
void agent_start(void);
void agent_kill(void);
bool agent_is_running(void);

/* Publish the Service with this policy and all peers but one (-1: all). */
void agent_publish(const char *policy, int absent);

/* What `gwbpf backends` shows of a peer. */
struct agent_peer {
	char state[16]; /* "": it is not listed */
	uint64_t attempts;
	uint64_t ends[CROWD_END_MAX_];
	uint64_t closed;
	uint64_t reset;
	uint64_t lost;
	uint64_t active;
	uint64_t ejections;
};

void agent_peers(struct agent_peer ret[TOWN_PEERS]);

/* How often `gwbpf status` has seen this way out of the hooks. */
uint64_t agent_reason(const char *name);

/* Whether `gwbpf status` finds nothing to complain of. */
bool agent_is_healthy(void);

#endif
