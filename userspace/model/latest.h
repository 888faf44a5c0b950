/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When each of many things was last seen: one look-up, however many there are. Whoever has one says
 * what its two numbers mean.
 */
#ifndef GWBPF_MODEL_LATEST_H
#define GWBPF_MODEL_LATEST_H

#include <stddef.h>
#include <stdint.h>

struct latest_key {
	uint64_t a, b;
};

struct latest_entry {
	struct latest_key key;
	uint64_t time; /* 0: the place is free */
};

/* All zero: it is empty. seed: drawn at random where others choose the keys, so that they cannot
 * choose such as are slow to find. */
struct latest {
	struct latest_entry *entries;
	size_t size; /* a power of two, or 0 */
	size_t count;
	uint64_t seed;
};

void latest_done(struct latest *latest); /* empties it; the seed stays */

/* An earlier time than the one that is known changes nothing. time is not 0. -ENOMEM */
int latest_note(struct latest *latest, struct latest_key key, uint64_t time);

/* 0: never. */
uint64_t latest_of(const struct latest *latest, struct latest_key key);

#endif
