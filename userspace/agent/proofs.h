/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs that connects to the balanced addresses come to the hooks. A program of somebody else that
 * runs first may take an address, so that all is attached, all is live, and nothing is balanced.
 * Each proof is a connect of the agent's own that leaves no packet: the hook marks its socket.
 */
#ifndef GWBPF_AGENT_PROOFS_H
#define GWBPF_AGENT_PROOFS_H

#include <stdint.h>

#include "kernel/tables.h"

#define PROOFS_MAX 64 /* at a time; then the next ones */

struct evbuffer;
struct proofs;

/* tables must outlive it. -ENOMEM */
int proofs_new(struct tables *tables, struct proofs **ret);
void proofs_free(struct proofs *proofs); /* takes NULL */

/* Choose the next addresses. */
void proofs_choose(struct proofs *proofs);

/* Ask for them, from a process inside the cgroup of the hooks, and write the answers: in a child. */
int proofs_ask(const struct proofs *proofs, struct evbuffer *to);

/* What that child wrote, from offset on. 0, or -EIO. */
int proofs_take(struct proofs *proofs, int file, long offset);

/* The addresses that do not come to the hooks. */
typedef void (*proofs_visit)(uint32_t index, const struct gw_vip_key *key, void *arg);
void proofs_visit_taken(const struct proofs *proofs, proofs_visit visit, void *arg);

#endif
