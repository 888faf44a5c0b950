/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects for the tests of the model, from short texts. All belong to the namespace "fabric", the
 * slices to the Service "gateway" unless told otherwise.
 */
#ifndef GWBPF_TESTS_OBJECTS_H
#define GWBPF_TESTS_OBJECTS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "model/object.h"

static inline void *needed(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static inline char *copy(const char *text)
{
	return needed(strdup(text));
}

static inline void replace_text(char **text, const char *by)
{
	free(*text);
	*text = copy(by);
}

static inline struct gw_addr address(const char *text)
{
	struct gw_addr addr;

	if (addr_parse(text, &addr))
		abort();
	return addr;
}

/* "grpc=7051,ops=9443", or "=7051" for the one unnamed port. Both kinds of port look alike. */
static inline size_t make_ports(const char *text, struct service_port **ret)
{
	struct service_port *ports = needed(calloc(strlen(text) + 1, sizeof(*ports)));
	char *names = copy(text);
	char *rest = names;
	char *item;
	size_t count = 0;

	while ((item = strsep(&rest, ",")) && *item) {
		char *number = strchr(item, '=');

		*number = '\0';
		ports[count].name = copy(item);
		ports[count++].port = (uint16_t)atoi(number + 1);
	}
	free(names);
	*ret = ports;
	return count;
}

/* addresses: "10.96.0.1,fd00::1" or "". Enabled, with good settings. */
static inline struct service *make_service(const char *name, const char *addresses,
					   const char *ports)
{
	struct service *service = needed(calloc(1, sizeof(*service)));
	char *list = copy(addresses);
	char *rest = list;
	char *item;

	service->namespace = copy("fabric");
	service->name = copy(name);
	service->invalid = copy("");
	service->enabled = true;
	service->settings_good = true;
	settings_init(&service->settings);
	while ((item = strsep(&rest, ",")) && *item)
		service->vips[service->vip_count++] = address(item);
	free(list);
	service->port_count = make_ports(ports, &service->ports);
	return service;
}

/* "a,b" to the form that hints have. */
static inline void set_hints(char **hints, const char *list)
{
	size_t length = strlen(list);

	free(*hints);
	*hints = needed(calloc(1, length + 2));
	memcpy(*hints, list, length);
	(*hints)[length] = ',';
	for (char *at = *hints; *at; at++) {
		if (*at == ',')
			*at = '\n';
	}
}

static inline void set_attribute(struct endpoint *endpoint, const char *word)
{
	const char *value = strchr(word, '=') ? strchr(word, '=') + 1 : "";

	if (strncmp(word, "pod=", 4) == 0)
		replace_text(&endpoint->pod, value);
	else if (strncmp(word, "node=", 5) == 0)
		replace_text(&endpoint->node, value);
	else if (strncmp(word, "zone=", 5) == 0)
		replace_text(&endpoint->zone, value);
	else if (strncmp(word, "for-nodes=", 10) == 0)
		set_hints(&endpoint->node_hints, value);
	else if (strncmp(word, "for-zones=", 10) == 0)
		set_hints(&endpoint->zone_hints, value);
	else if (strcmp(word, "not-ready") == 0)
		endpoint->ready = false;
	else if (strcmp(word, "not-serving") == 0)
		endpoint->serving = false;
	else if (strcmp(word, "terminating") == 0)
		endpoint->terminating = true;
	else
		abort();
}

/* "10.1.0.1 pod=peer1 node=node1 zone=a for-nodes=node1 for-zones=a,b": ready and serving, unless
 * it says "not-ready", "not-serving" or "terminating". */
static inline void make_endpoint(const char *text, struct endpoint *ret)
{
	char *words = copy(text);
	char *rest = words;
	char *word;

	*ret = (struct endpoint){
		.address = address(strsep(&rest, " ")),
		.ready = true,
		.serving = true,
		.node = copy(""),
		.zone = copy(""),
		.pod = copy(""),
		.zone_hints = copy(""),
		.node_hints = copy(""),
	};
	while ((word = strsep(&rest, " ")))
		set_attribute(ret, word);
	free(words);
}

/* The array never has room to spare, so that the sanitizer sees who reads beyond it. */
static inline void add_endpoint(struct slice *slice, const char *text)
{
	slice->endpoints = needed(reallocarray(slice->endpoints, slice->endpoint_count + 1,
					       sizeof(slice->endpoints[0])));
	make_endpoint(text, &slice->endpoints[slice->endpoint_count++]);
}

/* Endpoints as texts, ended by NULL. Of the family of the first endpoint; IPv4 without one. */
static inline __attribute__((sentinel)) struct slice *make_slice(const char *name,
								 const char *ports, ...)
{
	struct slice *slice = needed(calloc(1, sizeof(*slice)));
	struct service_port *made;
	const char *text;
	va_list texts;

	slice->namespace = copy("fabric");
	slice->name = copy(name);
	slice->service = copy("gateway");
	slice->family = FAMILY_IPV4;
	slice->port_count = make_ports(ports, &made);
	slice->ports =
		needed(calloc(slice->port_count ? slice->port_count : 1, sizeof(slice->ports[0])));
	for (size_t i = 0; i < slice->port_count; i++)
		slice->ports[i] = (struct slice_port){made[i].name, made[i].port};
	free(made);
	va_start(texts, ports);
	while ((text = va_arg(texts, const char *)))
		add_endpoint(slice, text);
	va_end(texts);
	if (slice->endpoint_count > 0 && !addr_is_ipv4(&slice->endpoints[0].address))
		slice->family = FAMILY_IPV6;
	return slice;
}

#endif
