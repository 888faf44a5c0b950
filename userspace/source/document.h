/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes what a text says, be it YAML or JSON. */
#ifndef GWBPF_SOURCE_DOCUMENT_H
#define GWBPF_SOURCE_DOCUMENT_H

#include <stdbool.h>

#include <jansson.h>

struct document_visitor {
	/* NULL, or: an element of the array "items" of a document, as soon as it is complete.
	 * 1: it is done with and forgotten; 0: it stays; or -errno: parsing ends with that. */
	int (*item)(const json_t *item, void *arg);
	/* A document, with the items that stayed; an empty one is null. 0 or -errno, likewise. */
	int (*document)(const json_t *document, void *arg);
	/* Of a key that is there twice the last one counts; else the text is refused. YAML only. */
	bool last_key_wins;
	void *arg;
};

#endif
