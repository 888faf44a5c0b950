// SPDX-License-Identifier: Apache-2.0
#include "agent/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "agent/client_names.h"
#include "base/addr.h"
#include "base/fnv.h"
#include "base/text.h"
#include "report/json.h"

#define SHARES 2048 /* a power of two: namespaces that share a place count as one */

static const struct client_name nobody;

struct events_item {
	TAILQ_ENTRY(events_item) entry;
	struct timespec time; /* CLOCK_REALTIME */
	uint64_t client;
	uint32_t pid;
	enum events_kind kind;
	uint32_t share;
	char namespace[GW_NAME_MAX];
	char service[GW_NAME_MAX];
	char backend[ADDR_PORT_TEXT_MAX];
	char pod[GW_LONG_NAME_MAX];
	struct client_name client_name;
	char cause[EVENTS_CAUSE_MAX];
};

TAILQ_HEAD(list, events_item);

static struct {
	struct events_item items[EVENTS_MAX];
	size_t used;             /* of these */
	struct list list;        /* the oldest first */
	uint16_t counts[SHARES]; /* how many events the namespaces of a share have */
	uint64_t forgotten;
	struct timespec begin;
	events_listen listen;
	void *arg;
} ring;

static const char *const kind_names[] = {
#define NAME(id, name, text) [EVENTS_##id] = name,
	EVENTS_KINDS(NAME)
#undef NAME
};

const char *events_kind_name(enum events_kind kind)
{
	return kind_names[kind];
}

enum events_kind events_kind_of(const struct events_item *item)
{
	return item->kind;
}

void events_service_of(const struct events_item *item, const char **namespace, const char **service)
{
	*namespace = item->namespace;
	*service = item->service;
}

void events_begin(void)
{
	ring.used = 0;
	ring.forgotten = 0;
	memset(ring.counts, 0, sizeof(ring.counts));
	TAILQ_INIT(&ring.list);
	clock_gettime(CLOCK_REALTIME, &ring.begin);
}

void events_listen_to_all(events_listen listen, void *arg)
{
	ring.listen = listen;
	ring.arg = arg;
}

static uint32_t share_of(const char *namespace)
{
	return fnv_text(namespace) % SHARES;
}

/* The oldest of those that have the most. */
static struct events_item *give_way(void)
{
	struct events_item *item, *found = TAILQ_FIRST(&ring.list);

	TAILQ_FOREACH(item, &ring.list, entry)
		if (ring.counts[item->share] > ring.counts[found->share])
			found = item;
	TAILQ_REMOVE(&ring.list, found, entry);
	ring.counts[found->share]--;
	ring.forgotten++;
	return found;
}

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

void events_add(const struct events_about *about, const char *cause, ...)
{
	struct events_item *item;
	va_list arguments;

	if (!ring.list.tqh_last)
		events_begin();
	item = ring.used < EVENTS_MAX ? &ring.items[ring.used++] : give_way();
	clock_gettime(CLOCK_REALTIME, &item->time);
	item->kind = about->kind;
	item->client = about->client;
	item->pid = about->pid;
	copy(item->namespace, sizeof(item->namespace), about->namespace);
	copy(item->service, sizeof(item->service), about->service);
	copy(item->backend, sizeof(item->backend), about->backend);
	copy(item->pod, sizeof(item->pod), about->pod);
	item->client_name = about->client_name ? *about->client_name : nobody;
	va_start(arguments, cause);
	vsnprintf(item->cause, sizeof(item->cause), cause, arguments);
	va_end(arguments);
	item->share = share_of(item->namespace);
	ring.counts[item->share]++;
	TAILQ_INSERT_TAIL(&ring.list, item, entry);
	if (ring.listen)
		ring.listen(item, ring.arg);
}

static json_t *instant(const struct timespec *time)
{
	char text[TEXT_TIME_MAX];

	return json_string(text_time(time, text));
}

json_t *events_item_to_json(const struct events_item *item, bool with_clients)
{
	const struct client_name *name = with_clients ? &item->client_name : &nobody;

	return json_pack("{so ss so so so so so so so so so so}", "time", instant(&item->time),
			 "event", kind_names[item->kind], "namespace",
			 json_text_or_null(item->namespace), "service",
			 json_text_or_null(item->service), "backend",
			 json_text_or_null(item->backend), "pod", json_text_or_null(item->pod),
			 "cause", json_text_or_null(item->cause), "clientNetnsCookie",
			 with_clients && item->client ? json_identity(item->client) : json_null(),
			 "clientPid",
			 with_clients && item->pid ? json_integer(item->pid) : json_null(),
			 "clientNamespace", json_text_or_null(name->namespace), "clientPod",
			 json_text_or_null(name->pod), "clientCommand",
			 json_text_or_null(name->command));
}

json_t *events_to_json(const char *node, bool with_clients)
{
	const struct events_item *item;
	json_t *items = json_array();

	for (item = TAILQ_FIRST(&ring.list); item; item = TAILQ_NEXT(item, entry))
		json_add(&items, events_item_to_json(item, with_clients));
	return json_extend(json_list("EventList", node, items),
			   json_pack("{so sI}", "sinceTime", instant(&ring.begin), "forgottenTotal",
				     (json_int_t)ring.forgotten));
}
