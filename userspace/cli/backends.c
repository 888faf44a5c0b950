// SPDX-License-Identifier: Apache-2.0
/* `gwbpf backends`: where the connections of this node go, and how they fare there. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/listing.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/shorten.h"
#include "cli/usage.h"
#include "kernel/view.h"
#include "model/settings.h"
#include "report/backends.h"
#include "report/format.h"
#include "report/services.h"

#define NAME_LEAST 16 /* letters of a Service's name in a heading */

const struct argp_option backends_options[] = {
	USAGE_NAMESPACE_OPTIONS,
	USAGE_WATCH_OPTION,
	USAGE_SORT_OPTION,
	{.name = "wide",
	 .key = OPTION_WIDE,
	 .arg = "failures|traffic|checks|all",
	 .doc = "the columns of one topic, or all of them as -o wide"},
	{0},
};

static const enum table_mood moods[] = {
	[VIEW_BACKEND_USABLE] = TABLE_GOOD,        [VIEW_BACKEND_SUSPECT] = TABLE_BAD,
	[VIEW_BACKEND_EJECTED] = TABLE_BAD,        [VIEW_BACKEND_DOWN] = TABLE_BAD,
	[VIEW_BACKEND_RETURNING] = TABLE_DOUBTFUL, [VIEW_BACKEND_PROBING] = TABLE_DOUBTFUL,
	[VIEW_BACKEND_DRAINING] = TABLE_DOUBTFUL,  [VIEW_BACKEND_LEAVING] = TABLE_DOUBTFUL,
};
_Static_assert(sizeof(moods) / sizeof(moods[0]) == VIEW_BACKEND_STATE_MAX_, "one for each state");

/* Whether a person gave it another weight, which is in force. */
static bool is_weighed(const struct view_backend *backend)
{
	return backend->steered_weight && !backend->drained_by &&
	       backend->state != VIEW_BACKEND_LEAVING;
}

static enum table_mood mood(const void *arg)
{
	const struct view_backend *backend = ((const struct backend_row *)arg)->backend;
	enum table_mood mood = moods[backend->state];

	return mood == TABLE_GOOD && is_weighed(backend) ? TABLE_DOUBTFUL : mood;
}

static size_t group(const void *arg)
{
	return ((const struct backend_row *)arg)->group;
}

/* "even"; "" where nothing can be said. Returns buf. */
static const char *describe_evenness(const struct backend_row *row, char buf[FORMAT_MAX])
{
	const struct evenness *evenness = &row->group_evenness;

	if (evenness->backends < 2 || !evenness->connections)
		*buf = '\0';
	else if (evenness_is_even(evenness))
		strcpy(buf, ", even");
	else
		snprintf(buf, FORMAT_MAX, ", uneven (%.1fx)", evenness_ratio(evenness));
	return buf;
}

/* "fabric/gateway:grpc  10.96.0.1:7051  lc  6 connections, even" */
static void heading(const void *arg, char buf[LISTING_TEXT_MAX])
{
	const struct backend_row *row = arg;
	const struct view_backend *backend = row->backend;
	const struct view_service *service = row->service;
	bool is_named = *backend->service_port_name;
	char name[3 * GW_NAME_MAX], shorter[sizeof(name) + SHORTEN_SIGN_MAX];
	char address[ADDR_PORT_TEXT_MAX], rest[256], even[FORMAT_MAX];
	size_t width;

	snprintf(name, sizeof(name), "%s/%s%s%s", backend->namespace, backend->service,
		 is_named ? ":" : "", is_named ? backend->service_port_name : "");
	snprintf(rest, sizeof(rest), "  %s  %s%s%s  %llu connection%s%s",
		 addr_port_format(&backend->service_address, backend->service_port, address),
		 service ? policy_name(service->policy) : "not balanced",
		 service && !services_is_well(service) ? ", " : "",
		 service && !services_is_well(service) ? view_service_state_name(service->state)
						       : "",
		 (unsigned long long)row->group_active, row->group_active == 1 ? "" : "s",
		 describe_evenness(row, even));
	width = strlen(rest) < TABLE_COLUMNS_MAX ? TABLE_COLUMNS_MAX - strlen(rest) : 0;
	snprintf(buf, LISTING_TEXT_MAX, "%s%s",
		 shorten_middle(name, width > NAME_LEAST ? width : NAME_LEAST, shorter), rest);
}

/* Who it is: "fabric/gateway 10.1.0.1:7051 (pod 'org1-peer0')" */
static size_t name_backend(const struct view_backend *backend, char *buf, size_t size)
{
	char address[ADDR_PORT_TEXT_MAX];
	bool has_pod = *backend->pod;

	return (size_t)snprintf(buf, size, "%s/%s %s%s%s%s", backend->namespace, backend->service,
				addr_port_format(&backend->address, backend->port, address),
				has_pod ? " (pod '" : "", backend->pod, has_pod ? "')" : "");
}

static void note(const void *arg, char buf[LISTING_TEXT_MAX])
{
	const struct backend_row *row = arg;
	const struct view_backend *backend = row->backend;
	const char *reason = backends_reason(row), *remedy = backends_remedy(row);
	const char *error = view_error_name(backend->error);
	char age[FORMAT_MAX];
	char *to = buf + name_backend(backend, buf, LISTING_TEXT_MAX / 2);

	if (!reason) {
		sprintf(to,
			" has weight %u, and %u by its Service: 'gwbpf weight ADDRESS:PORT default' "
			"ends that",
			backend->steered_weight, backend->wanted_weight);
		return;
	}
	to += sprintf(to, " is %s", view_backend_state_name(backend->state));
	if (backend->ejected_remaining_seconds > 0)
		to += sprintf(to, " for %s more",
			      format_age(backend->ejected_remaining_seconds, age));
	to += sprintf(to, ": %s", reason);
	if (moods[backend->state] == TABLE_BAD && error)
		to += sprintf(to, ", last %s ago (%s)", format_age(backend->error_age_seconds, age),
			      error);
	if (remedy)
		sprintf(to, ": %s", remedy);
}

static bool is_wanted(const struct view_backend *backend, const void *arg)
{
	const struct service_filter *filter = arg;
	struct named_port port = {backend->namespace, backend->service, backend->service_port_name,
				  backend->service_port};

	return naming_is_service(filter, &port);
}

static int print(const struct cli *cli, const struct view *view,
		 const struct service_filter *filter)
{
	struct listing listing = {
		.columns = &backends_columns,
		.node = lookup_node(view),
		.row_size = sizeof(struct backend_row),
		.mood = mood,
		.group = group,
		.heading = heading,
		.note = note,
		.instead = "ADDRESS",
	};
	struct backend_row *rows;
	int status;

	if (backends_rows(view, is_wanted, filter, &rows, &listing.count)) {
		say_error("cannot list backends: out of memory");
		return EXIT_FAILURE;
	}
	listing.rows = rows;
	status = listing_print(cli, &listing);
	free(rows);
	return status;
}

int backends_run(const struct cli *cli)
{
	return lookup_run(cli, print);
}
