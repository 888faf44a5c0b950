/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON text to values, for texts of any length: what a List holds is parsed and given away piece by
 * piece, because the values of a text take ten times its memory. Knows nothing of what it reads.
 */
#ifndef GWBPF_SOURCE_JSON_TEXT_H
#define GWBPF_SOURCE_JSON_TEXT_H

#include <stddef.h>

#include "source/document.h"

#define JSON_TEXT_DEPTH_MAX 64
#define JSON_TEXT_MESSAGE_MAX 256

/*
 * Parse the JSON object that begins at *at; *at is behind it afterwards. -EINVAL if it is none, has
 * a key twice, or is nested deeper than JSON_TEXT_DEPTH_MAX: message, of JSON_TEXT_MESSAGE_MAX
 * bytes, says what and in which line of text. -ENOMEM, or what the visitor returned.
 */
int json_text_parse(const char *text, size_t size, size_t *at,
		    const struct document_visitor *visitor, char *message);

#endif
