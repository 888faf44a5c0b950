// SPDX-License-Identifier: Apache-2.0
/* `gwbpf connections`: the balanced sockets that live now, in every network namespace. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/listing.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/shorten.h"
#include "cli/usage.h"
#include "kernel/view.h"
#include "report/connections.h"

const struct argp_option connections_options[] = {
	{.name = "backend",
	 .key = OPTION_BACKEND,
	 .arg = "BACKEND",
	 .doc = "only those to this backend, ADDRESS:PORT or the name of its pod"},
	USAGE_NAMESPACE_OPTIONS,
	USAGE_WATCH_OPTION,
	USAGE_SORT_OPTION,
	{.name = "wide",
	 .key = OPTION_WIDE,
	 .arg = "traffic|all",
	 .doc = "the columns of one topic, or all of them as -o wide"},
	{0},
};

struct wanted {
	const struct cli *cli;
	struct service_filter filter;
};

static bool is_wanted(const struct view_backend *backend, const void *arg)
{
	const struct wanted *wanted = arg;
	struct named_port port;

	if (!backend)
		return !wanted->cli->backend && !wanted->cli->argument_count &&
		       !wanted->cli->namespace;
	port = (struct named_port){backend->namespace, backend->service, backend->service_port_name,
				   backend->service_port};
	return naming_is_service(&wanted->filter, &port) &&
	       naming_is_backend(wanted->cli->backend, &backend->address, backend->port,
				 backend->pod);
}

static int collect(const struct cli *cli, struct connections *connections)
{
	struct wanted wanted = {.cli = cli};
	char message[LOOKUP_MESSAGE_MAX];
	int err;

	err = connections_open(cli->pin_dir, connections);
	if (err) {
		say_error("%s", lookup_message(cli->pin_dir, err, message));
		return err;
	}
	err = lookup_service(cli, connections->view, &wanted.filter);
	if (!err)
		err = lookup_backend(cli, connections->view, &wanted.filter);
	if (err)
		return err;
	err = connections_select(connections, is_wanted, &wanted);
	if (err)
		say_error("cannot list connections: out of memory");
	return err;
}

static enum table_mood mood(const void *arg)
{
	const struct connection *connection = arg;

	return connection->walk->tcp_state == TCP_ESTABLISHED ? TABLE_GOOD : TABLE_DOUBTFUL;
}

static size_t group(const void *arg)
{
	return ((const struct connection *)arg)->group;
}

/* "fabric/gateway  10.96.0.1:7051  3 connections" */
static void heading(const void *arg, char buf[LISTING_TEXT_MAX])
{
	const struct connection *connection = arg;
	const struct view_backend *backend = connection->backend;
	char name[2 * GW_NAME_MAX] = "(not known)", shorter[sizeof(name) + SHORTEN_SIGN_MAX];
	char address[ADDR_PORT_TEXT_MAX], rest[128];

	if (backend)
		snprintf(name, sizeof(name), "%s/%s", backend->namespace, backend->service);
	snprintf(rest, sizeof(rest), "  %s  %zu connection%s",
		 addr_port_format(&connection->walk->conn.vip, ntohs(connection->walk->conn.port),
				  address),
		 connection->group_count, connection->group_count == 1 ? "" : "s");
	snprintf(buf, LISTING_TEXT_MAX, "%s%s",
		 shorten_middle(name, TABLE_COLUMNS_MAX - strlen(rest), shorter), rest);
}

int connections_run(const struct cli *cli)
{
	struct listing listing = {
		.columns = &connections_columns,
		.row_size = sizeof(struct connection),
		.mood = mood,
		.group = group,
		.heading = heading,
		.instead = "BACKEND",
	};
	struct connections connections = {0};
	int status = EXIT_FAILURE;

	if (collect(cli, &connections))
		goto out;
	listing.node = lookup_node(connections.view);
	listing.rows = connections.items;
	listing.count = connections.count;
	status = listing_print(cli, &listing);
out:
	connections_close(&connections);
	return status;
}
