// SPDX-License-Identifier: Apache-2.0
#include "agent/backend_event.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/addr.h"
#include "kernel/tables.h"

void backend_event_add(const struct tables *tables, const struct backend_event *event,
		       const char *cause, ...)
{
	char text[EVENTS_CAUSE_MAX], address[ADDR_PORT_TEXT_MAX] = "";
	struct tables_names names;
	va_list arguments;

	if (tables_name_backend(tables, event->backend, event->generation, &names))
		addr_port_format(&names.address, names.port, address);
	va_start(arguments, cause);
	vsnprintf(text, sizeof(text), cause, arguments);
	va_end(arguments);
	events_add(
		&(struct events_about){
			.kind = event->kind,
			.namespace = names.service.namespace,
			.service = names.service.name,
			.backend = address,
			.pod = names.backend.pod,
			.client = event->client,
			.pid = event->pid,
			.client_name = event->name,
		},
		"%s", text);
}
