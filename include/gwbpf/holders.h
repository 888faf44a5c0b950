/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the walk over descriptors writes for each one that it looks for. Not pinned, so not part of
 * the ABI. */
#ifndef GWBPF_HOLDERS_H
#define GWBPF_HOLDERS_H

#include <linux/types.h>

struct gw_holder {
	__u64 inode; /* of the socket's file; not only of the sockets of one network namespace */
	__u32 tgid;  /* process id, in the first pid namespace */
	__u32 fd;
};

#endif
