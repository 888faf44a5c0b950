/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who made a connection: its pod, by its cgroup, and its process. What was found is kept, as
 * thousands of connections may come from a few.
 */
#ifndef GWBPF_REPORT_CLIENTS_H
#define GWBPF_REPORT_CLIENTS_H

#include <gwbpf/abi.h>
#include <gwbpf/walk.h>

#include "kernel/view.h"

struct clients;

/* view must outlive it. -ENOMEM */
int clients_new(const struct view *view, struct clients **ret);
void clients_free(struct clients *clients); /* takes NULL */

/*
 * "" where something is not known; all valid until clients_free(). pod: its name where the kubelet of
 * this node has written it down, or where it is itself a backend of some Service here, whose address
 * it has; else its UID; "" if it is no pod, or its cgroup is gone.
 */
struct client {
	const char *namespace;
	const char *pod;
	const char *command; /* of the process that connected, if it is still that one */
};

/* -ENOMEM */
int clients_find(struct clients *clients, const struct gw_walk_conn *walk, struct client *ret);

/* The pod in whose cgroup a process is, likewise. -ENOMEM */
int clients_find_process(struct clients *clients, uint32_t pid, struct client *ret);

#endif
