/* SPDX-License-Identifier: Apache-2.0 */
/* The balanced sockets that exist now, in every network namespace. */
#ifndef GWBPF_KERNEL_CONNS_H
#define GWBPF_KERNEL_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>
#include <gwbpf/walk.h>

struct conns;

/*
 * Load the walk over the gw_conns pinned below pin_dir; it takes the kernel some 0.1 s, so whoever
 * walks again keeps it. -ENOENT: nothing is pinned there; -EPERM; -ENOMEM; what the verifier says.
 */
int conns_open(const char *pin_dir, struct conns **ret);
void conns_close(struct conns *conns); /* takes NULL */

/*
 * Walk over all sockets that have a record. The array of struct gw_walk_conn belongs to the caller:
 * free(3). Exact also while connections come and go. -ENOMEM, and what the kernel says.
 */
int conns_walk(struct conns *conns, struct gw_walk_conn **ret, size_t *count);

/*
 * The same in two parts, for whoever must not be held up: where every network namespace is walked
 * (conns_sees_all()), a child does it, some ms for each. One walk at a time. -EAGAIN: it goes on, call
 * again later, or with wait; -ETIMEDOUT: the child took four minutes, or was killed.
 */
int conns_walk_start(struct conns *conns);
int conns_walk_finish(struct conns *conns, bool wait, struct gw_walk_conn **ret, size_t *count);

/* Open, walk, close. */
int conns_walk_once(const char *pin_dir, struct gw_walk_conn **ret, size_t *count);

/* Whether it sees the records themselves: all there are. If not, those of a network namespace that
 * only its last sockets keep alive are not seen. */
bool conns_sees_all(const struct conns *conns);

/* How many network namespaces the last walk was not allowed to look into: what it did not find may be
 * there. */
size_t conns_unseen(const struct conns *conns);

/* Whether this kernel can walk the records themselves, or only the TCP sockets of each network
 * namespace that a thread is in or a mount holds; then unseen says what conns_unseen() would. 0 if
 * either works. */
int conns_probe(bool *by_records, size_t *unseen);

/* Of this kernel: what the programs count some times in. */
uint32_t conns_jiffies_per_second(void);

#endif
