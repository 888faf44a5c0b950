/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Label selectors, in the grammar of the API server (kubernetes/apimachinery/pkg/labels): what one
 * asks for, and whether an object's labels meet it. Knows nothing of pods.
 */
#ifndef GWBPF_MODEL_SELECTOR_H
#define GWBPF_MODEL_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#define SELECTOR_REASON_MAX 192
#define SELECTOR_BYTES_MAX 1024 /* each pod of the node is compared with all of it */

struct label {
	const char *key;
	const char *value;
};

/* One block of memory, texts and all: free(3) it. NULL: no labels. */
struct labels {
	size_t count;
	struct label items[];
};

/* A copy of these, which are the caller's. NULL: no memory. */
struct labels *labels_copy(const struct label *items, size_t count);

/* One block of memory: free(3) it. NULL meets nothing. */
struct selector;

/*
 * Read "app=x,tier in (a,b),!c": requirements that must all be met. An empty text gives NULL, which
 * meets nothing. -EINVAL: then reason says what is wrong and what is allowed; -ENOMEM.
 */
int selector_parse(const char *text, struct selector **ret, char reason[SELECTOR_REASON_MAX]);

bool selector_is_met(const struct selector *selector, const struct labels *labels);

/* The text that it was read from; "" for NULL. */
const char *selector_text(const struct selector *selector);

#endif
