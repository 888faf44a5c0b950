/* SPDX-License-Identifier: Apache-2.0 */
/* What the gwbpf.io/ annotations of a Service say. */
#ifndef GWBPF_MODEL_ANNOTATIONS_H
#define GWBPF_MODEL_ANNOTATIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "model/object.h"

/*
 * Read one annotation whose key begins with "gwbpf.io/" into the settings, weights or drain of the
 * Service. Each stands for itself: the order in which they are read means nothing.
 * Returns 0; -ENOENT for a key that is not known; -EINVAL for a bad value; -ENOMEM. On failure the
 * Service is untouched. For the first two, message says what is wrong and what is allowed, naming
 * the key.
 */
int annotations_set(struct service *service, const char *key, const char *value, char *message,
		    size_t size);

/* Every annotation that there is, in the order of the documentation. NULL: there are no more. */
const char *annotations_key(size_t number);

/* Whether what the Service goes by comes from this annotation; else it is the default. */
bool annotations_has(const struct service *service, size_t number);

#endif
