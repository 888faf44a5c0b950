/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many looks at backends are under way, and whose they are. A namespace may have no more than
 * are free: so peers that let each look run into its timeout keep nobody else from being looked
 * at. One namespace gets half of all, two get two thirds. And no more may begin in one turn than its
 * pace allows, as each costs this node something. Pure arithmetic on numbers.
 */
#ifndef GWBPF_AGENT_ASKED_H
#define GWBPF_AGENT_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#define ASKED_PLACES 1024 /* namespaces that share a place count as one */

struct asked {
	uint32_t most; /* at a time */
	uint16_t pace; /* of one namespace in one turn */
	uint32_t count;
	uint16_t of[ASKED_PLACES];
	uint16_t begun[ASKED_PLACES]; /* in this turn */
};

/* The place of a namespace: below ASKED_PLACES. */
uint16_t asked_place(const char *namespace);

bool asked_may(const struct asked *asked, uint16_t place);
void asked_begin(struct asked *asked, uint16_t place);
void asked_end(struct asked *asked, uint16_t place);

/* The next turn begins. */
void asked_turn(struct asked *asked);

/* None is under way any more. */
void asked_clear(struct asked *asked);

#endif
