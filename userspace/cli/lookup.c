// SPDX-License-Identifier: Apache-2.0
/* Open the pins, or say why not. */
#include "cli/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "kernel/view.h"

#define NAME_TEXT_MAX 512 /* longer than any name, so that one that is cut off is none either */

int lookup_open(const struct cli *cli, struct view **ret)
{
	char message[LOOKUP_MESSAGE_MAX];
	int err = view_open(cli->pin_dir, ret);

	if (err)
		say_error("%s", lookup_message(cli->pin_dir, err, message));
	return err;
}

/* A backend may outlive its Service here: both tell names. */
static size_t collect_ports(const struct view *view, struct named_port **ret)
{
	const struct view_service *services;
	const struct view_backend *backends;
	size_t service_count = view_services(view, &services);
	size_t backend_count = view_backends(view, &backends);
	struct named_port *port = calloc(service_count + backend_count + 1, sizeof(*port));
	size_t i;

	*ret = port;
	if (!port)
		return 0;
	for (i = 0; i < service_count; i++)
		*port++ = (struct named_port){services[i].namespace, services[i].name,
					      services[i].port_name, services[i].port};
	for (i = 0; i < backend_count; i++)
		*port++ = (struct named_port){backends[i].namespace, backends[i].service,
					      backends[i].service_port_name,
					      backends[i].service_port};
	return service_count + backend_count;
}

/* -n names the namespace of a Service that is given without one. */
static int name_service(const struct cli *cli, char text[NAME_TEXT_MAX])
{
	const char *name = cli->arguments[0];
	size_t length = strcspn(name, "/");

	if (!cli->namespace || (name[length] && length == strlen(cli->namespace) &&
				!strncmp(name, cli->namespace, length))) {
		snprintf(text, NAME_TEXT_MAX, "%s", name);
		return 0;
	}
	if (!name[length]) {
		snprintf(text, NAME_TEXT_MAX, "%s/%s", cli->namespace, name);
		return 0;
	}
	say_error("cannot look for Service '%s' in namespace '%s': give one namespace", name,
		  cli->namespace);
	return -EINVAL;
}

int lookup_service(const struct cli *cli, const struct view *view, struct service_filter *ret)
{
	char message[NAMING_MESSAGE_MAX] = "cannot find the Service: out of memory";
	char text[NAME_TEXT_MAX];
	struct named_port *ports;
	size_t count;
	int err;

	*ret = (struct service_filter){0};
	if (cli->namespace)
		snprintf(ret->namespace, sizeof(ret->namespace), "%s", cli->namespace);
	if (!cli->argument_count)
		return 0;
	if (name_service(cli, text))
		return -EINVAL;
	count = collect_ports(view, &ports);
	err = ports ? naming_find_service(text, ports, count, ret, message) : -ENOMEM;
	if (err)
		say_error("%s", message);
	free(ports);
	return err;
}

int lookup_backend(const struct cli *cli, const struct view *view,
		   const struct service_filter *filter)
{
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	size_t i;

	for (i = 0; i < count; i++) {
		const struct view_backend *backend = &backends[i];
		struct named_port port = {backend->namespace, backend->service,
					  backend->service_port_name, backend->service_port};

		if (naming_is_service(filter, &port) &&
		    naming_is_backend(cli->backend, &backend->address, backend->port, backend->pod))
			return 0;
	}
	if (!cli->backend)
		return 0;
	say_error("cannot find backend '%s': give ADDRESS:PORT or the name of its pod: "
		  "'gwbpf backends' lists them",
		  cli->backend);
	return -ENOENT;
}

int lookup_run(const struct cli *cli, lookup_command command)
{
	struct service_filter filter;
	int status = EXIT_FAILURE;
	struct view *view;

	if (lookup_open(cli, &view))
		return EXIT_FAILURE;
	if (!lookup_service(cli, view, &filter))
		status = command(cli, view, &filter);
	view_close(view);
	return status;
}
