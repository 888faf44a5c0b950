/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON that every command and the HTTP API answer with. What stands in it is a promise: fields
 * are added, never renamed or removed; what is unknown is null.
 *
 * Functions that make a value return NULL for want of memory; jansson passes that on.
 */
#ifndef GWBPF_REPORT_JSON_H
#define GWBPF_REPORT_JSON_H

#include <stdint.h>
#include <time.h>

#include <jansson.h>

#include <gwbpf/abi.h>

/* {"apiVersion", "kind", "observedBy"} */
json_t *json_answer(const char *kind, const char *node);

/* The same with "items". items is taken over. */
json_t *json_list(const char *kind, const char *node, json_t *items);

/* object with the fields of more, both taken over. */
json_t *json_extend(json_t *object, json_t *more);

/* Append item, which is taken over, to an array. Without memory that becomes NULL and stays so. */
void json_add(json_t **array, json_t *item);

json_t *json_text(const char *text);         /* what is no UTF-8 in it becomes '?' */
json_t *json_text_or_null(const char *text); /* null for "" and NULL */
const char *json_text_of(const json_t *object, const char *key); /* "" if there is no text */
json_t *json_identity(uint64_t value); /* as text: 64 bits do not fit every reader's number */
json_t *json_count(uint64_t value);
json_t *json_seconds(double seconds);     /* null below 0 */
json_t *json_instant(double age_seconds); /* so long ago, by RFC 3339; null below 0 */
json_t *json_time(time_t time);           /* RFC 3339, in UTC */
json_t *json_address(const struct gw_addr *address);

/* As it is sent and printed, with a newline at its end; answer is taken over. free(3) it. */
char *json_render(json_t *answer);

#endif
