// SPDX-License-Identifier: Apache-2.0
/* `gwbpf services`: the Service ports that are balanced on this node. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/listing.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/usage.h"
#include "kernel/view.h"
#include "report/services.h"

const struct argp_option services_options[] = {USAGE_NAMESPACE_OPTIONS, {0}};

const struct argp_option services_list_options[] = {
	USAGE_NAMESPACE_OPTIONS,
	USAGE_WATCH_OPTION,
	USAGE_SORT_OPTION,
	{0},
};

static const enum table_mood moods[] = {
	[VIEW_SERVICE_READY] = TABLE_GOOD,
	[VIEW_SERVICE_NO_BACKENDS] = TABLE_BAD,
	[VIEW_SERVICE_STEPPED_ASIDE] = TABLE_DOUBTFUL,
	[VIEW_SERVICE_SUSPENDED] = TABLE_DOUBTFUL,
	[VIEW_SERVICE_INVALID] = TABLE_BAD,
	[VIEW_SERVICE_NO_ROOM] = TABLE_BAD,
};
_Static_assert(sizeof(moods) / sizeof(moods[0]) == VIEW_SERVICE_STATE_MAX_, "one for each state");

static enum table_mood mood(const void *arg)
{
	return moods[((const struct view_service *)arg)->state];
}

static void note(const void *arg, char buf[LISTING_TEXT_MAX])
{
	const struct view_service *service = arg;
	char address[ADDR_PORT_TEXT_MAX], why[SERVICES_NOTE_MAX];

	snprintf(buf, LISTING_TEXT_MAX, "%s/%s %s is %s: %s", service->namespace, service->name,
		 addr_port_format(&service->address, service->port, address),
		 view_service_state_name(service->state), services_note(service, why));
}

static bool is_wanted(const struct view_service *service, const struct service_filter *filter)
{
	struct named_port port = {service->namespace, service->name, service->port_name,
				  service->port};

	return naming_is_service(filter, &port);
}

static int print(const struct cli *cli, const struct view *view,
		 const struct service_filter *filter)
{
	const struct view_service *services;
	size_t total = view_services(view, &services);
	struct view_service *rows = calloc(total + 1, sizeof(*rows));
	struct listing listing = {
		.columns = &services_columns,
		.node = lookup_node(view),
		.rows = rows,
		.row_size = sizeof(*rows),
		.mood = mood,
		.note = note,
		.instead = NULL,
	};
	int status;

	if (!rows) {
		say_error("cannot list services: out of memory");
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < total; i++)
		if (is_wanted(&services[i], filter))
			rows[listing.count++] = services[i];
	status = listing_print(cli, &listing);
	free(rows);
	return status;
}

int services_run(const struct cli *cli)
{
	return lookup_run(cli, print);
}
