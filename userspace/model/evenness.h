/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How even the connections of a Service stand on the backends that take new ones, by their weights:
 * the one formula for what is printed and what is exported. Pure.
 */
#ifndef GWBPF_MODEL_EVENNESS_H
#define GWBPF_MODEL_EVENNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evenness {
	size_t backends; /* all zero: none */
	uint64_t connections;
	uint64_t weights;
	double most;         /* connections that a backend has for its weight */
	double most_but_one; /* the same, with one connection fewer */
};

/* Add a backend. One of weight 0 takes no connections, and does not count. */
void evenness_add(struct evenness *evenness, uint32_t connections, uint32_t weight);

/* Connections of the fullest backend, for its weight, to the mean: 1 is even, 1.5 is half as much
 * again as its share. 0: there are no connections. */
double evenness_ratio(const struct evenness *evenness);

/* No backend has more than one connection above its share. */
bool evenness_is_even(const struct evenness *evenness);

#endif
