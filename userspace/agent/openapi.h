/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the JSON API has, told by itself: a list of its paths, and their description as OpenAPI 3.0.
 * Whoever serves the paths adds each of them.
 */
#ifndef GWBPF_AGENT_OPENAPI_H
#define GWBPF_AGENT_OPENAPI_H

#include <stdbool.h>

#include "report/columns.h"
#include "report/json.h"

struct openapi_path {
	const char *path;
	const char *summary;
	const struct columns *columns; /* of the items of a list; NULL: of something else */
	bool is_post;                  /* asked for with POST and a JSON object, else with GET */
	bool is_on_socket;             /* there alone: it names clients, or changes something */
};

/* To an array of items, and to an object of descriptions. */
void openapi_add_item(const struct openapi_path *path, json_t **items);
void openapi_add_description(const struct openapi_path *path, json_t **paths);

/* Takes the descriptions; the caller owns the answer. NULL: out of memory. */
json_t *openapi_document(json_t *paths);

#endif
