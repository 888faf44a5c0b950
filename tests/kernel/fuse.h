/* SPDX-License-Identifier: Apache-2.0 */
/* A file system of an unprivileged user's own, which does not answer when a file of it is closed. */
#ifndef GWBPF_TESTS_FUSE_H
#define GWBPF_TESTS_FUSE_H

#include <sys/types.h>

#define FUSE_PLACE "/media/fuse" /* on a tmpfs of the lab's */
#define FUSE_FILE FUSE_PLACE "/file"

/* A place and a device for it; to be called once. 0 or -errno: this kernel has no such file
 * systems. */
int fuse_prepare(void);

/* For a child without rights: mount it, in user and mount namespaces of its own, and serve it in
 * another process, which writes a byte to told_fd when it is asked to close a file. Returns that
 * process's id, or -1. Until it is killed nobody gets an answer. */
pid_t fuse_serve(int told_fd);

#endif
