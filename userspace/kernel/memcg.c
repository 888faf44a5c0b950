// SPDX-License-Identifier: Apache-2.0
#include "kernel/memcg.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <mntent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/mounts.h"

/* Where the memory controller is one of cgroup v1, as on hybrid machines. */
static int find_v1(char *ret, size_t size)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (err && (mount = getmntent(file))) {
		if (strcmp(mount->mnt_type, "cgroup") || !hasmntopt(mount, "memory") ||
		    strlen(mount->mnt_dir) >= size)
			continue;
		strcpy(ret, mount->mnt_dir);
		err = 0;
	}
	endmntent(file);
	return err;
}

static bool has_file(int directory, const char *name)
{
	return !faccessat(directory, name, F_OK, 0);
}

/* A mount may show but a part of the hierarchy, as in a container: of v1 the root alone has the one
 * file, of v2 all but the root have the other. */
static int open_root(void)
{
	char path[PATH_MAX];
	bool is_v1 = !find_v1(path, sizeof(path)), is_root;
	int err = is_v1 ? 0 : mounts_find_cgroup2(path, sizeof(path));
	int fd;

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	is_root = is_v1 ? has_file(fd, "cgroup.sane_behavior") : !has_file(fd, "cgroup.type");
	if (is_root)
		return fd;
	close(fd);
	return -ENOENT;
}

static int enter(int root)
{
	int fd = openat(root, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, "0", 1) != 1)
		err = -errno;
	close(fd);
	return err;
}

static pid_t fork_with_files(void)
{
	struct clone_args arguments = {.flags = CLONE_FILES, .exit_signal = SIGCHLD};

	return (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
}

int memcg_run_at_root(int (*make)(void *arg), void *arg)
{
	int *result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int err, root;
	pid_t pid;

	if (result == MAP_FAILED)
		return -errno;
	root = open_root();
	*result = -ECHILD; /* if it is killed */
	pid = root < 0 ? -1 : fork_with_files();
	if (!pid) {
		err = enter(root);
		*result = err ? err : make(arg);
		_exit(0);
	}
	err = root < 0 ? root : pid < 0 ? -errno : 0;
	if (!err && waitpid(pid, NULL, 0) < 0)
		err = -errno;
	if (!err)
		err = *result;
	if (root >= 0)
		close(root);
	munmap(result, sizeof(*result));
	return err;
}
