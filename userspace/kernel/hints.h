/* SPDX-License-Identifier: Apache-2.0 */
/* Where a client goes whose connection is about to be moved (gw_hints). */
#ifndef GWBPF_KERNEL_HINTS_H
#define GWBPF_KERNEL_HINTS_H

#include <stdint.h>

#include <gwbpf/abi.h>

/* The map of the pins below pin_dir: a descriptor, which belongs to the caller, or -errno. */
int hints_open(const char *pin_dir);

/*
 * Send the next connect of this process to this backend, if it comes by until_ns. To be written before
 * the application is told, which may be back at once. service is the map's memory, where the hook
 * sees that there are hints at all. 0 or -errno.
 */
int hints_write(int fd, struct gw_service *service, const struct gw_hint_key *key,
		const struct gw_hint *hint);

#endif
