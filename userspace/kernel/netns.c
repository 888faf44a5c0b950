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
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* A set of inodes, in order. */
struct inodes {
	ino_t *all;
	size_t count;
	size_t room;
};

/* Of namespaces by their /proc/…/net/dev, of which each has its own. What is at /proc/…/ns/net would
 * do as well, but to look at that the kernel waits while the process executes a program: a process
 * without rights can make that last for ever. */
struct walk {
	struct inodes visited;
	struct inodes doubted; /* that could not be entered */
	size_t unseen;         /* of which not even the inode could be seen */
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

/* Whose namespace it is may be gone by now: then there is nothing to see. The error does not tell: of
 * a thread that has just gone the kernel says EACCES as well. */
static bool is_gone(void)
{
	return errno == ENOENT || errno == ESRCH;
}

/* Which namespace it is can be seen all the same. */
static void note_unseen(struct walk *walk, int directory, const char *owner)
{
	char path[64 + sizeof(((struct dirent *)0)->d_name)];
	struct stat st;

	if (is_gone())
		return;
	snprintf(path, sizeof(path), "%s/net/dev", owner);
	if (!fstatat(directory, path, &st, 0))
		note(walk, &walk->doubted, st.st_ino);
	else
		walk->unseen += !is_gone();
}

/* Visit the namespace that this thread is in now, unless it was visited. */
static void visit_here(struct walk *walk)
{
	struct stat st;

	if (stat("/proc/thread-self/net/dev", &st) || note(walk, &walk->visited, st.st_ino))
		walk->err = walk->visit(walk->arg);
}

/* By its process, for which nobody is waited for. */
static bool enter_process(const char *pid)
{
	int fd = pidfd_open(atoi(pid), 0);
	bool is_there = fd >= 0 && !setns(fd, CLONE_NEWNET);

	if (fd >= 0)
		close(fd);
	return is_there;
}

static bool enter_path(int directory, const char *path)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	bool is_there = fd >= 0 && !setns(fd, CLONE_NEWNET);

	if (fd >= 0)
		close(fd);
	return is_there;
}

/* The namespace of a thread. One that executes a program is the only one of its process, and has
 * its id. */
static void look_into(struct walk *walk, int tasks, const char *pid, const char *thread)
{
	char path[64 + sizeof(((struct dirent *)0)->d_name)];
	struct stat st;
	bool is_there;

	if (walk->err)
		return;
	snprintf(path, sizeof(path), "%s/net/dev", thread);
	if (fstatat(tasks, path, &st, 0)) {
		walk->unseen += !is_gone();
		return;
	}
	if (has(&walk->visited, st.st_ino))
		return;
	snprintf(path, sizeof(path), "%s/ns/net", thread);
	is_there = strcmp(pid, thread) ? enter_path(tasks, path) : enter_process(pid);
	if (is_there)
		visit_here(walk);
	else
		note_unseen(walk, tasks, thread);
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
	char path[sizeof(struct dirent)];
	struct dirent *task;
	DIR *tasks;
	int fd;

	snprintf(path, sizeof(path), "%s/task", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tasks = fd < 0 ? NULL : fdopendir(fd);
	if (!tasks) {
		note_unseen(walk, proc, pid);
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((task = readdir(tasks)))
		if (task->d_name[0] != '.')
			look_into(walk, fd, pid, task->d_name);
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
		note_unseen(walk, AT_FDCWD, "/proc/1");
		return;
	}
	while (!walk->err && fgets(line, sizeof(line), mounts)) {
		if (!strstr(line, " - nsfs ") ||
		    sscanf(line, "%*d %*d %*s %63s %4095s", root, point) != 2 ||
		    strncmp(root, "net:", 4))
			continue;
		snprintf(path, sizeof(path), "/proc/1/root%s", point);
		if (enter_path(AT_FDCWD, path))
			visit_here(walk);
		else
			note_unseen(walk, AT_FDCWD, "/proc/1");
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
	visit_here(&walk);
	look_at_processes(&walk);
	look_at_mounts(&walk);
	if (setns(home, CLONE_NEWNET) && !walk.err)
		walk.err = -errno;
	close(home);
	*unseen = count_unseen(&walk);
	free(walk.visited.all);
	free(walk.doubted.all);
	return walk.err;
}
