/* SPDX-License-Identifier: Apache-2.0 */
/* Where a source delivers what it finds: a store for objects, the agent for what concerns the source
 * itself. */
#ifndef GWBPF_SOURCE_SINK_H
#define GWBPF_SOURCE_SINK_H

#include <stdbool.h>

#include "model/object.h"
#include "model/store.h"

/* Why a source cannot be read at the moment: the word in gwbpf_source_errors_total{reason}. */
#define SOURCE_ERRORS(X)                                                                           \
	X(CONFIG, "config", "configuration or credentials cannot be read")                         \
	X(CONNECT, "connect", "no connection to the API server, or it broke")                      \
	X(TLS, "tls", "certificates do not fit")                                                   \
	X(TIMEOUT, "timeout", "no answer in time")                                                 \
	X(UNAUTHORIZED, "unauthorized", "401: the credentials are refused")                        \
	X(FORBIDDEN, "forbidden", "403: a right is missing")                                       \
	X(NOT_FOUND, "not-found", "404: no such object or resource")                               \
	X(GONE, "gone", "410: the position is too old, everything is listed again")                \
	X(THROTTLED, "throttled", "429: the API server asks to wait")                              \
	X(SERVER, "server", "any other status that is no success")                                 \
	X(PROTOCOL, "protocol", "an answer that makes no sense")                                   \
	X(TOO_LARGE, "too-large", "an answer beyond the limit of size")                            \
	X(INTERNAL, "internal", "out of memory or descriptors")

enum source_error {
#define SOURCE_ERROR_ENUM(id, name, text) SOURCE_ERROR_##id,
	SOURCE_ERRORS(SOURCE_ERROR_ENUM)
#undef SOURCE_ERROR_ENUM
		SOURCE_ERROR_MAX_
};

const char *source_error_name(enum source_error error);

struct sink {
	/* What takes the objects, and what is refused; it tells whoever made it what comes of
	 * that. */
	struct store *store;
	/* All that belongs together has been delivered: program it now. complete: everything that
	 * there is has been delivered at least once. */
	void (*commit)(bool complete, void *arg);
	/* Nothing of origin is refused any more, or it is read again. */
	void (*recovered)(const char *origin, void *arg);

	/* The Kubernetes source alone calls these; the file source leaves them alone. */

	/* This node: whether there is such a Node, and its zone ("": it has none). Called before
	 * the first complete commit, and when it changes; not at all while it is not known. */
	void (*set_node)(bool exists, const char *zone, void *arg);
	/* Whether the slices of a Service that was put are still to be read: told once it was put,
	 * and again when they are. Without a word they are not. */
	void (*await_slices)(const char *namespace, const char *name, bool awaited, void *arg);
	/* Whether the pods of this node are still to be read: told before and after the first list
	 * of them, which a right that is missing ends as well. */
	void (*await_pods)(bool awaited, void *arg);
	/* The API server said something, be it only that nothing has changed. */
	void (*heard)(void *arg);
	/* An attempt to read origin failed; all that was delivered stays in force. message names
	 * the thing, the reason, the remedy and what happens next. */
	void (*failed)(const char *origin, enum source_error error, const char *message, void *arg);
	void *arg;
};

#endif
