/* SPDX-License-Identifier: Apache-2.0 */
/* Which Service and which backend a person means: NAMESPACE/NAME[:PORT], ADDRESS:PORT. Pure. */
#ifndef GWBPF_CLI_NAMING_H
#define GWBPF_CLI_NAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>

#define NAMING_MESSAGE_MAX 512

/* A Service port that exists. */
struct named_port {
	const char *namespace;
	const char *name;
	const char *port_name;
	uint16_t port;
};

/* What was asked for: the same, and NULL or 0 for "any". A zeroed one means every Service. */
struct service_filter {
	char namespace[GW_NAME_MAX];
	char name[GW_NAME_MAX];
	char port_name[GW_NAME_MAX];
	uint16_t port;
};

/*
 * Find what text names among the Service ports that exist: NAMESPACE/NAME[:PORT], where PORT is a
 * number or a name, or a bare NAME[:PORT] if only one Service has it. -EINVAL: it is no such name;
 * -ENOENT: there is none; -ENOTUNIQ: several have it; message says so, with the remedy.
 */
int naming_find_service(const char *text, const struct named_port *ports, size_t count,
			struct service_filter *ret, char message[NAMING_MESSAGE_MAX]);

/* What text says, whether or not such a Service exists; no namespace: "". false: it is no such name. */
bool naming_read(const char *text, struct service_filter *ret);

bool naming_is_service(const struct service_filter *filter, const struct named_port *port);

/* Does text name this backend: ADDRESS:PORT, or its pod? NULL names every one. */
bool naming_is_backend(const char *text, const struct gw_addr *address, uint16_t port,
		       const char *pod);

#endif
