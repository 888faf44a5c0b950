/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many looks at backends are under way, and whose they are. A namespace may have no more than
 * are free: so peers that let each look run into its timeout keep nobody else from being looked
 * at. One namespace gets half of all, two get two thirds. Pure arithmetic on numbers.
 */
#ifndef GWBPF_AGENT_ASKED_H
#define GWBPF_AGENT_ASKED_H

#include <stdbool.h>
#include <stdint.h>

#define ASKED_PLACES 1024 /* namespaces that share a place count as one */

struct asked {
	uint32_t most; /* at a time */
	uint32_t count;
	uint16_t of[ASKED_PLACES];
};

/* The place of a namespace: below ASKED_PLACES. */
uint16_t asked_place(const char *namespace);

bool asked_may(const struct asked *asked, uint16_t place);
void asked_begin(struct asked *asked, uint16_t place);
void asked_end(struct asked *asked, uint16_t place);

/* None is under way any more. */
void asked_clear(struct asked *asked);

#endif
