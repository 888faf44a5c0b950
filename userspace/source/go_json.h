/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as Kubernetes writes it, which is as Go reads it. Knows nothing of what it says. */
#ifndef GWBPF_SOURCE_GO_JSON_H
#define GWBPF_SOURCE_GO_JSON_H

#include <stddef.h>

#include <jansson.h>

/*
 * json_loadb() of jansson, but for two escapes that Go takes and jansson does not: the zero
 * character (\u0000) and half of a surrogate pair (\ud800). Whoever may annotate one Service can
 * write them, and the list that has it must stay readable. Both become U+FFFD, as no name and no
 * value that means anything has it. NULL, and *error, if the text is no JSON.
 */
json_t *go_json_load(const char *text, size_t size, size_t flags, json_error_t *error);

#endif
