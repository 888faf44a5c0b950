/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the soak takes place: peers and clients, each in a network namespace of its own, on one
 * bridge, and the ways in which a peer is lost. Knows nothing of gwbpf: a client sees which peer it
 * was sent to by its own source address, which is another one towards each peer.
 */
#ifndef GWBPF_TESTS_TOWN_H
#define GWBPF_TESTS_TOWN_H

#include <netinet/in.h>

#define TOWN_PEERS 6
#define TOWN_CLIENTS 4
#define TOWN_PORT 7051

/* The last byte of a peer's address, with which it greets. */
#define TOWN_PEER_BYTE(peer) (11 + (peer))
#define TOWN_PEER_FORMAT "10.244.0.%d"

/* With peers that answer, in a lab (kernel/lab.h). The namespaces end with the processes. */
void town_open(void);
void town_close(void);

/* This process moves to the namespace of a client; and back. */
void town_visit(int client);
void town_leave(void);

/* Which peer a socket with this source address was sent to; -1: to none. */
int town_peer_of(const struct sockaddr_in *source);

/* Its port is closed; and a new process listens there. */
void town_kill(int peer);
void town_revive(int peer);

/* It accepts nothing more; the kernel goes on for it, until its queue is full. */
void town_pause(int peer);
void town_resume(int peer);

/* Its packets vanish in both directions. */
void town_unplug(int peer);
void town_plug(int peer);

/* One client has no route to it. */
void town_cut(int client, int peer);
void town_join(int client, int peer);

/* Wait until a peer answers a connection that does not go through the Service. */
void town_await(int peer);

#endif
