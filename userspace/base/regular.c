// SPDX-License-Identifier: Apache-2.0
/* O_PATH holds what a path leads to without opening it; /proc opens that very file. */
#include "base/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int check(int fd, struct stat *status)
{
	if (fstat(fd, status))
		return -errno;
	if (S_ISDIR(status->st_mode))
		return -EISDIR;
	return S_ISREG(status->st_mode) ? 0 : -ENODEV;
}

int regular_open(const char *path, struct stat *status)
{
	int held = open(path, O_PATH | O_CLOEXEC);
	char link[32];
	int fd, err;

	if (held < 0)
		return -errno;
	err = check(held, status);
	if (err) {
		close(held);
		return err;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", held);
	fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	err = -errno;
	close(held);
	return fd < 0 ? err : fd;
}
