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
			 "host: mount one there (mount -t bpf bpf " BPFFS ", in a pod a hostPath "
			 "volume of " BPFFS ") or name another with --pin-dir",
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

int mounts_make_pin_dir(const char *path, char *message, size_t size)
{
	static const char *const below[] = {"", "/maps", "/links"};
	char name[PATH_MAX];
	int err;

	err = check_pin_path(path, message, size);
	if (err)
		return err;
	if (!mounts_is_on_bpffs(path)) {
		err = mount_bpffs(path, message, size);
		if (err)
			return err;
	}
	for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++) {
		snprintf(name, sizeof(name), "%s%s", path, below[i]);
		err = make_directory(name, message, size);
		if (err)
			return err;
	}
	if (access(path, W_OK)) {
		snprintf(message, size, "cannot write to pin directory '%s': %s: mount it read-write",
			 path, strerror(errno));
		return -errno;
	}
	return 0;
}
