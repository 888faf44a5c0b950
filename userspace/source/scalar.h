/* SPDX-License-Identifier: Apache-2.0 */
/* What a plain scalar of YAML 1.2 is: null, true, false, a number, or nothing but text. */
#ifndef GWBPF_SOURCE_SCALAR_H
#define GWBPF_SOURCE_SCALAR_H

#include <stddef.h>

#include <jansson.h>

/* NULL for text. A whole number beyond 64 bits is a real one, as everywhere in Kubernetes. */
json_t *scalar_value(const char *text, size_t length);

#endif
