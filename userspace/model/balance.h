/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections of this node's clients are to leave each backend of a Service, so that the
 * backends become even, and which backend takes them. Pure: who moves a connection, and how, is
 * not known here.
 *
 * Every node decides alone, for its own connections, from the same counts. Of what a backend has
 * too much a node moves its share: all of it where no other node has connections there, and the
 * nearer to half of its share the more the others have, so that all together do not move too many.
 */
#ifndef GWBPF_MODEL_BALANCE_H
#define GWBPF_MODEL_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct balance_backend {
	uint32_t active; /* its connections, from every node whose counts are known */
	uint32_t own;    /* those of this node's clients, a part of active */
	uint16_t weight; /* its share of all connections is by this; 0: it is to have none */
	bool receives;   /* may take more: usable, not in slow start, not draining */
	uint32_t leave;  /* balance_decide(): how many of own are to leave */
};

/* A number from 0 up to, but not including, 1. */
typedef double (*balance_random)(void *arg);

/*
 * Set `leave` of each backend, from counts that are new since the last decision: twice on the same
 * counts moves too many. A backend with weight 0 is not emptied by this: a drain does that.
 * Even are backends of which none has more than its share rounded up, nor, if it receives, fewer
 * than its share rounded down; then nothing leaves.
 * Returns how many leave in all.
 */
uint32_t balance_decide(struct balance_backend *backends, size_t count, balance_random random,
			void *arg);

/*
 * Which backend takes one connection that leaves another: each that receives with a probability by
 * what it lacks. Count it there (active, own) before the next call. Returns count if none lacks
 * anything.
 */
size_t balance_destination(const struct balance_backend *backends, size_t count,
			   balance_random random, void *arg);

#endif
