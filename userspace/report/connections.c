// SPDX-License-Identifier: Apache-2.0
/* The balanced sockets that live now, in every network namespace. */
#include "report/connections.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "base/clock.h"
#include "kernel/conns.h"
#include "report/format.h"
#include "report/lookup.h"

static bool is_live(const struct gw_walk_conn *walk)
{
	return walk->conn.state == GW_CONN_COUNTED && walk->tcp_state != TCP_CLOSE &&
	       walk->conn.backend != GW_CANARY_BACKEND;
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

/* The walk comes first: a backend that it finds is in the view, unless it is gone by then. */
int connections_open(const char *pin_dir, struct connections *ret)
{
	int err;

	*ret = (struct connections){ 0 };
	err = conns_walk_once(pin_dir, &ret->walk, &ret->walked);
	if (!err)
		err = view_open(pin_dir, &ret->view);
	if (!err)
		err = clients_new(ret->view, &ret->clients);
	if (err)
		connections_close(ret);
	return err;
}

void connections_close(struct connections *connections)
{
	free(connections->items);
	free(connections->walk);
	clients_free(connections->clients);
	view_close(connections->view);
	*connections = (struct connections){ 0 };
}

int connections_select(struct connections *connections, report_wants *wants, const void *arg)
{
	uint64_t now = clock_now_ns();
	size_t i;
	int err = 0;

	connections->items = calloc(connections->walked + 1, sizeof(*connections->items));
	if (!connections->items)
		return -ENOMEM;
	for (i = 0; i < connections->walked && !err; i++) {
		const struct gw_walk_conn *walk = &connections->walk[i];
		const struct view_backend *backend;
		struct connection *item;

		if (!is_live(walk))
			continue;
		backend = view_find_backend(connections->view, walk->conn.backend,
					    walk->conn.backend_generation);
		if (wants && !wants(backend, arg))
			continue;
		item = &connections->items[connections->count++];
		*item = (struct connection){
			.walk = walk,
			.backend = backend,
			.age_seconds = (double)(now - walk->conn.start_ns) / 1e9,
		};
		err = clients_find(connections->clients, walk, &item->client);
	}
	qsort(connections->items, connections->count, sizeof(*connections->items), compare);
	return err;
}

double connection_unanswered_seconds(const struct gw_walk_conn *walk)
{
	bool is_answered = walk->segments_received && walk->received_ms <= walk->sent_ms;

	return !walk->segments_sent || is_answered ? -1 : walk->sent_ms / 1e3;
}

static json_t *to_json(const struct connection *connection)
{
	const struct gw_walk_conn *walk = connection->walk;
	const struct view_backend *backend = connection->backend;
	const struct client *client = &connection->client;
	json_t *value;

	value = json_pack("{so so so si so si so so si so so ss so so so so so so so}",
			 "namespace", json_text_or_null(backend ? backend->namespace : NULL),
			 "service", json_text_or_null(backend ? backend->service : NULL),
			 "serviceAddress", json_address(&walk->conn.vip),
			 "servicePort", ntohs(walk->conn.port),
			 "backendAddress", json_address(&walk->destination),
			 "backendPort", ntohs(walk->destination_port),
			 "pod", json_text_or_null(backend ? backend->pod : NULL),
			 "source", json_address(&walk->source),
			 "sourcePort", walk->source_port,
			 "clientPod", json_text_or_null(client->pod),
			 "clientPid", walk->conn.tgid ? json_count(walk->conn.tgid) : json_null(),
			 "state", format_tcp_state(walk->tcp_state),
			 "netns", json_identity(walk->netns_inode),
			 "cookie", json_identity(walk->cookie),
			 "ageSeconds", json_seconds(connection->age_seconds),
			 "idleSeconds", json_seconds(walk->idle_ms / 1e3),
			 "rttSeconds", walk->srtt_us ? json_seconds(walk->srtt_us / 1e6) : json_null(),
			 "bytesSent", json_count(walk->bytes_sent),
			 "bytesReceived", json_count(walk->bytes_received));
	return json_extend(value,
			   json_pack("{so so so so so}",
				     "clientNamespace", json_text_or_null(client->namespace),
				     "clientCommand", json_text_or_null(client->command),
				     "retransmitsTotal", json_count(walk->retransmits),
				     "bytesUnacked", json_count(walk->unacked),
				     "unansweredSeconds",
				     json_seconds(connection_unanswered_seconds(walk))));
}

json_t *connections_to_json(const struct connections *connections)
{
	json_t *items = json_array();
	size_t i;

	for (i = 0; i < connections->count; i++)
		json_add(&items, to_json(&connections->items[i]));
	return json_list("ConnectionList", lookup_node(connections->view), items);
}
