// SPDX-License-Identifier: Apache-2.0
#include "kernel/fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICE "/media/device"
#define MINOR_NUMBER 229
#define FILE_INODE 2
#define MESSAGE_MAX (FUSE_MIN_READ_BUFFER * 32)
#define NOBODY 65534
#define ALARM_SECONDS 40

int fuse_prepare(void)
{
	int fd;

	if ((mkdir("/media", 0755) && errno != EEXIST) ||
	    mount("lab", "/media", "tmpfs", 0, "mode=755") || mkdir(FUSE_PLACE, 0755) ||
	    mknod(DEVICE, S_IFCHR | 0666, makedev(10, MINOR_NUMBER)) || chmod(DEVICE, 0666))
		return -errno;
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static bool write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool is_written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return is_written;
}

/* Nobody, who is root in namespaces of its own. */
static bool enter_namespaces(void)
{
	return !setgid(NOBODY) && !setuid(NOBODY) && !prctl(PR_SET_DUMPABLE, 1) &&
	       !prctl(PR_SET_PDEATHSIG, SIGKILL) && /* setuid(2) has cleared it */
	       !unshare(CLONE_NEWUSER | CLONE_NEWNS) && write_to("/proc/self/setgroups", "deny") &&
	       write_to("/proc/self/uid_map", "0 65534 1") &&
	       write_to("/proc/self/gid_map", "0 65534 1");
}

static void reply(int fuse_fd, const struct fuse_in_header *to, const void *data, size_t size)
{
	struct {
		struct fuse_out_header header;
		char data[256];
	} out = {.header = {.unique = to->unique, .error = data ? 0 : -ENOSYS}};

	out.header.len = (uint32_t)(sizeof(out.header) + size);
	if (size)
		memcpy(out.data, data, size);
	(void)!write(fuse_fd, &out, out.header.len);
}

static struct fuse_attr attributes(uint64_t inode)
{
	bool is_file = inode == FILE_INODE;

	return (struct fuse_attr){.ino = inode,
				  .mode = is_file ? S_IFREG | 0644 : S_IFDIR | 0755,
				  .nlink = 1};
}

/* Returns whether it was asked to close a file: that it does not answer. */
static bool answer(int fuse_fd, const struct fuse_in_header *in)
{
	const struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION,
					   .minor = FUSE_KERNEL_MINOR_VERSION,
					   .max_write = 4096};
	const struct fuse_entry_out entry = {.nodeid = FILE_INODE,
					     .entry_valid = 60,
					     .attr = attributes(FILE_INODE)};
	const struct fuse_attr_out attr = {.attr_valid = 60, .attr = attributes(in->nodeid)};
	const struct fuse_open_out opened = {.fh = 1};

	switch (in->opcode) {
	case FUSE_INIT:
		reply(fuse_fd, in, &init, sizeof(init));
		return false;
	case FUSE_LOOKUP:
		reply(fuse_fd, in, &entry, sizeof(entry));
		return false;
	case FUSE_GETATTR:
		reply(fuse_fd, in, &attr, sizeof(attr));
		return false;
	case FUSE_OPEN:
		reply(fuse_fd, in, &opened, sizeof(opened));
		return false;
	case FUSE_FLUSH:
		return true;
	default:
		reply(fuse_fd, in, NULL, 0);
		return false;
	}
}

static void __attribute__((noreturn)) serve(int fuse_fd, int told_fd)
{
	static char message[MESSAGE_MAX];

	/* Whatever becomes of the test: all who look at the processes of this machine wait as well. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(ALARM_SECONDS);
	while (read(fuse_fd, message, sizeof(message)) >= (ssize_t)sizeof(struct fuse_in_header))
		if (answer(fuse_fd, (struct fuse_in_header *)message))
			(void)!write(told_fd, "f", 1);
	_exit(1);
}

/* The kernel wants the device opened where the mount is made. */
static int mount_it(void)
{
	char options[64];
	int fd;

	if (!enter_namespaces())
		return -1;
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	return mount("lab", FUSE_PLACE, "fuse", MS_NOSUID | MS_NODEV, options) ? -1 : fd;
}

pid_t fuse_serve(int told_fd)
{
	int fd = mount_it();
	pid_t server;

	if (fd < 0)
		return -1;
	server = fork();
	if (!server)
		serve(fd, told_fd);
	close(fd);
	return server;
}
