// SPDX-License-Identifier: Apache-2.0
/* Names of Services and backends, as people give them. */
#include "cli/naming.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/parse.h"

static bool take(const char *text, size_t length, char ret[GW_NAME_MAX])
{
	if (!length || length >= GW_NAME_MAX)
		return false;
	memcpy(ret, text, length);
	ret[length] = '\0';
	return true;
}

/* A port's name holds a letter, so that digits alone are a number. */
static bool take_port(const char *text, struct service_filter *ret)
{
	uint32_t port;

	if (text[strspn(text, "0123456789")])
		return take(text, strlen(text), ret->port_name);
	if (parse_u32(text, 1, UINT16_MAX, &port))
		return false;
	ret->port = (uint16_t)port;
	return true;
}

static bool split(const char *text, struct service_filter *ret)
{
	const char *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : text;
	size_t length = strcspn(name, ":");

	*ret = (struct service_filter){0};
	if (slash && !take(text, (size_t)(slash - text), ret->namespace))
		return false;
	if (!take(name, length, ret->name) || strchr(ret->name, '/'))
		return false;
	return !name[length] || take_port(name + length + 1, ret);
}

static bool is_same_service(const struct service_filter *filter, const struct named_port *port)
{
	return (!*filter->namespace || !strcmp(filter->namespace, port->namespace)) &&
	       (!*filter->name || !strcmp(filter->name, port->name));
}

bool naming_is_service(const struct service_filter *filter, const struct named_port *port)
{
	return is_same_service(filter, port) &&
	       (!*filter->port_name || !strcmp(filter->port_name, port->port_name)) &&
	       (!filter->port || filter->port == port->port);
}

static void append(char message[NAMING_MESSAGE_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char message[NAMING_MESSAGE_MAX], const char *format, ...)
{
	size_t length = strlen(message);
	va_list args;

	va_start(args, format);
	vsnprintf(message + length, NAMING_MESSAGE_MAX - length, format, args);
	va_end(args);
}

/* A port may be there several times: once for each address, and for each backend. */
static bool is_first(const struct named_port *ports, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (ports[j].port == ports[i].port &&
		    !strcmp(ports[j].namespace, ports[i].namespace) &&
		    !strcmp(ports[j].name, ports[i].name))
			return false;
	return true;
}

/* The Service is there, the port is not. */
static int refuse_port(const char *text, const struct service_filter *filter,
		       const struct named_port *ports, size_t count,
		       char message[NAMING_MESSAGE_MAX])
{
	const char *separator = "";
	size_t i;

	snprintf(message, NAMING_MESSAGE_MAX,
		 "cannot find the port of '%s': give one that Service '%s/%s' has: ", text,
		 filter->namespace, filter->name);
	for (i = 0; i < count; i++) {
		if (!is_same_service(filter, &ports[i]) || !is_first(ports, i))
			continue;
		append(message, "%s%u", separator, ports[i].port);
		if (*ports[i].port_name)
			append(message, " ('%s')", ports[i].port_name);
		separator = ", ";
	}
	return -ENOENT;
}

/* The first Service that has the name gives its namespace; another one makes it ambiguous. */
static int settle_namespace(const char *text, struct service_filter *filter,
			    const struct named_port *ports, size_t count,
			    char message[NAMING_MESSAGE_MAX])
{
	const struct named_port *first = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!is_same_service(filter, &ports[i]))
			continue;
		if (first && strcmp(first->namespace, ports[i].namespace)) {
			snprintf(
				message, NAMING_MESSAGE_MAX,
				"cannot tell which Service '%s' is: there are '%s/%s' and '%s/%s': "
				"give its namespace too",
				text, first->namespace, first->name, ports[i].namespace,
				ports[i].name);
			return -ENOTUNIQ;
		}
		first = &ports[i];
	}
	if (!first) {
		snprintf(message, NAMING_MESSAGE_MAX,
			 "cannot find Service '%s': it is not balanced on this node: "
			 "'gwbpf services' lists those that are",
			 text);
		return -ENOENT;
	}
	snprintf(filter->namespace, sizeof(filter->namespace), "%s", first->namespace);
	return 0;
}

bool naming_read(const char *text, struct service_filter *ret)
{
	return split(text, ret);
}

int naming_find_service(const char *text, const struct named_port *ports, size_t count,
			struct service_filter *ret, char message[NAMING_MESSAGE_MAX])
{
	struct service_filter filter;
	size_t i;
	int err;

	if (!split(text, &filter)) {
		snprintf(message, NAMING_MESSAGE_MAX,
			 "cannot read '%s' as the name of a Service: give NAMESPACE/NAME or "
			 "NAMESPACE/NAME:PORT",
			 text);
		return -EINVAL;
	}
	err = settle_namespace(text, &filter, ports, count, message);
	if (err)
		return err;
	for (i = 0; i < count; i++) {
		if (naming_is_service(&filter, &ports[i])) {
			*ret = filter;
			return 0;
		}
	}
	return refuse_port(text, &filter, ports, count, message);
}

bool naming_is_backend(const char *text, const struct gw_addr *address, uint16_t port,
		       const char *pod)
{
	struct gw_addr wanted;
	uint16_t wanted_port;

	if (!text)
		return true;
	if (!addr_port_parse(text, &wanted, &wanted_port))
		return wanted_port == port && !addr_compare(&wanted, address);
	return !strcmp(text, pod);
}
