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

/* A set of inodes, in order. */
struct inodes {
	ino_t *all;
	size_t count;
	size_t room;
};

struct walk {
	struct inodes seen;    /* namespaces, also those that could not be entered */
	struct inodes visited; /* their /proc/…/net/dev, of which each namespace has its own */
	struct inodes doubted; /* likewise, of those that could not be entered */
	size_t unseen;         /* of which not even that could be seen */
	netns_visit visit;
	void *arg;
	int err;
};

/* Where in the order an inode is, or would be. */
static size_t place_of(const struct inodes *inodes, ino_t inode)
{
	size_t low = 0, high = inodes->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (inodes->all[middle] < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has(const struct inodes *inodes, ino_t inode)
{
	size_t place = place_of(inodes, inode);

	return place < inodes->count && inodes->all[place] == inode;
}

/* Returns whether it is new; not so either without memory, which is noted. */
static bool note(struct walk *walk, struct inodes *inodes, ino_t inode)
{
	size_t room = inodes->room ? 2 * inodes->room : 64;
	size_t place = place_of(inodes, inode);
	ino_t *all;

	if (has(inodes, inode))
		return false;
	if (inodes->count == inodes->room) {
		all = reallocarray(inodes->all, room, sizeof(*all));
		if (!all) {
			walk->err = -ENOMEM;
			return false;
		}
		inodes->all = all;
		inodes->room = room;
	}
	memmove(&inodes->all[place + 1], &inodes->all[place],
		(inodes->count - place) * sizeof(*inodes->all));
	inodes->all[place] = inode;
	inodes->count++;
	return true;
}

/*
 * Whose namespace it is may be gone by now: then there is nothing to see. The error does not tell:
 * of a thread that has just gone the kernel says EACCES as well. Which namespace it is can be seen
 * without permission to enter it.
 */
static void note_failure(struct walk *walk, int directory, const char *owner)
{
	char path[64 + sizeof(((struct dirent *)0)->d_name)];
	struct stat st;

	if (errno == ENOENT || errno == ESRCH)
		return;
	snprintf(path, sizeof(path), "%s/net/dev", owner);
	if (!fstatat(directory, path, &st, 0))
		note(walk, &walk->doubted, st.st_ino);
	else
		walk->unseen += errno != ENOENT && errno != ESRCH;
}

static void enter(struct walk *walk)
{
	struct stat st;

	if (!stat("/proc/thread-self/net/dev", &st))
		note(walk, &walk->visited, st.st_ino);
	walk->err = walk->visit(walk->arg);
}

/* The namespace at path, which is there as long as its owner is. */
static void look_into(struct walk *walk, int directory, const char *owner, const char *path)
{
	struct stat st;
	int fd;

	if (walk->err)
		return;
	if (fstatat(directory, path, &st, 0)) {
		note_failure(walk, directory, owner);
		return;
	}
	if (!note(walk, &walk->seen, st.st_ino))
		return;
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		note_failure(walk, directory, owner);
	else
		enter(walk);
	if (fd >= 0)
		close(fd);
}

static size_t count_unseen(const struct walk *walk)
{
	size_t count = walk->unseen;

	for (size_t i = 0; i < walk->doubted.count; i++)
		count += !has(&walk->visited, walk->doubted.all[i]);
	return count;
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
		note_failure(walk, proc, pid);
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((task = readdir(tasks))) {
		if (task->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/ns/net", task->d_name);
		look_into(walk, fd, task->d_name, path);
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

	if (!mounts) {
		note_failure(walk, AT_FDCWD, "/proc/1");
		return;
	}
	while (fgets(line, sizeof(line), mounts)) {
		if (!strstr(line, " - nsfs ") ||
		    sscanf(line, "%*d %*d %*s %63s %4095s", root, point) != 2 ||
		    strncmp(root, "net:", 4))
			continue;
		snprintf(path, sizeof(path), "/proc/1/root%s", point);
		look_into(walk, AT_FDCWD, "/proc/1", path);
	}
	fclose(mounts);
}

int netns_visit_all(netns_visit visit, void *arg, size_t *unseen)
{
	struct walk walk = {.visit = visit, .arg = arg};
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0)
		return -errno;
	/* First: seen from /proc, this thread will be wherever it has gone meanwhile. */
	look_into(&walk, AT_FDCWD, "/proc/thread-self", "/proc/thread-self/ns/net");
	look_at_processes(&walk);
	look_at_mounts(&walk);
	if (setns(home, CLONE_NEWNET) && !walk.err)
		walk.err = -errno;
	close(home);
	*unseen = count_unseen(&walk);
	free(walk.seen.all);
	free(walk.visited.all);
	free(walk.doubted.all);
	return walk.err;
}
