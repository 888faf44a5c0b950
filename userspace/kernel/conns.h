/* SPDX-License-Identifier: Apache-2.0 */
/* The balanced sockets that exist now, in every network namespace. */
#ifndef GWBPF_KERNEL_CONNS_H
#define GWBPF_KERNEL_CONNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gwbpf/abi.h>
#include <gwbpf/walk.h>

/*
 * Walk over all sockets that have a record in the gw_conns pinned below pin_dir. The array of
 * struct gw_walk_conn belongs to the caller: free(3). Exact also while connections come and go.
 * -ENOENT: nothing is pinned there; -EPERM; -ENOMEM; what the verifier says.
 */
int conns_walk(const char *pin_dir, struct gw_walk_conn **ret, size_t *count);

/* Whether this kernel can walk the records themselves, or only the TCP sockets of each network
 * namespace that a thread is in or a mount holds. 0 if either works. */
int conns_probe(bool *by_records);

/* Of this kernel: what the programs count some times in. */
uint32_t conns_jiffies_per_second(void);

#endif
