// SPDX-License-Identifier: Apache-2.0
/* 64 bits of FNV-1a over every member of an object, each text with its final zero. */
#include "source/fingerprint.h"

#include <string.h>

#if __SIZEOF_POINTER__ == 8
#define MUST_BE_HASHED "a new member must be part of the fingerprint"
_Static_assert(sizeof(struct settings) == 436, MUST_BE_HASHED);
_Static_assert(sizeof(struct service_port) == 16, MUST_BE_HASHED);
_Static_assert(sizeof(struct service) == 576, MUST_BE_HASHED);
_Static_assert(sizeof(struct slice_port) == 16, MUST_BE_HASHED);
_Static_assert(sizeof(struct endpoint) == 64, MUST_BE_HASHED);
_Static_assert(sizeof(struct pod) == 40, MUST_BE_HASHED);
_Static_assert(sizeof(struct slice) == 88, MUST_BE_HASHED); /* changed_time, mirrored need not */
#endif

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size--)
		hash = (hash ^ *at++) * 0x100000001b3;
	return hash;
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	return add_bytes(hash, text, strlen(text) + 1);
}

static uint64_t add_number(uint64_t hash, uint32_t number)
{
	return add_bytes(hash, &number, sizeof(number));
}

static uint64_t add_weights(uint64_t hash, const struct weights *weights)
{
	size_t count = weights ? weights->count : 0;

	for (size_t i = 0; i < count; i++)
		hash = add_number(add_text(hash, weights->items[i].key), weights->items[i].value);
	return add_number(hash, (uint32_t)count);
}

#define START 0xcbf29ce484222325

uint64_t fingerprint_service(const struct service *service)
{
	uint64_t hash = add_text(add_text(START, service->namespace), service->name);
	uint32_t flags = (uint32_t)service->enabled | (uint32_t)service->headless << 1 |
			 (uint32_t)service->external_name << 2 |
			 (uint32_t)service->other_proxy << 3 | (uint32_t)service->local_only << 4 |
			 (uint32_t)service->client_ip_affinity << 5 |
			 (uint32_t)service->settings_good << 6;
	size_t i;

	hash = add_number(add_number(hash, flags), service->affinity_timeout_s);
	hash = add_bytes(hash, service->vips, service->vip_count * sizeof(service->vips[0]));
	hash = add_number(hash, (uint32_t)service->vip_count);
	for (i = 0; i < service->port_count; i++)
		hash = add_number(add_text(hash, service->ports[i].name), service->ports[i].port);
	hash = add_number(hash, (uint32_t)service->port_count);
	hash = add_bytes(hash, &service->settings, sizeof(service->settings));
	hash = add_weights(add_weights(hash, service->weights), service->drain);
	hash = add_text(hash, selector_text(service->except));
	hash = add_bytes(hash, &service->created_time, sizeof(service->created_time));
	return add_text(hash, service->invalid);
}

static uint64_t add_endpoint(uint64_t hash, const struct endpoint *endpoint)
{
	hash = add_bytes(hash, &endpoint->address, sizeof(endpoint->address));
	hash = add_number(hash, (uint32_t)endpoint->ready | (uint32_t)endpoint->serving << 1 |
					(uint32_t)endpoint->terminating << 2);
	hash = add_text(add_text(hash, endpoint->node), endpoint->zone);
	hash = add_text(add_text(hash, endpoint->pod), endpoint->zone_hints);
	return add_text(hash, endpoint->node_hints);
}

uint64_t fingerprint_slice(const struct slice *slice)
{
	uint64_t hash = add_text(add_text(START, slice->namespace), slice->name);
	size_t i;

	hash = add_number(add_text(hash, slice->service), (uint32_t)slice->family);
	for (i = 0; i < slice->port_count; i++)
		hash = add_number(add_text(hash, slice->ports[i].name), slice->ports[i].port);
	hash = add_number(hash, (uint32_t)slice->port_count);
	for (i = 0; i < slice->endpoint_count; i++)
		hash = add_endpoint(hash, &slice->endpoints[i]);
	return hash;
}

uint64_t fingerprint_pod(const struct pod *pod)
{
	uint64_t hash = add_text(add_text(START, pod->namespace), pod->name);
	size_t count = pod->labels ? pod->labels->count : 0;

	hash = add_text(add_text(hash, pod->uid), pod->node);
	for (size_t i = 0; i < count; i++)
		hash = add_text(add_text(hash, pod->labels->items[i].key),
				pod->labels->items[i].value);
	return hash;
}
