// SPDX-License-Identifier: Apache-2.0
#include "kernel/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct walk {
	ino_t *seen;
	size_t count;
	size_t room;
	netns_visit visit;
	void *arg;
	int err;
};

/* Returns whether it is new. */
static bool note(struct walk *walk, ino_t inode)
{
	size_t room = walk->room ? 2 * walk->room : 64;
	ino_t *seen;

	for (size_t i = 0; i < walk->count; i++)
		if (walk->seen[i] == inode)
			return false;
	if (walk->count == walk->room) {
		seen = reallocarray(walk->seen, room, sizeof(*seen));
		if (!seen) {
			walk->err = -ENOMEM;
			return false;
		}
		walk->seen = seen;
		walk->room = room;
	}
	walk->seen[walk->count++] = inode;
	return true;
}

/* A namespace, or the thread that was in it, may be gone by now: then there is nothing to see. */
static void look_into(struct walk *walk, int directory, const char *path)
{
	struct stat st;
	int fd;

	if (walk->err || fstatat(directory, path, &st, 0) || !note(walk, st.st_ino))
		return;
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (!setns(fd, CLONE_NEWNET))
		walk->err = walk->visit(walk->arg);
	close(fd);
}

static void look_into_threads(struct walk *walk, int proc, const char *pid)
{
	char path[64 + 2 * sizeof(struct dirent)];
	struct dirent *task;
	DIR *tasks;
	int fd;

	snprintf(path, sizeof(path), "%s/task", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tasks = fd < 0 ? NULL : fdopendir(fd);
	if (!tasks) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/ns/net", task->d_name);
		look_into(walk, fd, path);
	}
	closedir(tasks);
}

static void look_at_processes(struct walk *walk)
{
	DIR *proc = opendir("/proc");
	struct dirent *process;

	if (!proc) {
		walk->err = -errno;
		return;
	}
	while ((process = readdir(proc)))
		if (process->d_name[0] >= '1' && process->d_name[0] <= '9')
			look_into_threads(walk, dirfd(proc), process->d_name);
	closedir(proc);
}

/* "… / root mount-point … - nsfs …": those of `ip netns` and of container runtimes. */
static void look_at_mounts(struct walk *walk)
{
	char line[2 * PATH_MAX], root[64], point[PATH_MAX], path[PATH_MAX + 16];
	FILE *mounts = fopen("/proc/1/mountinfo", "re");

	if (!mounts)
		return;
	while (fgets(line, sizeof(line), mounts)) {
		if (!strstr(line, " - nsfs ") ||
		    sscanf(line, "%*d %*d %*s %63s %4095s", root, point) != 2 ||
		    strncmp(root, "net:", 4))
			continue;
		snprintf(path, sizeof(path), "/proc/1/root%s", point);
		look_into(walk, AT_FDCWD, path);
	}
	fclose(mounts);
}

int netns_visit_all(netns_visit visit, void *arg)
{
	struct walk walk = {.visit = visit, .arg = arg};
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	/* First: seen from /proc, this thread will be wherever it has gone meanwhile. */
	look_into(&walk, AT_FDCWD, "/proc/thread-self/ns/net");
	look_at_processes(&walk);
	look_at_mounts(&walk);
	if (setns(home, CLONE_NEWNET) && !walk.err)
		walk.err = -errno;
	close(home);
	free(walk.seen);
	return walk.err;
}
