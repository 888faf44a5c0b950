/* SPDX-License-Identifier: Apache-2.0 */
/* Maps of socket storage. */
#ifndef GWBPF_KERNEL_RECORDS_H
#define GWBPF_KERNEL_RECORDS_H

#include <stddef.h>

/*
 * Make such a map, with values of so many bytes, a multiple of 4. Its descriptor belongs to the
 * caller. -ENOMEM, and what the kernel says.
 */
int records_make(const char *name, size_t bytes);

/* The same, whose memory nobody is charged for: else each connection of the node would be paid by
 * the memory cgroup of the agent. Also what memcg_run_at_root() says. */
int records_make_uncharged(const char *name, size_t bytes);

#endif
