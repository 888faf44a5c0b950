/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients, nodes and peers in network namespaces of this process's own: from the clients' (that it
 * lives in) a veth pair leads to each node, which forwards, and from there another one to the
 * peers'. They go away with the process. Knows nothing of what the nodes do.
 *
 * By node N: clients 10.128.N.1, peers 10.129.N.1 and following, Services 10.96.N.0/24.
 */
#ifndef GWBPF_BENCH_SPACES_H
#define GWBPF_BENCH_SPACES_H

#include <sys/types.h>

#define SPACES_PEERS 4 /* addresses of the peers behind each node */
#define SPACES_NODES_MAX 16

void spaces_open(void);

/* Make this node. */
void spaces_add_node(int node);

/* Run a shell command there; fails the test if it fails. */
void spaces_run_at_node(int node, const char *command);

/* fork(2), for a child that lives at the peers', or at a node. */
pid_t spaces_fork_peers(void);
pid_t spaces_fork_node(int node);

#endif
