// SPDX-License-Identifier: Apache-2.0
#include "kernel/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BPFFS "/sys/fs/bpf"
/* The inode of the first PID namespace (include/linux/proc_ns.h, PROC_PID_INIT_INO). */
#define HOST_PID_NAMESPACE 0xeffffffcu

int mounts_find_cgroup2(char *ret, size_t size)
{
	FILE *file = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	int err = -ENOENT;

	if (!file)
		return -errno;
	while (err && (mount = getmntent(file))) {
		if (strcmp(mount->mnt_type, "cgroup2"))
			continue;
		if (strlen(mount->mnt_dir) >= size)
			continue;
		strcpy(ret, mount->mnt_dir);
		err = 0;
	}
	endmntent(file);
	return err;
}

int mounts_open_cgroup(const char *path)
{
	char root[PATH_MAX];
	struct statfs fs;
	int err, fd;

	if (!path) {
		err = mounts_find_cgroup2(root, sizeof(root));
		if (err)
			return err;
		path = root;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) || fs.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return -ENOTSUP;
	}
	return fd;
}

int mounts_cgroup_id(int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*ret = st.st_ino;
	return 0;
}

bool mounts_is_host(void)
{
	struct stat pid, mine, init;

	return !stat("/proc/self/ns/pid", &pid) && pid.st_ino == HOST_PID_NAMESPACE &&
	       !stat("/proc/self/ns/mnt", &mine) && !stat("/proc/1/ns/mnt", &init) &&
	       mine.st_ino == init.st_ino;
}

bool mounts_is_on_bpffs(const char *path)
{
	char above[PATH_MAX];
	struct statfs fs;
	char *slash;

	if (strlen(path) >= sizeof(above))
		return false;
	strcpy(above, path);
	while (statfs(above, &fs)) {
		slash = strrchr(above, '/');
		if (errno != ENOENT || !slash || slash == above)
			return false;
		*slash = '\0';
	}
	return fs.f_type == BPF_FS_MAGIC;
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strncmp(path, directory, length) && path[length] == '/';
}

static int mount_bpffs(const char *pin_dir, char *message, size_t size)
{
	if (!is_below(pin_dir, BPFFS) || !mounts_is_host()) {
		snprintf(message, size,
			 "cannot use pin directory '%s': it is not below a bpffs mount of the "
			 "host: mount one there (mount -t bpf -o mode=700 bpf " BPFFS ", in a pod "
			 "a hostPath volume of " BPFFS ") or name another with --pin-dir",
			 pin_dir);
		return -EINVAL;
	}
	if (!mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700"))
		return 0;
	snprintf(message, size, "cannot mount bpffs at '" BPFFS "': %s", strerror(errno));
	return -errno;
}

static int make_directory(const char *path, char *message, size_t size)
{
	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	snprintf(message, size, "cannot make pin directory '%s': %s%s", path, strerror(errno),
		 errno == EROFS ? ": mount the bpffs read-write" : "");
	return -errno;
}

/* bpffs refuses a name with a dot in it, and its root is not ours to use. */
static int check_pin_path(const char *path, char *message, size_t size)
{
	char above[PATH_MAX];
	struct stat st, parent;

	if (path[0] != '/' || strchr(path, '.') || strlen(path) >= sizeof(above) - 32) {
		snprintf(message, size,
			 "cannot use pin directory '%s': give an absolute path without dots, such "
			 "as " BPFFS "/gwbpf",
			 path);
		return -EINVAL;
	}
	snprintf(above, sizeof(above), "%s/..", path);
	if (!stat(path, &st) && !stat(above, &parent) && st.st_dev != parent.st_dev) {
		snprintf(message, size,
			 "cannot use pin directory '%s': it is itself the mount: name a directory "
			 "below it",
			 path);
		return -EINVAL;
	}
	return 0;
}

static bool is_writable_by_others(const struct stat *st)
{
	return st->st_mode & (S_IWGRP | S_IWOTH);
}

/*
 * Whether only root, or whoever runs this, can put something else in the place of path, or of a
 * directory above it. Where a directory is sticky, others cannot remove what is not theirs.
 */
static int check_component(const char *path, bool is_last, char *message, size_t size)
{
	const char *why = NULL;
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	if (st.st_uid && st.st_uid != geteuid())
		why = "belongs to user id";
	else if (S_ISDIR(st.st_mode) && is_writable_by_others(&st) &&
		 (is_last || !(st.st_mode & S_ISVTX)))
		why = "can be written by others than user id";
	if (!why)
		return 0;
	snprintf(
		message, size,
		"cannot trust the pins: '%s' %s %u: remove it, mount the bpffs with mode=700 (mount "
		"-o remount,mode=700 " BPFFS "), and let the agent make it anew",
		path, why, st.st_uid);
	return -EXDEV;
}

/* From the root down. */
static int check_components(const char *path, char *message, size_t size)
{
	char part[PATH_MAX];
	size_t length = 0;
	int err = 0;

	while (!err && path[length]) {
		length += strspn(path + length, "/");
		length += strcspn(path + length, "/");
		snprintf(part, sizeof(part), "%.*s", (int)length, path);
		err = check_component(part, !path[length], message, size);
	}
	return err;
}

int mounts_check_pin_dir(const char *path, char *message, size_t size)
{
	static const char *const below[] = {"", "/maps", "/links"};
	char name[PATH_MAX], real[PATH_MAX];
	int err = 0;

	for (size_t i = 0; i < sizeof(below) / sizeof(*below) && !err; i++) {
		snprintf(name, sizeof(name), "%s%s", path, below[i]);
		err = check_components(name, message, size);
		/* A component may be a link: that what it leads to must be as safe. */
		if (!err && realpath(name, real) && strcmp(real, name))
			err = check_components(real, message, size);
	}
	return err;
}

/* Whoever can open a directory can lock it: others must not. */
static int close_directory(const char *path, char *message, size_t size)
{
	struct stat st;

	if (!stat(path, &st) && (!(st.st_mode & 077) || !chmod(path, 0700)))
		return 0;
	snprintf(message, size, "cannot keep others out of pin directory '%s': %s", path,
		 strerror(errno));
	return -errno;
}

int mounts_make_pin_dir(const char *path, char *message, size_t size)
{
	static const char *const below[] = {"", "/maps", "/links"};
	char name[PATH_MAX];
	int err;

	err = check_pin_path(path, message, size);
	if (!err && mounts_check_pin_dir(path, message, size) == -EXDEV)
		err = -EXDEV;
	if (err)
		return err;
	if (!mounts_is_on_bpffs(path)) {
		err = mount_bpffs(path, message, size);
		if (err)
			return err;
	}
	for (size_t i = 0; i < sizeof(below) / sizeof(*below) && !err; i++) {
		snprintf(name, sizeof(name), "%s%s", path, below[i]);
		err = make_directory(name, message, size);
	}
	if (!err && access(path, W_OK)) {
		snprintf(message, size,
			 "cannot write to pin directory '%s': %s: mount it read-write", path,
			 strerror(errno));
		err = -errno;
	}
	if (!err)
		err = mounts_check_pin_dir(path, message, size);
	for (size_t i = 0; i < sizeof(below) / sizeof(*below) && !err; i++) {
		snprintf(name, sizeof(name), "%s%s", path, below[i]);
		err = close_directory(name, message, size);
	}
	return err;
}
