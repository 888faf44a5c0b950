// SPDX-License-Identifier: Apache-2.0
/* Why connections to an address are not balanced: no Service that is balanced has it. */
#include "report/explain.h"

#include <stdio.h>

#include "base/addr.h"

#define TEXT_MAX 640

struct stranger {
	char message[TEXT_MAX];
	char remedy[TEXT_MAX];
};

static const struct view_backend *find_backend(const struct view *view,
					       const struct gw_addr *address, uint16_t port)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);

	for (size_t i = 0; i < count; i++)
		if (backends[i].port == port && !addr_compare(&backends[i].address, address))
			return &backends[i];
	return NULL;
}

static const struct view_service *find_address(const struct view *view,
					       const struct gw_addr *address)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);

	for (size_t i = 0; i < count; i++)
		if (!addr_compare(&services[i].address, address))
			return &services[i];
	return NULL;
}

static void tell_backend(const struct view_backend *backend, struct stranger *ret)
{
	char address[ADDR_PORT_TEXT_MAX];

	snprintf(
		ret->message, sizeof(ret->message),
		"it is the address of a backend of service '%s/%s': whoever dials it passes by the "
		"Service",
		backend->namespace, backend->service);
	snprintf(ret->remedy, sizeof(ret->remedy), "let clients dial the Service: %s",
		 addr_port_format(&backend->service_address, backend->service_port, address));
}

static void tell_unknown(const struct explain *explain, struct stranger *ret)
{
	if (!explain->agent)
		snprintf(
			ret->message, sizeof(ret->message),
			"no balanced Service has it; whether another Service has it, only the agent "
			"knows");
	else if (!view_meta(explain->connections.view)->source_synced)
		snprintf(ret->message, sizeof(ret->message),
			 "no Service that the agent has read has it, and it has not read all yet");
	else
		snprintf(
			ret->message, sizeof(ret->message),
			"no Service that the agent follows has it: it follows those with the label "
			"gwbpf.io/enabled: \"true\", and those named with --service");
	snprintf(ret->remedy, sizeof(ret->remedy),
		 "'kubectl get services -A -o wide' shows whose address it is; label that one with "
		 "gwbpf.io/enabled=true");
}

json_t *explain_stranger(const struct explain *explain, const struct gw_addr *address,
			 uint16_t port)
{
	const struct view *view = explain->connections.view;
	const struct view_backend *backend = find_backend(view, address, port);
	const struct view_service *service = find_address(view, address);
	struct stranger stranger = {"", ""};

	if (backend) {
		tell_backend(backend, &stranger);
	} else if (service) {
		snprintf(stranger.message, sizeof(stranger.message),
			 "service '%s/%s' has this address, but no TCP port %u", service->namespace,
			 service->name, port);
		snprintf(stranger.remedy, sizeof(stranger.remedy),
			 "let clients dial a port that 'gwbpf services' lists for it");
	} else {
		tell_unknown(explain, &stranger);
	}
	return json_pack("{so so}", "message", json_text(stranger.message), "remedy",
			 json_text(stranger.remedy));
}
