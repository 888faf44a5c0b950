/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights by the names of pods: what an operator lists, and what it means for one pod. Knows
 * nothing of Services or endpoints.
 */
#ifndef GWBPF_MODEL_WEIGHTS_H
#define GWBPF_MODEL_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIGHTS_REASON_MAX 192

struct weight {
	const char *key; /* the name of a pod, or what comes before a '-' in it */
	uint16_t value;  /* 0: no new connections */
};

/* One block of memory, keys and all: free(3) it. NULL is an empty list. */
struct weights {
	size_t count;
	struct weight items[]; /* ordered by key, no two alike */
};

/*
 * Read "org1-peer1=3,org1-peer2=1", or without weights "org1-peer1,org1-peer2", which gives all of
 * them 0. An empty text is an empty list. -EINVAL: then reason says what is wrong and what is
 * allowed; -ENOMEM.
 */
int weights_parse(const char *text, struct weights **ret, char reason[WEIGHTS_REASON_MAX]);
int weights_parse_names(const char *text, struct weights **ret, char reason[WEIGHTS_REASON_MAX]);

/* A block of its own with the same list; NULL is copied to NULL. -ENOMEM */
int weights_copy(const struct weights *weights, struct weights **ret);

/* NULL and a list of none are equal. */
bool weights_equal(const struct weights *a, const struct weights *b);

/* What the longest key that matches says of this pod; NULL: none does. */
const struct weight *weights_find(const struct weights *weights, const char *pod);

#endif
