/* SPDX-License-Identifier: Apache-2.0 */
/* Regular files under names that somebody else chose. */
#ifndef GWBPF_BASE_REGULAR_H
#define GWBPF_BASE_REGULAR_H

#include <sys/stat.h>

/*
 * Open a regular file for reading. What the path leads to is looked at first, and nothing else is
 * ever opened: opening a device may do something, and opening a FIFO may wake who waits there.
 * Returns the descriptor, with status filled in; -EISDIR, -ENODEV for what is neither, or what
 * open(2) says. Needs /proc.
 */
int regular_open(const char *path, struct stat *status);

#endif
