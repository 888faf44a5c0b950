// SPDX-License-Identifier: Apache-2.0
/*
 * inotify tells of names in directories. So a path is walked part by part, and where a name decides
 * how it goes on, the directory is watched and the name remembered: a hinge.
 */
#include "source/watches.h"

#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel */
#define EVENTS_BYTES (64 << 10)
#define MASK                                                                                       \
	(IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF |   \
	 IN_MOVE_SELF | IN_ONLYDIR)

struct watch {
	int wd;
	unsigned int generation;
};

struct hinge {
	int wd;
	char *name;
	size_t owner; /* or WATCHES_NO_OWNER: it is on somebody's way */
};

struct watches {
	int fd;
	unsigned int generation;
	struct watch *list;
	size_t count;
	void *hinges; /* tree by wd and name */
	char *events;
};

int watches_open(struct watches **ret)
{
	struct watches *watches = calloc(1, sizeof(*watches));
	int err = -ENOMEM;

	if (!watches)
		return -ENOMEM;
	watches->events = malloc(EVENTS_BYTES);
	if (!watches->events)
		goto fail;
	watches->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watches->fd < 0) {
		err = -errno;
		goto fail;
	}
	*ret = watches;
	return 0;
fail:
	free(watches->events);
	free(watches);
	return err;
}

static void free_hinge(void *freed)
{
	struct hinge *hinge = freed;

	free(hinge->name);
	free(hinge);
}

void watches_close(struct watches *watches)
{
	if (!watches)
		return;
	tdestroy(watches->hinges, free_hinge);
	close(watches->fd);
	free(watches->list);
	free(watches->events);
	free(watches);
}

int watches_descriptor(const struct watches *watches)
{
	return watches->fd;
}

void watches_begin(struct watches *watches)
{
	watches->generation++;
	tdestroy(watches->hinges, free_hinge);
	watches->hinges = NULL;
}

void watches_end(struct watches *watches)
{
	size_t i, kept = 0;

	for (i = 0; i < watches->count; i++) {
		if (watches->list[i].generation == watches->generation)
			watches->list[kept++] = watches->list[i];
		else
			inotify_rm_watch(watches->fd, watches->list[i].wd);
	}
	watches->count = kept;
}

static struct watch *find_watch(const struct watches *watches, int wd)
{
	size_t i;

	for (i = 0; i < watches->count; i++) {
		if (watches->list[i].wd == wd)
			return &watches->list[i];
	}
	return NULL;
}

int watches_add_directory(struct watches *watches, const char *path, int *wd)
{
	struct watch *watch, *larger;
	int added = inotify_add_watch(watches->fd, path, MASK);

	if (added < 0)
		return -errno;
	watch = find_watch(watches, added);
	if (!watch) {
		larger = reallocarray(watches->list, watches->count + 1, sizeof(*larger));
		if (!larger) {
			inotify_rm_watch(watches->fd, added);
			return -ENOMEM;
		}
		watches->list = larger;
		watch = &larger[watches->count++];
		watch->wd = added;
	}
	watch->generation = watches->generation;
	*wd = added;
	return 0;
}

static int compare_hinges(const void *a, const void *b)
{
	const struct hinge *x = a, *y = b;

	return x->wd != y->wd ? (x->wd < y->wd ? -1 : 1) : strcmp(x->name, y->name);
}

static int add_hinge(struct watches *watches, const char *directory, const char *name, size_t owner)
{
	struct hinge *hinge, **found;
	int wd, err;

	err = watches_add_directory(watches, directory, &wd);
	if (err) /* gone or closed to us meanwhile: what leads there is watched */
		return err == -ENOSPC || err == -ENOMEM ? err : 0;
	hinge = calloc(1, sizeof(*hinge));
	if (!hinge)
		return -ENOMEM;
	hinge->wd = wd;
	hinge->owner = owner;
	hinge->name = strdup(name);
	found = hinge->name ? tsearch(hinge, &watches->hinges, compare_hinges) : NULL;
	if (found && *found == hinge)
		return 0;
	/* Of interest to more than one: whoever is told must look at everything. */
	if (found && (*found)->owner != owner)
		(*found)->owner = WATCHES_NO_OWNER;
	free_hinge(hinge);
	return found ? 0 : -ENOMEM;
}

/* How far a path has been walked. Every text has room for PATH_MAX bytes. */
struct walk {
	char done[PATH_MAX]; /* exists, and has no links in it */
	char rest[PATH_MAX];
	char part[NAME_MAX + 1]; /* the one between the two */
	int links;
};

/* Take the next part off the rest. False if there is none. */
static bool next_part(struct walk *walk)
{
	char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");

	if (!length || length > NAME_MAX)
		return false;
	memcpy(walk->part, start, length);
	walk->part[length] = '\0';
	start += length;
	start += strspn(start, "/");
	memmove(walk->rest, start, strlen(start) + 1);
	return true;
}

enum part_kind {
	PART_MISSING,
	PART_LINK,
	PART_PLAIN,
};

/* path: of PATH_MAX bytes, to hold the path of the part. */
static enum part_kind look_at_part(const struct walk *walk, char *path)
{
	struct stat status;

	if (snprintf(path, PATH_MAX, "%s/%s", walk->done, walk->part) >= PATH_MAX ||
	    lstat(path, &status))
		return PART_MISSING;
	return S_ISLNK(status.st_mode) ? PART_LINK : PART_PLAIN;
}

/* Put what a link says in front of the rest. */
static bool follow_link(struct walk *walk, const char *path)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	if (length <= 0 || ++walk->links > LINKS_MAX)
		return false;
	target[length] = '\0';
	if (snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest) >= (int)sizeof(rest))
		return false;
	strcpy(walk->rest, rest);
	if (*target == '/')
		strcpy(walk->done, "/");
	return true;
}

int watches_add_path(struct watches *watches, const char *path, size_t owner)
{
	struct walk walk = {.links = 0};
	char part_path[PATH_MAX];
	enum part_kind kind;
	bool is_last;
	int err;

	if (snprintf(walk.rest, sizeof(walk.rest), "%s", path) >= (int)sizeof(walk.rest))
		return 0; /* too long for every system call */
	strcpy(walk.done, *path == '/' ? "/" : ".");
	while (next_part(&walk)) {
		kind = look_at_part(&walk, part_path);
		is_last = !*walk.rest;
		if (kind != PART_PLAIN || is_last) {
			err = add_hinge(watches, walk.done, walk.part,
					kind == PART_LINK || !is_last ? WATCHES_NO_OWNER : owner);
			if (err)
				return err;
			/* It may have come before the watch was there. */
			kind = look_at_part(&walk, part_path);
		}
		if (kind == PART_MISSING || (kind == PART_LINK && !follow_link(&walk, part_path)))
			return 0;
		if (kind == PART_PLAIN)
			strcpy(walk.done, part_path);
	}
	return 0;
}

enum watches_hit watches_find(const struct watches *watches, int wd, const char *name,
			      size_t *owner)
{
	struct hinge key = {.wd = wd, .name = (char *)name};
	struct hinge **found = tfind(&key, &watches->hinges, compare_hinges);

	if (!found)
		return HIT_NOTHING;
	if ((*found)->owner == WATCHES_NO_OWNER)
		return HIT_WAY;
	*owner = (*found)->owner;
	return HIT_END;
}

/* The kernel has ended a watch. Whether it was one of ours until now. */
static bool forget(struct watches *watches, int wd)
{
	struct watch *watch = find_watch(watches, wd);

	if (!watch)
		return false;
	*watch = watches->list[--watches->count];
	return true;
}

void watches_read(struct watches *watches, watches_visit visit, void *arg)
{
	const struct inotify_event *event;
	ssize_t size, at;

	size = read(watches->fd, watches->events, EVENTS_BYTES);
	for (at = 0; at < size; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const void *)(watches->events + at);
		if (!(event->mask & IN_IGNORED) || forget(watches, event->wd))
			visit(event, arg);
	}
}
