// SPDX-License-Identifier: Apache-2.0
/* `gwbpf services`: the Service ports that are balanced on this node. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "kernel/view.h"
#include "model/settings.h"
#include "report/format.h"
#include "report/services.h"

const struct argp_option services_options[] = { USAGE_NAMESPACE_OPTIONS, { 0 } };

static const struct table_column columns[] = {
	{ "NAMESPACE", 0 },
	{ "NAME", 0 },
	{ "PORT", 0 },
	{ "ADDRESS", 0 },
	{ "POLICY", 0 },
	{ "STATE", 0 },
	{ "BACKENDS", TABLE_RIGHT },
	{ "USABLE", TABLE_RIGHT },
	{ "ACTIVE", TABLE_RIGHT },
	{ "ATTEMPTS", TABLE_RIGHT },
	{ "FAILED", TABLE_RIGHT },
	{ "ESTABLISHED", TABLE_RIGHT | TABLE_WIDE },
	{ "CANCELED", TABLE_RIGHT | TABLE_WIDE },
	{ "CLOSED", TABLE_RIGHT | TABLE_WIDE },
	{ "NO-BACKEND", TABLE_RIGHT | TABLE_WIDE },
	{ "REBALANCE", TABLE_WIDE },
	{ "DRAIN-DEADLINE", TABLE_RIGHT | TABLE_WIDE },
	{ "MESSAGE", TABLE_WIDE },
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

/* "3.0s", "auto: 3.1s", "auto: not learnt yet"; NULL: off. Returns buf. */
static const char *rebalance_text(const struct view_service *service, char buf[ADDR_PORT_TEXT_MAX])
{
	char time[FORMAT_MAX];

	if (!service->rebalance_ms)
		return NULL;
	if (service->rebalance_ms != GW_REBALANCE_AUTO)
		return format_age(service->rebalance_ms / 1e3, buf);
	snprintf(buf, ADDR_PORT_TEXT_MAX, "auto: %s",
		 service->learnt_quiet_ms ? format_age(service->learnt_quiet_ms / 1e3, time) :
					    "not learnt yet");
	return buf;
}

static void add_row(struct table *table, const struct view_service *service)
{
	char text[ADDR_PORT_TEXT_MAX];

	table_row(table);
	table_text(table, service->namespace);
	table_text(table, service->name);
	table_text(table, service->port_name);
	table_text(table, addr_port_format(&service->address, service->port, text));
	table_text(table, policy_name(service->policy));
	table_state(table, view_service_state_name(service->state), moods[service->state]);
	table_number(table, service->backends);
	table_number(table, service->usable);
	table_number(table, service->active);
	table_number(table, service->counters.attempts);
	table_number(table, report_failed(&service->counters));
	table_number(table, service->counters.established);
	table_number(table, service->counters.canceled);
	table_number(table, service->counters.closed);
	table_number(table, service->no_backends);
	table_text(table, rebalance_text(service, text));
	table_text(table, service->drain_deadline_ms ?
				  format_age(service->drain_deadline_ms / 1e3, text) : NULL);
	table_text(table, service->message);
}

static bool is_wanted(const struct view_service *service, const void *arg)
{
	const struct service_filter *filter = arg;
	struct named_port port = { service->namespace, service->name, service->port_name,
				   service->port };

	return naming_is_service(filter, &port);
}

static int print_table(const struct cli *cli, const struct view *view,
		       const struct service_filter *filter)
{
	const struct view_service *services;
	size_t count = view_services(view, &services);
	struct table *table;
	size_t i;
	int status;

	if (table_new(cli, columns, sizeof(columns) / sizeof(columns[0]), &table))
		return EXIT_FAILURE;
	for (i = 0; i < count; i++)
		if (is_wanted(&services[i], filter))
			add_row(table, &services[i]);
	table_print_node(cli, lookup_node(view));
	status = table_print(table);
	table_free(table);
	return status;
}

int services_run(const struct cli *cli)
{
	struct service_filter filter;
	struct view *view;
	int status = EXIT_FAILURE;

	if (lookup_open(cli, &view))
		return EXIT_FAILURE;
	if (lookup_service(cli, view, &filter))
		goto out;
	if (cli->output == CLI_OUTPUT_JSON)
		status = json_print(report_services(view, is_wanted, &filter));
	else
		status = print_table(cli, view, &filter);
out:
	view_close(view);
	return status;
}
