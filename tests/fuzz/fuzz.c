// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"

void must(bool holds)
{
	if (!holds)
		abort();
}

/* jansson takes nothing that is not UTF-8, and what is told ends up in JSON. */
static void check_text(const char *text, size_t max)
{
	json_t *value = json_string(text);

	must(value && strlen(text) < max);
	json_decref(value);
}

void check_refusal(const char *object, const char *message, void *told)
{
	size_t *count = told;

	check_text(object, DECODE_MESSAGE_MAX);
	check_text(message, DECODE_MESSAGE_MAX);
	must(*message);
	++*count;
}

void check_service(const struct service *service)
{
	size_t i;

	check_text(service->namespace, GW_NAME_MAX);
	check_text(service->name, GW_NAME_MAX);
	check_text(service->invalid, DECODE_MESSAGE_MAX);
	must(*service->namespace && *service->name);
	must(service->settings_good == !*service->invalid);
	must(service->affinity_timeout_s > 0);
	must(service->vip_count <= SERVICE_VIPS_MAX && service->port_count <= DECODE_PORTS_MAX);
	for (i = 0; i < service->vip_count; i++)
		must(!addr_refusal(&service->vips[i]));
	for (i = 0; i < service->port_count; i++) {
		check_text(service->ports[i].name, GW_NAME_MAX);
		must(service->ports[i].port);
	}
}

static void check_hints(const char *hints)
{
	size_t length = strlen(hints);

	must(!length || (hints[0] != '\n' && hints[length - 1] == '\n'));
	must(!strstr(hints, "\n\n"));
}

static void check_endpoint(const struct endpoint *endpoint, enum address_family family)
{
	must(!addr_refusal(&endpoint->address));
	must(addr_is_ipv4(&endpoint->address) == (family == FAMILY_IPV4));
	check_text(endpoint->node, GW_LONG_NAME_MAX);
	check_text(endpoint->zone, GW_NAME_MAX);
	check_text(endpoint->pod, GW_LONG_NAME_MAX);
	check_hints(endpoint->zone_hints);
	check_hints(endpoint->node_hints);
}

void check_slice(const struct slice *slice)
{
	size_t i;

	check_text(slice->namespace, GW_NAME_MAX);
	check_text(slice->name, GW_LONG_NAME_MAX);
	check_text(slice->service, GW_NAME_MAX);
	must(*slice->namespace && *slice->name && *slice->service);
	must(slice->endpoint_count <= DECODE_ENDPOINTS_MAX);
	must(slice->port_count <= DECODE_PORTS_MAX);
	for (i = 0; i < slice->port_count; i++) {
		check_text(slice->ports[i].name, GW_NAME_MAX);
		must(slice->ports[i].port);
	}
	for (i = 0; i < slice->endpoint_count; i++)
		check_endpoint(&slice->endpoints[i], slice->family);
}
