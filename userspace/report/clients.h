/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who made a connection: its pod, by its cgroup, and its process. What was found is kept, as
 * thousands of connections may come from a few.
 */
#ifndef GWBPF_REPORT_CLIENTS_H
#define GWBPF_REPORT_CLIENTS_H

#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>
#include <gwbpf/walk.h>

#include "kernel/view.h"

struct clients;

/* view must outlive it; NULL: nobody is named by an address. -ENOMEM */
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

/*
 * By the cgroup and the process alone, as they were a moment ago: the pod, or else, where the cgroup
 * is there and no pod's, the command of the process. What is of a pod is looked at no further, so
 * that a pod costs as many looks as it has cgroups, however many processes. -ENOMEM
 */
int clients_find_origin(struct clients *clients, uint64_t cgroup_id, uint32_t pid,
			struct client *ret);

/* How many cgroups and processes were looked at. */
size_t clients_looks(const struct clients *clients);

/* The pod in whose cgroup a process is, likewise. -ENOMEM */
int clients_find_process(struct clients *clients, uint32_t pid, struct client *ret);

#endif
