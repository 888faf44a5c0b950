/* SPDX-License-Identifier: Apache-2.0 */
/* Where cgroup v2 and bpffs are on this node, and a directory for the pins. */
#ifndef GWBPF_KERNEL_MOUNTS_H
#define GWBPF_KERNEL_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first cgroup v2 mount; hybrid systems have it below /sys/fs/cgroup. -ENOENT: none. */
int mounts_find_cgroup2(char *ret, size_t size);

/* Open a cgroup v2 directory, NULL for the root of the mount. A descriptor, or -ENOENT (no such
 * directory, or no cgroup v2 at all), -ENOTSUP (a directory of something else). */
int mounts_open_cgroup(const char *path);

/* The id of an open cgroup directory: what bpf_get_current_cgroup_id() and links tell. */
int mounts_cgroup_id(int fd, uint64_t *ret);

/*
 * Whether the pin directory, what is below it and every directory above it belongs to root (or to
 * whoever runs this), and others cannot write there. Others could pin maps of their own under our
 * names, unlink the hooks, or hold the lock. -EXDEV: message (of size bytes) says what is wrong,
 * and the remedy; -ENOENT: it is not there; -EACCES.
 */
int mounts_check_pin_dir(const char *path, char *message, size_t size);

/*
 * Make the directory for the pins, and on a host mount bpffs where there is none: only at
 * /sys/fs/bpf. -EINVAL: path is not on a bpffs and must not be made to be (in a container the pins
 * would die with it); -EROFS, -EACCES, …: message says what could not be done and the remedy.
 */
int mounts_make_pin_dir(const char *path, char *message, size_t size);

/* Whether path, or the nearest directory above it that exists, is on a bpffs. */
bool mounts_is_on_bpffs(const char *path);

/* Whether this process sees the host's own mounts, not a container's. */
bool mounts_is_host(void);

#endif
