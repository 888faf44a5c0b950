// SPDX-License-Identifier: Apache-2.0
/* tests/cli/http.bats asks for each path, and compares the fields with those that come. */
#include "agent/openapi.h"

#include <stddef.h>

static const char *method_of(const struct openapi_path *path)
{
	return path->is_post ? "post" : "get";
}

void openapi_add_item(const struct openapi_path *path, json_t **items)
{
	json_add(items, json_pack("{ss ss sb ss}", "path", path->path, "summary", path->summary,
				  "controlSocketOnly", path->is_on_socket, "method",
				  path->is_post ? "POST" : "GET"));
}

static json_t *fields_of(const struct columns *columns)
{
	json_t *properties = json_object();

	for (size_t i = 0; i < columns->count; i++)
		if (columns->items[i].field)
			json_object_set_new(properties, columns->items[i].field, json_object());
	return json_pack("{ss so}", "type", "object", "properties", properties);
}

static json_t *answer_of(const struct openapi_path *path)
{
	json_t *properties = json_pack("{s{ss} s{ss}}", "apiVersion", "type", "string", "kind",
				       "type", "string");

	if (path->columns)
		json_object_set_new(properties, "items",
				    json_pack("{ss so}", "type", "array", "items",
					      fields_of(path->columns)));
	return json_pack("{ss so}", "type", "object", "properties", properties);
}

static const char *place_of(const struct openapi_path *path)
{
	if (!path->is_on_socket)
		return "At --listen, and on the control socket.";
	return path->is_post ? "On the control socket alone. The body is a JSON object."
			     : "On the control socket alone: it names clients.";
}

void openapi_add_description(const struct openapi_path *path, json_t **paths)
{
	json_t *answers = json_pack("{s{ss s{s{so}}}}", "200", "description", path->summary,
				    "content", "application/json", "schema", answer_of(path));

	json_object_set_new(*paths, path->path,
			    json_pack("{s{ss ss so}}", method_of(path), "summary", path->summary,
				      "description", place_of(path), "responses", answers));
}

json_t *openapi_document(json_t *paths)
{
	return json_pack("{ss s{ss ss} so}", "openapi", "3.0.3", "info", "title", "gwbpf agent",
			 "version", GWBPF_VERSION, "paths", paths);
}
