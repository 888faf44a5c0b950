/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML 1.2 as JSON values, so that one decoder serves both. Knows nothing of what it reads.
 */
#ifndef GWBPF_SOURCE_YAML_H
#define GWBPF_SOURCE_YAML_H

#include <stddef.h>

#include "source/document.h"

#define YAML_DEPTH_MAX 64
#define YAML_MESSAGE_MAX 256

/*
 * Give one document after the other to visitor, from `at` to the end. Plain scalars are typed by the
 * core schema of YAML 1.2 ("true", "7051" and "null" are no text, "yes" and "10.96.0.1" are), quoted
 * ones are text.
 *
 * An alias is a copy of what its anchor names; "<<" adds what an object does not have; of tags those
 * of YAML itself are known, as "!!str" and "!!binary". All of that is what kubectl reads as well.
 *
 * -EINVAL if it is no YAML, nested deeper than YAML_DEPTH_MAX, has another tag, or its aliases stand
 * for more than YAML_COPIED_BYTES_MAX. message, of YAML_MESSAGE_MAX bytes, then says what and in
 * which line of text. -ENOMEM, or what the visitor returned.
 */
int yaml_parse(const char *text, size_t size, size_t at, const struct document_visitor *visitor,
	       char *message);

#endif
