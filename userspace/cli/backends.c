// SPDX-License-Identifier: Apache-2.0
/* `gwbpf backends`: where the connections of this node go, and how they fare there. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/table.h"
#include "kernel/view.h"
#include "report/backends.h"
#include "report/format.h"
#include "report/services.h"

#define SERVICE_ADDRESS_COLUMN 3
#define STATE_MAX 64

static const struct table_column columns[] = {
	{ "NAMESPACE", 0 },
	{ "SERVICE", 0 },
	{ "PORT", 0 },
	[SERVICE_ADDRESS_COLUMN] = { "SERVICE-ADDRESS", TABLE_WIDE },
	{ "ADDRESS", 0 },
	{ "POD", 0 },
	{ "NODE", TABLE_WIDE },
	{ "ZONE", TABLE_WIDE },
	{ "WEIGHT", TABLE_RIGHT | TABLE_WIDE },
	{ "BY", TABLE_WIDE },
	{ "STATE", 0 },
	{ "ACTIVE", TABLE_RIGHT },
	{ "ATTEMPTS", TABLE_RIGHT },
	{ "ESTABLISHED", TABLE_RIGHT },
	{ "FAILED", TABLE_RIGHT },
	{ "REFUSED", TABLE_RIGHT | TABLE_WIDE },
	{ "TIMED-OUT", TABLE_RIGHT | TABLE_WIDE },
	{ "UNREACHABLE", TABLE_RIGHT | TABLE_WIDE },
	{ "OTHER", TABLE_RIGHT | TABLE_WIDE },
	{ "IN-A-ROW", TABLE_RIGHT | TABLE_WIDE },
	{ "EJECTIONS", TABLE_RIGHT | TABLE_WIDE },
	{ "EJECTED-FOR", TABLE_RIGHT | TABLE_WIDE },
	{ "STATE-FOR", TABLE_RIGHT | TABLE_WIDE },
	{ "LAST-ERROR", TABLE_WIDE },
	{ "LAST-ERROR-AGO", TABLE_RIGHT | TABLE_WIDE },
	{ "CANCELED", TABLE_RIGHT | TABLE_WIDE },
	{ "CLOSED", TABLE_RIGHT | TABLE_WIDE },
	{ "RESET", TABLE_RIGHT | TABLE_WIDE },
	{ "LOST", TABLE_RIGHT | TABLE_WIDE },
};

static const enum table_mood moods[] = {
	[VIEW_BACKEND_USABLE] = TABLE_GOOD,
	[VIEW_BACKEND_SUSPECT] = TABLE_BAD,
	[VIEW_BACKEND_EJECTED] = TABLE_BAD,
	[VIEW_BACKEND_DOWN] = TABLE_BAD,
	[VIEW_BACKEND_RETURNING] = TABLE_DOUBTFUL,
	[VIEW_BACKEND_PROBING] = TABLE_DOUBTFUL,
	[VIEW_BACKEND_DRAINING] = TABLE_DOUBTFUL,
	[VIEW_BACKEND_LEAVING] = TABLE_DOUBTFUL,
};
_Static_assert(sizeof(moods) / sizeof(moods[0]) == VIEW_BACKEND_STATE_MAX_, "one for each state");

static void add_counters(struct table *table, const struct view_backend *backend)
{
	const struct gw_counters *counters = &backend->counters;
	char text[FORMAT_MAX];

	table_number(table, counters->attempts);
	table_number(table, counters->established);
	table_number(table, report_failed(counters));
	table_number(table, counters->refused);
	table_number(table, counters->timed_out);
	table_number(table, counters->unreachable);
	table_number(table, counters->other_failed);
	table_number(table, backend->consecutive_failures);
	table_number(table, backend->ejections);
	table_text(table, backend->ejected_remaining_seconds > 0 ?
				  format_age(backend->ejected_remaining_seconds, text) :
				  NULL);
	table_text(table, format_age(backend->state_seconds, text));
	table_text(table, view_error_name(backend->error));
	table_text(table, format_age(backend->error_age_seconds, text));
	table_number(table, counters->canceled);
	table_number(table, counters->closed);
	table_number(table, counters->reset);
	table_number(table, counters->lost);
}

/* "draining (command)": who asked is part of it, as that says who can end it. Returns buf. */
static const char *state_text(const struct view_backend *backend, char buf[STATE_MAX])
{
	const char *name = view_backend_state_name(backend->state);
	bool is_drained = backend->state == VIEW_BACKEND_DRAINING;

	if (is_drained)
		snprintf(buf, STATE_MAX, "%s (%s)", name, view_drain_name(backend->drained_by));
	else if (backend->steered_weight && backend->state != VIEW_BACKEND_LEAVING)
		snprintf(buf, STATE_MAX, "%s (weight %u)", name, backend->steered_weight);
	else
		snprintf(buf, STATE_MAX, "%s", name);
	return buf;
}

static void add_row(struct table *table, const struct view_backend *backend)
{
	char text[ADDR_PORT_TEXT_MAX], state[STATE_MAX];

	table_row(table);
	table_text(table, backend->namespace);
	table_text(table, backend->service);
	table_text(table, backend->service_port_name);
	table_text(table, addr_port_format(&backend->service_address, backend->service_port, text));
	table_text(table, addr_port_format(&backend->address, backend->port, text));
	table_text(table, backend->pod);
	table_text(table, backend->node);
	table_text(table, backend->zone);
	table_number(table, backend->weight);
	table_text(table, backend->steered_weight && !backend->drained_by ?
				  "command" : view_drain_name(backend->drained_by));
	table_state(table, state_text(backend, state), moods[backend->state]);
	table_number(table, backend->active);
	add_counters(table, backend);
}

static bool is_wanted(const struct view_backend *backend, const void *arg)
{
	const struct service_filter *filter = arg;
	struct named_port port = { backend->namespace, backend->service, backend->service_port_name,
				   backend->service_port };

	return naming_is_service(filter, &port);
}

/* Whether some Service port has rows for two addresses: after a change of its address, the old one
 * and the new one; or of two families. */
static bool are_addresses_needed(const struct view_backend *backends, size_t count,
				 const struct service_filter *filter)
{
	for (size_t i = 1; i < count; i++) {
		const struct view_backend *a = &backends[i - 1], *b = &backends[i];

		if (is_wanted(b, filter) && !strcmp(a->namespace, b->namespace) &&
		    !strcmp(a->service, b->service) && a->service_port == b->service_port &&
		    addr_compare(&a->service_address, &b->service_address))
			return true;
	}
	return false;
}

static int print_table(const struct cli *cli, const struct view *view,
		       const struct service_filter *filter)
{
	struct table_column shown[sizeof(columns) / sizeof(columns[0])];
	const struct view_backend *backends;
	size_t count = view_backends(view, &backends);
	struct table *table;
	size_t i;
	int status;

	memcpy(shown, columns, sizeof(shown));
	if (are_addresses_needed(backends, count, filter))
		shown[SERVICE_ADDRESS_COLUMN].flags &= ~(unsigned int)TABLE_WIDE;
	if (table_new(cli, shown, sizeof(shown) / sizeof(shown[0]), &table))
		return EXIT_FAILURE;
	for (i = 0; i < count; i++)
		if (is_wanted(&backends[i], filter))
			add_row(table, &backends[i]);
	table_print_node(cli, lookup_node(view));
	status = table_print(table);
	table_free(table);
	return status;
}

int backends_run(const struct cli *cli)
{
	struct service_filter filter;
	struct view *view;
	int status = EXIT_FAILURE;

	if (lookup_open(cli, &view))
		return EXIT_FAILURE;
	if (lookup_service(cli, view, &filter))
		goto out;
	if (cli->output == CLI_OUTPUT_JSON)
		status = json_print(report_backends(view, is_wanted, &filter));
	else
		status = print_table(cli, view, &filter);
out:
	view_close(view);
	return status;
}
