// SPDX-License-Identifier: Apache-2.0
#include "agent/openapi.h"

#include <stddef.h>

#include "report/backends.h"
#include "report/connections.h"
#include "report/services.h"

/* tests/cli/http.bats asks for each of them, and compares the fields with those that come. */
static const struct {
	const char *path;
	const char *summary;
	const struct columns *columns; /* of the items of a list; NULL: of something else */
	bool is_on_socket;             /* only there: it names clients */
} paths[] = {
	{ "/api/v1/status", "What clients get, and what is not as it should be", NULL, false },
	{ "/api/v1/services", "Services, by port and address", &services_columns, false },
	{ "/api/v1/backends", "Backends, by Service port and address", &backends_columns, false },
	{ "/api/v1/events", "What has happened, the last thousand; with clients on the socket",
	  NULL, false },
	{ "/api/v1/connections", "Live connections", &connections_columns, true },
	{ "/api/v1/monitor", "Connections as they come and go, a line of JSON each", NULL, true },
	{ "/api/v1/openapi.json", "This description", NULL, false },
};

#define COUNT (sizeof(paths) / sizeof(paths[0]))

json_t *openapi_index(const char *node)
{
	json_t *items = json_array();

	for (size_t i = 0; i < COUNT; i++)
		json_add(&items,
			 json_pack("{ss ss sb}", "path", paths[i].path, "summary", paths[i].summary,
				   "controlSocketOnly", paths[i].is_on_socket));
	return json_list("PathList", node, items);
}

static json_t *fields_of(const struct columns *columns)
{
	json_t *properties = json_object();

	for (size_t i = 0; i < columns->count; i++)
		if (columns->items[i].field)
			json_object_set_new(properties, columns->items[i].field, json_object());
	return json_pack("{ss so}", "type", "object", "properties", properties);
}

static json_t *answer_of(size_t i)
{
	json_t *properties = json_pack("{s{ss} s{ss}}", "apiVersion", "type", "string", "kind",
				       "type", "string");

	if (paths[i].columns)
		json_object_set_new(properties, "items",
				    json_pack("{ss so}", "type", "array", "items",
					      fields_of(paths[i].columns)));
	return json_pack("{ss so}", "type", "object", "properties", properties);
}

static json_t *describe(size_t i)
{
	json_t *answers = json_pack("{s{ss s{s{so}}}}", "200", "description", paths[i].summary,
				    "content", "application/json", "schema", answer_of(i));

	return json_pack("{s{ss ss so}}", "get", "summary", paths[i].summary, "description",
			 paths[i].is_on_socket ? "On the control socket alone: it names clients."
					       : "At --listen, and on the control socket.",
			 "responses", answers);
}

json_t *openapi_description(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < COUNT; i++)
		json_object_set_new(all, paths[i].path, describe(i));
	return json_pack("{ss s{ss ss} so}", "openapi", "3.0.3", "info", "title", "gwbpf agent",
			 "version", GWBPF_VERSION, "paths", all);
}
