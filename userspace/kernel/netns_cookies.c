// SPDX-License-Identifier: Apache-2.0
#include "kernel/netns_cookies.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/netns.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

struct list {
	struct netns_cookie *all;
	size_t count;
	size_t room;
};

static int add(struct list *list, const struct netns_cookie *one)
{
	struct netns_cookie *all;

	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 64;
		all = reallocarray(list->all, list->room, sizeof(*all));
		if (!all)
			return -ENOMEM;
		list->all = all;
	}
	list->all[list->count++] = *one;
	return 0;
}

/* Of the namespace that this thread is in. */
static int note_this(void *arg)
{
	struct netns_cookie one = {0};
	socklen_t length = sizeof(one.cookie);
	struct stat st, dev;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = fd < 0 || stat("/proc/thread-self/ns/net", &st) ||
				  stat("/proc/thread-self/net/dev", &dev) ||
				  getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &one.cookie, &length)
			  ? -errno
			  : 0;

	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	one.inode = st.st_ino;
	one.dev_inode = dev.st_ino;
	return add(arg, &one);
}

static int compare(const void *a, const void *b)
{
	const struct netns_cookie *left = a, *right = b;

	return (left->inode > right->inode) - (left->inode < right->inode);
}

int netns_cookies(struct netns_cookie **ret, size_t *count)
{
	struct list list = {0};
	size_t unseen;
	int err = netns_visit_all(note_this, &list, &unseen);

	if (err) {
		free(list.all);
		return err;
	}
	qsort(list.all, list.count, sizeof(*list.all), compare);
	*ret = list.all;
	*count = list.count;
	return 0;
}
