/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has happened since the agent started, for `gwbpf events`: the last thousand, in memory. As
 * with the log, whoever sees something happen tells it here, from any place in the agent. What
 * stands in the ring may hold names that strangers chose: whoever shows it escapes it.
 */
#ifndef GWBPF_AGENT_EVENTS_H
#define GWBPF_AGENT_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define EVENTS_MAX 1000
#define EVENTS_CAUSE_MAX 400 /* bytes; what is longer is cut */

/* Kind in JSON and tables, and what it means. */
#define EVENTS_KINDS(X)                                                                            \
	X(STARTED, "agent-started", "an agent took over")                                          \
	X(ACCUSED, "accused", "a client could not reach a backend")                                \
	X(EJECTED, "ejected", "a backend gets no connections from this node for a while")          \
	X(DOWN, "down", "a check says that a backend does not work")                               \
	X(BACK, "back", "a backend gets connections again")                                        \
	X(SET_CHANGED, "set-changed", "the backends or settings of a Service are others now")      \
	X(WITHDRAWN, "withdrawn", "a Service's address is no longer balanced")                     \
	X(REFUSED, "refused", "an object or a Service is not in force as it was wanted")           \
	X(ACCEPTED, "accepted", "what was refused is in force")                                    \
	X(MOVED, "moved", "a connection was told to connect anew, or could not be")                \
	X(DRAIN_BEGAN, "drain-began", "a backend takes no new connections")                        \
	X(DRAIN_ENDED, "drain-ended", "a backend that is drained has no connections left")         \
	X(DRAIN_TAKEN_BACK, "drain-taken-back", "a backend takes new connections again")           \
	X(SOURCE_AWAY, "source-away", "where Services come from cannot be read")                   \
	X(SOURCE_BACK, "source-back", "it can be read again")                                      \
	X(HOOKS, "hooks", "the hooks were taken away, moved, or are attached again")

enum events_kind {
#define EVENTS_KIND_ENUM(id, name, text) EVENTS_##id,
	EVENTS_KINDS(EVENTS_KIND_ENUM)
#undef EVENTS_KIND_ENUM
		EVENTS_KIND_MAX_
};

struct client_name;

/* Whom an event is about. NULL, "" and 0: nobody, or not known. Texts are copied. */
struct events_about {
	enum events_kind kind;
	const char *namespace; /* of the Service */
	const char *service;
	const char *backend; /* "10.244.0.11:7051" */
	const char *pod;     /* of the backend */
	/* The client, which is named on the control socket alone. */
	uint64_t client;                       /* its netns cookie */
	uint32_t pid;                          /* its process */
	const struct client_name *client_name; /* NULL: not known */
};

/* Forget all; what happens from now on is kept. To be called once, when the agent starts. */
void events_begin(void);

/*
 * Keep what happened just now, and why. If there is no room, the oldest event of the namespace that
 * has the most gives way: a tenant whose pods come and go without pause makes only its own forgotten.
 */
void events_add(const struct events_about *about, const char *cause, ...)
	__attribute__((format(printf, 2, 3)));

/* Told of each event that is added, as it is kept; NULL: nobody is. */
struct events_item;
typedef void (*events_listen)(const struct events_item *item, void *arg);
void events_listen_to_all(events_listen listen, void *arg);

enum events_kind events_kind_of(const struct events_item *item);
/* Both "" if it is of none. */
void events_service_of(const struct events_item *item, const char **namespace,
		       const char **service);

/* One event as JSON, in which clients have their numbers, not their names; NULL without memory. */
json_t *events_item_to_json(const struct events_item *item, bool with_clients);

/* All as an EventList, the oldest first, in which they have both. */
json_t *events_to_json(const char *node, bool with_clients);

const char *events_kind_name(enum events_kind kind);

#endif
