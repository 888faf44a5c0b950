// SPDX-License-Identifier: Apache-2.0
#include "kernel/pins.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/datapath.h"
#include "kernel/maps.h"
#include "kernel/mounts.h"

#define CHILD_END_MS 1000 /* for so long a child may outlive its agent */
#define CHILD_LOOK_MS 10

void pins_map_path(const char *pin_dir, const char *name, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/maps/%s", pin_dir, name);
}

int pins_fail(char *message, int err, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, DATAPATH_MESSAGE_MAX, format, arguments);
	va_end(arguments);
	return err;
}

const char *pins_name_holder(pid_t pid, char buf[PINS_HOLDER_MAX])
{
	if (pid)
		snprintf(buf, PINS_HOLDER_MAX, "pid %d", pid);
	else
		snprintf(buf, PINS_HOLDER_MAX, "a pid that cannot be seen from here");
	return buf;
}

/* Read a line of /proc/locks or of a file in fdinfo: a write lock on this file, and who took it. */
static bool is_lock_on(const char *line, const struct stat *file, pid_t *ret)
{
	unsigned int major_number, minor_number;
	unsigned long inode;
	int holder;

	/* "1: FLOCK  ADVISORY  WRITE 4321 00:2b:77 0 EOF" */
	if (sscanf(line, "%*s FLOCK %*s WRITE %d %x:%x:%lu", &holder, &major_number, &minor_number,
		   &inode) != 4 ||
	    makedev(major_number, minor_number) != file->st_dev || inode != file->st_ino)
		return false;
	*ret = holder;
	return true;
}

/* Whether this file of /proc tells of a lock on the pin directory. Each line of it begins with
 * `prefix`. */
static bool find_lock(FILE *file, const char *prefix, const char *pin_dir, pid_t *ret)
{
	struct stat directory;
	char line[256];
	bool found = false;

	if (!file)
		return false;
	if (!stat(pin_dir, &directory))
		while (!found && fgets(line, sizeof(line), file))
			found = !strncmp(line, prefix, strlen(prefix)) &&
				is_lock_on(line + strlen(prefix), &directory, ret);
	fclose(file);
	return found;
}

pid_t pins_lock_holder(const char *pin_dir)
{
	pid_t pid = 0;

	find_lock(fopen("/proc/locks", "re"), "", pin_dir, &pid);
	return pid;
}

bool pins_has_lock(const char *pin_dir, pid_t pid)
{
	char path[64 + sizeof(((struct dirent *)0)->d_name)];
	struct dirent *entry;
	bool found = false;
	DIR *files;
	pid_t taker;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	files = opendir(path);
	while (files && !found && (entry = readdir(files))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		if (entry->d_name[0] != '.')
			found = find_lock(fopen(path, "re"), "lock:", pin_dir, &taker);
	}
	if (files)
		closedir(files);
	return found;
}

/* A child of an agent that was killed has the lock until it has ended, too, and it ends by itself. An
 * agent that lives is not waited for. */
static bool await_lock(int fd, const char *pin_dir)
{
	uint64_t end_ms = clock_now_ms() + CHILD_END_MS;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		pid_t taker = pins_lock_holder(pin_dir);

		if ((taker && pins_has_lock(pin_dir, taker)) || clock_now_ms() >= end_ms)
			return false;
		poll(NULL, 0, CHILD_LOOK_MS);
	}
	return true;
}

static int refuse_lock(const char *pin_dir, char *message)
{
	pid_t taker = pins_lock_holder(pin_dir);
	char who[PINS_HOLDER_MAX];

	if (taker && !pins_has_lock(pin_dir, taker))
		return pins_fail(
			message, -EBUSY,
			"cannot use pin directory '%s': pid %d took its lock, and another process "
			"has that now: see who has the directory open (fuser -v '%s') and end that "
			"one, or name another directory with --pin-dir",
			pin_dir, taker, pin_dir);
	return pins_fail(
		message, -EBUSY,
		"cannot use pin directory '%s': the agent with %s runs on it: end that one "
		"first, or name another directory with --pin-dir",
		pin_dir, pins_name_holder(taker, who));
}

int pins_lock(const char *pin_dir, int *ret, char *message)
{
	int fd = open(pin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return pins_fail(message, -errno, "cannot open pin directory '%s': %s", pin_dir,
				 strerror(errno));
	if (await_lock(fd, pin_dir)) {
		*ret = fd;
		return 0;
	}
	close(fd);
	return refuse_lock(pin_dir, message);
}

int datapath_pinned_abi(const char *pin_dir, uint32_t *ret)
{
	struct maps_identity identity;
	int err = maps_identify(pin_dir, &identity);

	if (!err)
		*ret = identity.abi;
	return err;
}

/* The kernel finds a cgroup by its id as by any file handle (FILEID_KERNFS). */
int datapath_cgroup_path(uint64_t id, char *ret, size_t size)
{
	union {
		struct file_handle head;
		char bytes[sizeof(struct file_handle) + sizeof(id)];
	} handle = {.head = {.handle_bytes = sizeof(id), .handle_type = 0xfe}};
	char link[64];
	ssize_t length;
	int root, fd;

	memcpy(handle.head.f_handle, &id, sizeof(id));
	root = mounts_open_cgroup(NULL);
	if (root < 0)
		return root;
	fd = open_by_handle_at(root, &handle.head, O_RDONLY | O_CLOEXEC);
	close(root);
	if (fd < 0)
		return errno == ESTALE ? -ENOENT : -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, ret, size - 1);
	close(fd);
	if (length < 0)
		return -errno;
	ret[length] = '\0';
	return 0;
}
