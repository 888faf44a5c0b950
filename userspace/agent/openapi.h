/* SPDX-License-Identifier: Apache-2.0 */
/* What the JSON API has, told by itself: a list of its paths, and their description as OpenAPI 3.0. */
#ifndef GWBPF_AGENT_OPENAPI_H
#define GWBPF_AGENT_OPENAPI_H

#include "report/json.h"

/* The caller owns them; NULL: out of memory. */
json_t *openapi_index(const char *node);
json_t *openapi_description(void);

#endif
