// SPDX-License-Identifier: Apache-2.0
/* `gwbpf connections`: the balanced sockets that live now, in every network namespace. */
#include "cli/commands.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/format.h"
#include "cli/json.h"
#include "cli/naming.h"
#include "cli/usage.h"
#include "cli/lookup.h"
#include "cli/say.h"
#include "cli/table.h"
#include "kernel/conns.h"
#include "kernel/view.h"

const struct argp_option connections_options[] = {
	{ .name = "backend",
	  .key = OPTION_BACKEND,
	  .arg = "BACKEND",
	  .doc = "only those to this backend, ADDRESS:PORT or the name of its pod" },
	{ 0 },
};

static const struct table_column columns[] = {
	{ "NAMESPACE", 0 },
	{ "SERVICE", 0 },
	{ "SERVICE-ADDRESS", TABLE_WIDE },
	{ "BACKEND", 0 },
	{ "POD", 0 },
	{ "SOURCE", 0 },
	{ "PID", TABLE_RIGHT },
	{ "STATE", 0 },
	{ "AGE", TABLE_RIGHT },
	{ "IDLE", TABLE_RIGHT },
	{ "RTT", TABLE_RIGHT },
	{ "SENT", TABLE_RIGHT },
	{ "RECEIVED", TABLE_RIGHT },
	{ "NETNS", TABLE_RIGHT | TABLE_WIDE },
	{ "COOKIE", TABLE_RIGHT | TABLE_WIDE },
};

struct connection {
	const struct gw_walk_conn *walk;
	const struct view_backend *backend; /* NULL: it came after the walk */
	double age_seconds;
};

struct connections {
	struct view *view;
	struct gw_walk_conn *walk;
	struct connection *items;
	size_t count;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool is_live(const struct gw_walk_conn *walk)
{
	return walk->conn.state == GW_CONN_COUNTED && walk->tcp_state != TCP_CLOSE;
}

static bool is_wanted(const struct cli *cli, const struct service_filter *filter,
		      const struct view_backend *backend)
{
	struct named_port port;

	if (!backend)
		return !cli->backend && !cli->argument_count;
	port = (struct named_port){ backend->namespace, backend->service,
				    backend->service_port_name, backend->service_port };
	return naming_is_service(filter, &port) &&
	       naming_is_backend(cli->backend, &backend->address, backend->port, backend->pod);
}

/* Backends are in the order of the view already, which is that of names and addresses. */
static int compare(const void *left, const void *right)
{
	const struct connection *a = left, *b = right;

	if (a->backend != b->backend) {
		if (!a->backend || !b->backend)
			return a->backend ? -1 : 1;
		return a->backend < b->backend ? -1 : 1;
	}
	if (a->walk->conn.start_ns != b->walk->conn.start_ns)
		return a->walk->conn.start_ns < b->walk->conn.start_ns ? -1 : 1;
	return a->walk->cookie < b->walk->cookie ? -1 : 1;
}

static void select_wanted(struct connections *connections, const struct cli *cli,
			  const struct service_filter *filter, size_t walk_count)
{
	uint64_t now = now_ns();
	size_t i;

	for (i = 0; i < walk_count; i++) {
		const struct gw_walk_conn *walk = &connections->walk[i];
		const struct view_backend *backend;

		if (!is_live(walk))
			continue;
		backend = view_find_backend(connections->view, walk->conn.backend,
					    walk->conn.backend_generation);
		if (!is_wanted(cli, filter, backend))
			continue;
		connections->items[connections->count++] = (struct connection){
			.walk = walk,
			.backend = backend,
			.age_seconds = (double)(now - walk->conn.start_ns) / 1e9,
		};
	}
	qsort(connections->items, connections->count, sizeof(*connections->items), compare);
}

static void release(struct connections *connections)
{
	free(connections->items);
	free(connections->walk);
	view_close(connections->view);
}

/* The walk comes first: a backend that it finds is in the view, unless it is gone by then. */
static int collect(const struct cli *cli, struct connections *connections)
{
	char message[LOOKUP_MESSAGE_MAX];
	struct service_filter filter;
	size_t walk_count;
	int err;

	err = conns_walk(cli->pin_dir, &connections->walk, &walk_count);
	if (err) {
		say_error("%s", lookup_message(cli->pin_dir, err, message));
		return err;
	}
	err = lookup_open(cli, &connections->view);
	if (!err)
		err = lookup_service(cli, connections->view, &filter);
	if (!err)
		err = lookup_backend(cli, connections->view, &filter);
	if (err)
		return err;
	connections->items = calloc(walk_count + 1, sizeof(*connections->items));
	if (!connections->items) {
		say_error("cannot list connections: out of memory");
		return -1;
	}
	select_wanted(connections, cli, &filter, walk_count);
	return 0;
}

static void add_row(struct table *table, const struct connection *connection)
{
	const struct gw_walk_conn *walk = connection->walk;
	const struct view_backend *backend = connection->backend;
	char text[ADDR_PORT_TEXT_MAX], quantity[FORMAT_MAX];

	table_row(table);
	table_text(table, backend ? backend->namespace : NULL);
	table_text(table, backend ? backend->service : NULL);
	table_text(table, addr_port_format(&walk->conn.vip, ntohs(walk->conn.port), text));
	table_text(table,
		   addr_port_format(&walk->destination, ntohs(walk->destination_port), text));
	table_text(table, backend ? backend->pod : NULL);
	table_text(table, addr_port_format(&walk->source, walk->source_port, text));
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

static json_t *to_json(const struct connection *connection)
{
	const struct gw_walk_conn *walk = connection->walk;
	const struct view_backend *backend = connection->backend;

	return json_pack("{so so so si so si so so si sn so ss so so so so so so so}",
			 "namespace", json_text_or_null(backend ? backend->namespace : NULL),
			 "service", json_text_or_null(backend ? backend->service : NULL),
			 "serviceAddress", json_address(&walk->conn.vip),
			 "servicePort", ntohs(walk->conn.port),
			 "backendAddress", json_address(&walk->destination),
			 "backendPort", ntohs(walk->destination_port),
			 "pod", json_text_or_null(backend ? backend->pod : NULL),
			 "source", json_address(&walk->source),
			 "sourcePort", walk->source_port,
			 "clientPod",
			 "clientPid", walk->conn.tgid ? json_count(walk->conn.tgid) : json_null(),
			 "state", format_tcp_state(walk->tcp_state),
			 "netns", json_identity(walk->netns_inode),
			 "cookie", json_identity(walk->cookie),
			 "ageSeconds", json_seconds(connection->age_seconds),
			 "idleSeconds", json_seconds(walk->idle_ms / 1e3),
			 "rttSeconds", walk->srtt_us ? json_seconds(walk->srtt_us / 1e6) : json_null(),
			 "bytesSent", json_count(walk->bytes_sent),
			 "bytesReceived", json_count(walk->bytes_received));
}

static int print_json(const struct connections *connections)
{
	json_t *items = json_array();
	size_t i;

	for (i = 0; i < connections->count; i++)
		json_add(&items, to_json(&connections->items[i]));
	return json_print(json_list("ConnectionList", lookup_node(connections->view), items));
}

int connections_run(const struct cli *cli)
{
	struct connections connections = { 0 };
	int status = EXIT_FAILURE;

	if (collect(cli, &connections))
		goto out;
	if (cli->output == CLI_OUTPUT_JSON)
		status = print_json(&connections);
	else
		status = print_table(cli, &connections);
out:
	release(&connections);
	return status;
}
