/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which directories inotify must watch so that no change of what a path leads to is missed, also
 * when a symbolic link on the way is swapped, or the path does not exist yet. Knows no manifests.
 */
#ifndef GWBPF_SOURCE_WATCHES_H
#define GWBPF_SOURCE_WATCHES_H

#include <stddef.h>
#include <sys/inotify.h>

struct watches;

int watches_open(struct watches **ret);      /* what inotify_init(2) says; -ENOMEM */
void watches_close(struct watches *watches); /* takes NULL */
int watches_descriptor(const struct watches *watches);

/* Between these two everything that is to be watched is added; the rest is no longer watched. */
void watches_begin(struct watches *watches);
void watches_end(struct watches *watches);

/* Watch what is in a directory; wd is what its events carry. What inotify_add_watch(2) says */
int watches_add_directory(struct watches *watches, const char *path, int *wd);

#define WATCHES_NO_OWNER ((size_t)-1)

/*
 * Watch everything that decides where path leads: each link on the way, what it ends at, or the
 * first part that is missing. owner is whose path it is, if it is of interest. -ENOSPC, -ENOMEM;
 * that a part cannot be looked at is no error here.
 */
int watches_add_path(struct watches *watches, const char *path, size_t owner);

enum watches_hit {
	HIT_NOTHING,
	HIT_WAY, /* some path may lead elsewhere now */
	HIT_END, /* what owner's path ends at, and that is no link */
};
enum watches_hit watches_find(const struct watches *watches, int wd, const char *name,
			      size_t *owner);

/* Call visit for the events that are there, at most 64 KiB of them. Never waits. */
typedef void (*watches_visit)(const struct inotify_event *event, void *arg);
void watches_read(struct watches *watches, watches_visit visit, void *arg);

#endif
