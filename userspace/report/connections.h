/* SPDX-License-Identifier: Apache-2.0 */
/* The balanced sockets that live now, in every network namespace. */
#ifndef GWBPF_REPORT_CONNECTIONS_H
#define GWBPF_REPORT_CONNECTIONS_H

#include <stddef.h>

#include <gwbpf/walk.h>

#include "kernel/view.h"
#include "report/backends.h"
#include "report/clients.h"
#include "report/columns.h"
#include "report/json.h"

struct connection {
	const struct gw_walk_conn *walk;
	const struct view_backend *backend; /* NULL: it came after the walk */
	double age_seconds;
	struct client client;
	size_t group;       /* number of its Service port at one address, from 0 */
	size_t group_count; /* how many connections that has */
};

struct connections {
	struct view *view;
	struct clients *clients;
	struct gw_walk_conn *walk;
	size_t walked;
	struct connection *items; /* those selected, in order of backend and age */
	size_t count;
};

extern const struct columns connections_columns; /* of a struct connection */

/* What conns_walk_once() and view_open() say. */
int connections_open(const char *pin_dir, struct connections *ret);
void connections_close(struct connections *connections);

/* wants NULL: every one; it is asked with NULL about a backend that is not known. -ENOMEM */
int connections_select(struct connections *connections, report_wants *wants, const void *arg);

/* For how long, at least, what was sent last has had no answer: no data came since. Below 0: it had
 * one, or nothing was sent. */
double connection_unanswered_seconds(const struct gw_walk_conn *walk);

#endif
