// SPDX-License-Identifier: Apache-2.0
#include "kernel/lab_cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/mounts.h"

#define NAME "gwbpf-test-"

/* Only empty ones can be removed. */
static void sweep(const char *root)
{
	DIR *directory = opendir(root);
	const struct dirent *entry;
	int pid;

	if (!directory)
		return;
	while ((entry = readdir(directory)) != NULL) {
		if (sscanf(entry->d_name, NAME "%d", &pid) != 1)
			continue;
		if (kill(pid, 0) && errno == ESRCH)
			unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR);
	}
	closedir(directory);
}

int lab_make_cgroup(char *path, size_t size)
{
	char root[200];
	int err = mounts_find_cgroup2(root, sizeof(root));

	if (err)
		return err;
	sweep(root);
	snprintf(path, size, "%s/" NAME "%d", root, getpid());
	rmdir(path); /* of a process that had the same number */
	return mkdir(path, 0755) ? -errno : 0;
}

void lab_join_cgroup(const char *cgroup)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1) {
		fprintf(stderr, "cannot join cgroup '%s': %s\n", cgroup, strerror(errno));
		exit(1);
	}
	close(fd);
}

/* A process that just ended may hold it for a moment. */
void lab_remove_cgroup(const char *path)
{
	for (int i = 0; i < 100 && rmdir(path) && errno == EBUSY; i++)
		usleep(10000);
}
