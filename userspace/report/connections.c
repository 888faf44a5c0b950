// SPDX-License-Identifier: Apache-2.0
/* The balanced sockets that live now, in every network namespace. */
#include "report/connections.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "base/addr.h"
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

static bool is_same_group(const struct connection *a, const struct connection *b)
{
	return a->walk->conn.port == b->walk->conn.port &&
	       !addr_compare(&a->walk->conn.vip, &b->walk->conn.vip) && !a->backend == !b->backend;
}

static void group_items(struct connection *items, size_t count)
{
	size_t first, end, group = 0;

	for (first = 0; first < count; first = end, group++) {
		for (end = first; end < count && is_same_group(&items[first], &items[end]);)
			items[end++].group = group;
		for (size_t i = first; i < end; i++)
			items[i].group_count = end - first;
	}
}

/* The walk comes first: a backend that it finds is in the view, unless it is gone by then. */
int connections_open(const char *pin_dir, struct connections *ret)
{
	int err;

	*ret = (struct connections){0};
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
	*connections = (struct connections){0};
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
	group_items(connections->items, connections->count);
	return err;
}

double connection_unanswered_seconds(const struct gw_walk_conn *walk)
{
	bool is_answered = walk->segments_received && walk->received_ms <= walk->sent_ms;

	return !walk->segments_sent || is_answered ? -1 : walk->sent_ms / 1e3;
}

static struct value peer_of(const struct connection *connection)
{
	const struct gw_walk_conn *walk = connection->walk;

	if (connection->backend && *connection->backend->pod)
		return value_text(connection->backend->pod);
	return value_address_port(&walk->destination, ntohs(walk->destination_port));
}

static struct value client_of(const struct connection *connection)
{
	const struct client *client = &connection->client;

	if (*client->pod || *client->command)
		return value_text(*client->pod ? client->pod : client->command);
	return value_address_port(&connection->walk->source, connection->walk->source_port);
}

#define MAIN COLUMN_MAIN
#define TRAF COLUMN_TRAFFIC
#define ALL COLUMN_ALL
#define PLAIN COLUMN_PLAIN
#define KEY COLUMN_KEY
#define PEOPLE COLUMN_PEOPLE
#define NUMBER COLUMN_NUMBER
#define MOOD COLUMN_MOOD

#define BACKEND(field) (c->backend ? c->backend->field : NULL)

/* X(id, title, field, shown, width, help, reading): c is the struct connection, w what the walk saw. */
#define COLUMNS(X)                                                                                 \
	X(peer, "PEER", NULL, PEOPLE | MAIN | TRAF, 12,                                            \
	  "the backend's pod, or its address where it has none", peer_of(c))                       \
	X(namespace, "NAMESPACE", "namespace", KEY | PLAIN, 0, "namespace of the Service",         \
	  value_name(BACKEND(namespace)))                                                          \
	X(service, "SERVICE", "service", KEY | PLAIN, 0, "the Service",                            \
	  value_name(BACKEND(service)))                                                            \
	X(service_address_port, "SERVICE-ADDRESS", NULL, KEY, 0,                                   \
	  "address and port that the client dialled",                                              \
	  value_address_port(&w->conn.vip, ntohs(w->conn.port)))                                   \
	X(service_address, NULL, "serviceAddress", 0, 0, "", value_address(&w->conn.vip))          \
	X(service_port, NULL, "servicePort", 0, 0, "", value_count(ntohs(w->conn.port)))           \
	X(backend, "BACKEND", NULL, KEY | PLAIN | ALL, 0, "address and port of the backend",       \
	  value_address_port(&w->destination, ntohs(w->destination_port)))                         \
	X(backend_address, NULL, "backendAddress", 0, 0, "", value_address(&w->destination))       \
	X(backend_port, NULL, "backendPort", 0, 0, "", value_count(ntohs(w->destination_port)))    \
	X(pod, "POD", "pod", PLAIN | ALL, 0, "the backend's pod", value_name(BACKEND(pod)))        \
	X(source_address_port, "SOURCE", NULL, KEY | PLAIN | ALL, 0,                               \
	  "address and port of the client", value_address_port(&w->source, w->source_port))        \
	X(client, "CLIENT", NULL, MAIN | TRAF | PLAIN | ALL, 12,                                   \
	  "the client's pod, or else its command, or its address", client_of(c))                   \
	X(source, NULL, "source", 0, 0, "", value_address(&w->source))                             \
	X(source_port, NULL, "sourcePort", 0, 0, "", value_count(w->source_port))                  \
	X(client_pod, "CLIENT-POD", "clientPod", ALL, 0,                                           \
	  "the client's pod, by its name or else its UID", value_name(c->client.pod))              \
	X(pid, "PID", "clientPid", TRAF | ALL | PLAIN | NUMBER, 0,                                 \
	  "the process that called connect()",                                                     \
	  w->conn.tgid ? value_count(w->conn.tgid) : value_unknown())                              \
	X(state, "STATE", "state", MOOD | MAIN | ALL | PLAIN, 0, "state of TCP",                   \
	  value_text(format_tcp_state(w->tcp_state)))                                              \
	X(netns, "NETNS", "netns", ALL | NUMBER, 0, "inode of the network namespace",              \
	  value_identity(w->netns_inode))                                                          \
	X(cookie, "COOKIE", "cookie", ALL | NUMBER, 0, "cookie of the socket",                     \
	  value_identity(w->cookie))                                                               \
	X(age, "AGE", "ageSeconds", MAIN | TRAF | ALL | PLAIN | NUMBER, 0,                         \
	  "since connect() was called", value_seconds(c->age_seconds))                             \
	X(idle, "IDLE", "idleSeconds", MAIN | TRAF | ALL | PLAIN | NUMBER, 0,                      \
	  "since data was sent or came", value_seconds(w->idle_ms / 1e3))                          \
	X(rtt, "RTT", "rttSeconds", TRAF | ALL | PLAIN | NUMBER, 0,                                \
	  "round trip as TCP measures it",                                                         \
	  w->srtt_us ? value_latency(w->srtt_us / 1e6) : value_unknown())                          \
	X(sent, "SENT", "bytesSent", TRAF | ALL | PLAIN | NUMBER, 0,                               \
	  "bytes that the backend has acknowledged", value_bytes(w->bytes_sent))                   \
	X(received, "RECEIVED", "bytesReceived", TRAF | ALL | PLAIN | NUMBER, 0,                   \
	  "bytes that came from it", value_bytes(w->bytes_received))                               \
	X(client_namespace, NULL, "clientNamespace", 0, 0, "", value_name(c->client.namespace))    \
	X(client_command, "COMMAND", "clientCommand", ALL, 0,                                      \
	  "command of the process that called connect()", value_name(c->client.command))           \
	X(retransmits, "RETRANSMITS", "retransmitsTotal", TRAF | ALL | NUMBER, 0,                  \
	  "segments that were sent again", value_count(w->retransmits))                            \
	X(unacked, "UNACKED", "bytesUnacked", TRAF | ALL | NUMBER, 0,                              \
	  "bytes that the backend has not acknowledged", value_bytes(w->unacked))                  \
	X(unanswered, "UNANSWERED", "unansweredSeconds", MAIN | ALL | PLAIN | NUMBER, 0,           \
	  "for how long, at least, what was sent last has had no answer",                          \
	  value_seconds(connection_unanswered_seconds(w)))

#define READ(id, title, field, shown, width, help, reading)                                        \
	static struct value read_##id(const void *arg)                                             \
	{                                                                                          \
		const struct connection *c = arg;                                                  \
		const struct gw_walk_conn *w = c->walk;                                            \
                                                                                                   \
		(void)w;                                                                           \
		return reading;                                                                    \
	}

COLUMNS(READ)

static const struct column items[] = {COLUMNS(COLUMN_ROW)};

const struct columns connections_columns = {
	.list = "ConnectionList",
	.items = items,
	.count = sizeof(items) / sizeof(items[0]),
};
