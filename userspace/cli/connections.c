// SPDX-License-Identifier: Apache-2.0
/* `gwbpf connections`: the balanced sockets that live now, in every network namespace. */
#include "cli/commands.h"

#include <stdlib.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/json_print.h"
#include "cli/lookup.h"
#include "cli/naming.h"
#include "cli/say.h"
#include "cli/table.h"
#include "cli/usage.h"
#include "kernel/view.h"
#include "report/connections.h"
#include "report/format.h"

const struct argp_option connections_options[] = {
	{ .name = "backend",
	  .key = OPTION_BACKEND,
	  .arg = "BACKEND",
	  .doc = "only those to this backend, ADDRESS:PORT or the name of its pod" },
	USAGE_NAMESPACE_OPTIONS,
	{ 0 },
};

static const struct table_column columns[] = {
	{ "NAMESPACE", 0 },
	{ "SERVICE", 0 },
	{ "SERVICE-ADDRESS", TABLE_WIDE },
	{ "BACKEND", 0 },
	{ "POD", 0 },
	{ "SOURCE", 0 },
	{ "CLIENT", 0 },
	{ "PID", TABLE_RIGHT },
	{ "STATE", 0 },
	{ "AGE", TABLE_RIGHT },
	{ "IDLE", TABLE_RIGHT },
	{ "RTT", TABLE_RIGHT },
	{ "SENT", TABLE_RIGHT },
	{ "RECEIVED", TABLE_RIGHT },
	{ "UNANSWERED", TABLE_RIGHT },
	{ "UNACKED", TABLE_RIGHT | TABLE_WIDE },
	{ "RETRANSMITS", TABLE_RIGHT | TABLE_WIDE },
	{ "NETNS", TABLE_RIGHT | TABLE_WIDE },
	{ "COOKIE", TABLE_RIGHT | TABLE_WIDE },
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
	port = (struct named_port){ backend->namespace, backend->service,
				    backend->service_port_name, backend->service_port };
	return naming_is_service(&wanted->filter, &port) &&
	       naming_is_backend(wanted->cli->backend, &backend->address, backend->port,
				 backend->pod);
}

static int collect(const struct cli *cli, struct connections *connections)
{
	struct wanted wanted = { .cli = cli };
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

static void add_row(struct table *table, const struct connection *connection)
{
	const struct gw_walk_conn *walk = connection->walk;
	const struct view_backend *backend = connection->backend;
	const struct client *client = &connection->client;
	char text[ADDR_PORT_TEXT_MAX], quantity[FORMAT_MAX];

	table_row(table);
	table_text(table, backend ? backend->namespace : NULL);
	table_text(table, backend ? backend->service : NULL);
	table_text(table, addr_port_format(&walk->conn.vip, ntohs(walk->conn.port), text));
	table_text(table,
		   addr_port_format(&walk->destination, ntohs(walk->destination_port), text));
	table_text(table, backend ? backend->pod : NULL);
	table_text(table, addr_port_format(&walk->source, walk->source_port, text));
	table_text(table, *client->pod ? client->pod : client->command);
	if (walk->conn.tgid)
		table_number(table, walk->conn.tgid);
	else
		table_text(table, NULL);
	table_state(table, format_tcp_state(walk->tcp_state),
		    walk->tcp_state == TCP_ESTABLISHED ? TABLE_GOOD : TABLE_DOUBTFUL);
	table_text(table, format_age(connection->age_seconds, quantity));
	table_text(table, format_age(walk->idle_ms / 1e3, quantity));
	table_text(table, format_rtt(walk->srtt_us, quantity));
	table_text(table, format_bytes(walk->bytes_sent, quantity));
	table_text(table, format_bytes(walk->bytes_received, quantity));
	table_text(table, format_age(connection_unanswered_seconds(walk), quantity));
	table_text(table, format_bytes(walk->unacked, quantity));
	table_number(table, walk->retransmits);
	table_number(table, walk->netns_inode);
	table_number(table, walk->cookie);
}

static int print_table(const struct cli *cli, const struct connections *connections)
{
	struct table *table;
	size_t i;
	int status;

	if (table_new(cli, columns, sizeof(columns) / sizeof(columns[0]), &table))
		return EXIT_FAILURE;
	for (i = 0; i < connections->count; i++)
		add_row(table, &connections->items[i]);
	table_print_node(cli, lookup_node(connections->view));
	status = table_print(table);
	table_free(table);
	return status;
}

int connections_run(const struct cli *cli)
{
	struct connections connections = { 0 };
	int status = EXIT_FAILURE;

	if (collect(cli, &connections))
		goto out;
	if (cli->output == CLI_OUTPUT_JSON)
		status = json_print(connections_to_json(&connections));
	else
		status = print_table(cli, &connections);
out:
	connections_close(&connections);
	return status;
}
