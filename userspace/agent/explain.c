// SPDX-License-Identifier: Apache-2.0
#include "agent/explain.h"

#include <stdint.h>
#include <string.h>

#include "agent/sync.h"
#include "base/addr.h"
#include "model/annotations.h"
#include "model/choose.h"
#include "model/why.h"
#include "report/json.h"

/* --- settings ------------------------------------------------------------------------------ */

/* What is refused keeps all of what was in force before. */
static const char *origin_of(const struct service *service, size_t number)
{
	if (!annotations_has(service, number))
		return "default";
	return *service->invalid ? "last-good" : "annotation";
}

static json_t *settings_to_json(const struct service *service)
{
	json_t *settings = json_array();
	const char *key;

	for (size_t i = 0; (key = annotations_key(i)); i++)
		json_add(&settings,
			 json_pack("{ss ss}", "name", key, "from", origin_of(service, i)));
	return settings;
}

/* --- endpoints ----------------------------------------------------------------------------- */

static void add_endpoint(const struct why_endpoint *one, void *arg)
{
	const struct endpoint *endpoint = one->endpoint;
	json_t **endpoints = arg;

	json_add(endpoints,
		 json_pack("{so si so so so sb sb sb so ss}", "address",
			   json_address(&endpoint->address), "port", one->port, "pod",
			   json_text_or_null(endpoint->pod), "node",
			   json_text_or_null(endpoint->node), "zone",
			   json_text_or_null(endpoint->zone), "ready", endpoint->ready, "serving",
			   endpoint->serving, "terminating", endpoint->terminating, "weight",
			   one->member ? json_integer(one->member->weight) : json_null(), "reason",
			   why_name(one->why)));
}

static json_t *choice_to_json(const struct model *model, const struct choice *choice)
{
	json_t *endpoints = json_array();
	bool is_place = choice->port; /* a Service without an address has none */

	why_visit_endpoints(model, choice, add_endpoint, &endpoints);
	return json_pack("{so so si ss ss so}", "portName", json_text(choice->port_name), "address",
			 is_place ? json_address(&choice->vip) : json_null(), "port", choice->port,
			 "verdict", verdict_name(choice->verdict), "reason",
			 choice_reason_name(choice->reason), "endpoints", endpoints);
}

static json_t *ports_to_json(const struct sync *sync, const struct service *service)
{
	struct place place = sync_place(sync);
	json_t *ports = json_array();
	struct choice *choices;
	size_t count;

	if (choose(sync_model(sync), service, &place, &choices, &count)) {
		json_decref(ports);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		json_add(&ports, choice_to_json(sync_model(sync), &choices[i]));
	choices_free(choices, count);
	return ports;
}

/* --- whom it is about ---------------------------------------------------------------------- */

struct search {
	const struct model *model;
	struct gw_addr address;
	json_int_t port; /* 0: any */
	const struct service *found;
};

static bool has_port(const struct service *service, json_int_t port)
{
	for (size_t i = 0; i < service->port_count; i++)
		if (service->ports[i].port == port)
			return true;
	return false;
}

/* One that has the address and the port, or else the first that has the address. */
static bool look_at(const char *namespace, const char *name, void *arg)
{
	struct search *search = arg;
	const struct service *service = model_find_service(search->model, namespace, name);

	for (size_t i = 0; service && i < service->vip_count; i++)
		if (!addr_compare(&service->vips[i], &search->address) &&
		    (!search->found || has_port(service, search->port)))
			search->found = service;
	return true;
}

static const struct service *find_by_address(const struct model *model, const json_t *asked)
{
	const char *text = json_string_value(json_object_get(asked, "address"));
	struct search search = {
		.model = model,
		.port = json_integer_value(json_object_get(asked, "port")),
	};

	if (addr_parse(text, &search.address))
		return NULL;
	model_visit_all(model, look_at, &search);
	return search.found;
}

static json_t *service_to_json(const struct sync *sync, const struct service *service)
{
	return json_pack("{sb so so so so so}", "found", true, "namespace",
			 json_text(service->namespace), "name", json_text(service->name), "refused",
			 json_text_or_null(service->invalid), "settings", settings_to_json(service),
			 "ports", ports_to_json(sync, service));
}

json_t *explain_asked(const struct sync *sync, const json_t *asked)
{
	const char *namespace = json_string_value(json_object_get(asked, "namespace"));
	const char *name = json_string_value(json_object_get(asked, "name"));
	const struct service *service;

	if (namespace && name)
		service = model_find_service(sync_model(sync), namespace, name);
	else if (json_string_value(json_object_get(asked, "address")))
		service = find_by_address(sync_model(sync), asked);
	else
		return NULL;
	return service ? service_to_json(sync, service) : json_pack("{sb}", "found", false);
}
