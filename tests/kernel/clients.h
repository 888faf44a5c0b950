/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several clients in one process: network namespaces, in each of which the addresses of the lab are
 * that client's own, so that each can find a backend in a different condition.
 */
#ifndef GWBPF_TESTS_CLIENTS_H
#define GWBPF_TESTS_CLIENTS_H

#include <stddef.h>

/* A new client, which we do not become yet. Returns a descriptor to close. */
int clients_make(void);

/* The same, but of a user: its network namespace belongs to a user namespace below the node's. */
int clients_make_of_user(void);

/* From now on sockets are made as this client. Who we are now, as such a descriptor. */
void clients_be(int client);
int clients_here(void);

/* To the client that we are, packets to this address ("10.1.0.1") vanish from now on; or do not. */
void clients_lose(const char *ip);
void clients_find(const char *ip);

/* Wait until a connect that is on its way has sent its SYN so often again. */
void clients_await_repeat(int fd, unsigned int times);

/*
 * As the client that we are, reach each of these backends once through the Service "lab/peers",
 * which has no others until it is given some: from now on this client may accuse them. They must
 * not be listened at here yet.
 */
void clients_reach(const char *vip, const char *const *backends);

/* Connect and close; -errno, or the errno that came later; 0: it was established. */
int clients_touch(const char *address);

#endif
