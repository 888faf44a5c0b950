/* SPDX-License-Identifier: Apache-2.0 */
/* Going on with the records of an earlier version. */
#ifndef GWBPF_KERNEL_TAKEOVER_H
#define GWBPF_KERNEL_TAKEOVER_H

#include <stdint.h>

/* Of the pins, where gw_meta does not say it: an agent was killed while it replaced them. A map of
 * another ABI than this is not taken for one of this, as its size is another. */
#define TAKEOVER_ABI 2

/* The gw_conns pinned below pin_dir, if its records are of an ABI whose records can be copied, and
 * another one than ours: a descriptor, which the caller closes. -ENOENT: it is not. */
int takeover_find(const char *pin_dir, uint32_t abi);

/*
 * Copy the records of live connections from that map into ours (gw_conns), but for those that are
 * there already. Of a network namespace that only its sockets keep alive they are not seen.
 * -EINVAL, -EACCES: this kernel cannot (before 5.11); -ENOMEM.
 */
int takeover_run(int from_fd, int to_fd);

#endif
