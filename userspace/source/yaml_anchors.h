/* SPDX-License-Identifier: Apache-2.0 */
/* What the anchors of a YAML document stand for. Knows nothing of how it is parsed. */
#ifndef GWBPF_SOURCE_YAML_ANCHORS_H
#define GWBPF_SOURCE_YAML_ANCHORS_H

#include <stddef.h>

#include <jansson.h>

/* All copies that the aliases of one text ask for: a few lines of them can stand for gigabytes. */
#define YAML_COPIED_BYTES_MAX (8u << 20)

struct yaml_anchors {
	json_t *values; /* by name; NULL: there are none */
	size_t copied;  /* bytes, about */
};

/* From now on name stands for value, of which a reference is kept. -ENOMEM */
int yaml_anchors_set(struct yaml_anchors *anchors, const char *name, size_t length, json_t *value);

/* What name stands for; NULL if nothing does. It stays the anchors'. */
json_t *yaml_anchors_find(const struct yaml_anchors *anchors, const char *name, size_t length);

/*
 * A copy of value, which the caller owns. -E2BIG if it is nested deeper than depth, or with it
 * YAML_COPIED_BYTES_MAX are exceeded; -ENOMEM.
 */
int yaml_anchors_copy(struct yaml_anchors *anchors, const json_t *value, size_t depth,
		      json_t **ret);

/* At the end of a document, behind which its anchors mean nothing. What was copied stays counted. */
void yaml_anchors_clear(struct yaml_anchors *anchors);

#endif
