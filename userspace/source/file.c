// SPDX-License-Identifier: Apache-2.0
/*
 * The file source. Each file is an origin of the store. Events name the file that changed, and only that one is read; where an event may
 * change what the paths lead to, everything is looked at, and what is the same as before is not
 * read. Nothing is delayed, but that an object whose file vanishes stays for GRACE_MS: many tools
 * delete a file and write it anew, and no Service shall be without endpoints in between.
 */
#include "source/file.h"

#include <errno.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>

#include <event2/event.h>

#include "base/clock.h"
#include "model/store.h"
#include "source/manifests.h"
#include "source/watches.h"

#define GRACE_MS 100

/* A file may change once more within one step of the clock that its time is taken from. */
#define CLOCK_STEP_MS 20

/* What tells that a file is still the one that was read. All zero: not known. */
struct identity {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct file {
	char *path;
	size_t argument; /* position of the --manifests that it belongs to */
	struct origin *origin;
	struct identity identity; /* reset when reading fails */
	unsigned int seen;        /* in which round it was looked at */
	bool is_link;
	bool is_dirty;     /* to be read */
	bool had_refusals; /* when all that was dirty had been read last */
	TAILQ_ENTRY(file) entry;
	TAILQ_ENTRY(file) dirty_entry;
};
TAILQ_HEAD(file_list, file);

struct argument {
	int wd;          /* of the directory; -1 if it is none */
	bool is_missing; /* or cannot be read: its files keep what they had */
	bool has_refusals;
};

struct file_source {
	const char *const *paths;
	struct argument *arguments; /* one for each path */
	size_t count;
	const struct sink *sink;
	void *by_path; /* tree of files by argument and path */
	struct file_list files;
	struct file_list dirty;
	struct watches *watches;
	struct event *readable;
	struct event *expired;
	unsigned int seen; /* the round in which files were last looked at */
	bool must_look;
};

static int compare_files(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->argument != y->argument)
		return x->argument < y->argument ? -1 : 1;
	return strcmp(x->path, y->path);
}

static struct file *find_file(struct file_source *source, size_t argument, const char *path)
{
	struct file key = {.argument = argument, .path = (char *)path};
	struct file **found = tfind(&key, &source->by_path, compare_files);

	return found ? *found : NULL;
}

static void free_file(struct file *file)
{
	free(file->path);
	free(file);
}

static int add_file(struct file_source *source, size_t argument, const char *path,
		    struct file **ret)
{
	const struct origin_setup setup = {.place = path, .rank = argument, .is_exclusive = true};
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	file->argument = argument;
	file->path = strdup(path);
	if (!file->path || store_add_origin(source->sink->store, &setup, &file->origin) ||
	    !tsearch(file, &source->by_path, compare_files)) {
		store_drop_origin(file->origin, 0);
		free_file(file);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&source->files, file, entry);
	*ret = file;
	return 0;
}

/* Read this one when all is settled. */
static void touch(struct file_source *source, struct file *file)
{
	if (file->is_dirty)
		return;
	file->is_dirty = true;
	TAILQ_INSERT_TAIL(&source->dirty, file, dirty_entry);
}

/* A file is gone. Its objects stay for a while, unless another file has them. */
static void drop_file(struct file_source *source, struct file *file)
{
	store_drop_origin(file->origin, clock_now_ms() + GRACE_MS);
	if (file->is_dirty)
		TAILQ_REMOVE(&source->dirty, file, dirty_entry);
	tdelete(file, &source->by_path, compare_files);
	TAILQ_REMOVE(&source->files, file, entry);
	free_file(file);
}

static void tell(struct file_source *source, size_t index, const char *message)
{
	source->arguments[index].has_refusals = true;
	store_refuse_at(source->sink->store, source->paths[index], "", message);
}

static void tell_missing(struct file_source *source, size_t index, int err)
{
	char message[DECODE_MESSAGE_MAX];

	snprintf(message, sizeof(message), "cannot read it: %s; what it said before stays in force",
		 strerror(-err));
	tell(source, index, message);
}

static void tell_unwatched(struct file_source *source, size_t index)
{
	tell(source, index,
	     "cannot watch it for changes: raise fs.inotify.max_user_watches, then reload");
}

static struct identity identify(const struct stat *status)
{
	uint64_t modified_ms = (uint64_t)status->st_mtim.tv_sec * 1000 +
			       (uint64_t)status->st_mtim.tv_nsec / 1000000;

	if (modified_ms + CLOCK_STEP_MS > clock_read_ns(CLOCK_REALTIME) / 1000000)
		return (struct identity){0};
	return (struct identity){.device = status->st_dev,
				 .inode = status->st_ino,
				 .size = status->st_size,
				 .modified = status->st_mtim};
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->inode && a->inode == b->inode && a->device == b->device && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

/* Have a file read if it may be another than it was. */
static int look_at_file(struct file_source *source, size_t argument, const char *path, bool force)
{
	struct stat status = {0};
	struct identity identity = {0};
	struct file *file;
	int err = 0;

	file = find_file(source, argument, path);
	if (!file)
		err = add_file(source, argument, path, &file);
	if (err)
		return err;
	file->seen = source->seen;
	file->is_link = !lstat(path, &status) && S_ISLNK(status.st_mode);
	if (file->is_link) {
		err = watches_add_path(source->watches, path, WATCHES_NO_OWNER);
		if (stat(path, &status))
			status = (struct stat){0};
	}
	if (status.st_ino)
		identity = identify(&status);
	if (force || !is_same(&identity, &file->identity)) {
		file->identity = identity;
		touch(source, file);
	}
	return err;
}

static int list(struct file_source *source, size_t argument, bool force)
{
	char **paths;
	size_t i, count;
	int err;

	err = manifest_paths(source->paths[argument], &paths, &count);
	if (err)
		return err;
	for (i = 0; i < count && !err; i++)
		err = look_at_file(source, argument, paths[i], force);
	manifest_paths_free(paths, count);
	return err;
}

/* What a path of --manifests stands for now. Files that it no longer does are not dropped here. */
static void look_at_argument(struct file_source *source, size_t index, bool force)
{
	struct argument *argument = &source->arguments[index];
	const char *path = source->paths[index];
	bool had_refusals = argument->has_refusals;
	int err, way_err;

	if (had_refusals)
		store_accept_at(source->sink->store, path);
	argument->has_refusals = false;
	argument->wd = -1;
	way_err = watches_add_path(source->watches, path, index);
	err = watches_add_directory(source->watches, path, &argument->wd);
	if (way_err || err == -ENOSPC)
		tell_unwatched(source, index);
	err = list(source, index, force);
	argument->is_missing = err;
	if (err)
		tell_missing(source, index, err);
	if (had_refusals && !argument->has_refusals)
		source->sink->recovered(path, source->sink->arg);
}

static void drop_unseen(struct file_source *source)
{
	struct file *file, *next;

	for (file = TAILQ_FIRST(&source->files); file; file = next) {
		next = TAILQ_NEXT(file, entry);
		if (file->seen != source->seen && !source->arguments[file->argument].is_missing)
			drop_file(source, file);
	}
}

static void look_at_everything(struct file_source *source, bool force)
{
	size_t i;

	source->must_look = false;
	source->seen++;
	watches_begin(source->watches);
	for (i = 0; i < source->count; i++)
		look_at_argument(source, i, force);
	watches_end(source->watches);
	drop_unseen(source);
}

/* The slices that a refused Endpoints object was made into when it was good. */
static void keep_mirrored(struct origin *origin, const struct manifest_name *refused)
{
	char name[GW_LONG_NAME_MAX + 32];
	size_t i = 0;

	do
		snprintf(name, sizeof(name), "%s/%zu", refused->name, i++);
	while (store_keep(origin, STORE_SLICE, refused->namespace, name));
}

static enum store_kind kind_of(const struct manifest_name *refused)
{
	if (refused->kind == OBJECT_POD)
		return STORE_POD;
	return refused->kind == OBJECT_SERVICE ? STORE_SERVICE : STORE_SLICE;
}

/* What was refused whole is not gone: the last good one stays. */
static void keep_refused(struct origin *origin, const struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->refused_count; i++) {
		const struct manifest_name *refused = &manifest->refused[i];

		if (refused->kind == OBJECT_ENDPOINTS)
			keep_mirrored(origin, refused);
		else
			store_keep(origin, kind_of(refused), refused->namespace, refused->name);
	}
}

static int put_all(struct origin *origin, struct manifest *manifest)
{
	int err = 0;

	for (size_t i = 0; i < manifest->service_count && !err; i++) {
		err = store_put(origin, STORE_SERVICE, manifest->services[i]);
		manifest->services[i] = NULL;
	}
	for (size_t i = 0; i < manifest->slice_count && !err; i++) {
		err = store_put(origin, STORE_SLICE, manifest->slices[i]);
		manifest->slices[i] = NULL;
	}
	for (size_t i = 0; i < manifest->pod_count && !err; i++) {
		err = store_put(origin, STORE_POD, manifest->pods[i]);
		manifest->pods[i] = NULL;
	}
	return err;
}

static void take_refusal(const char *object, const char *message, void *arg)
{
	store_refuse(arg, object, message);
}

/* What it does not have is gone, but not before all files are read: another one may have it now. */
static void read_file(struct file *file, uint64_t now_ms)
{
	struct manifest manifest;
	int err;

	store_begin(file->origin);
	err = manifest_read(file->path, take_refusal, file->origin, &manifest);
	if (!err) {
		keep_refused(file->origin, &manifest);
		err = put_all(file->origin, &manifest);
		manifest_done(&manifest);
	}
	if (!err)
		store_end(file->origin, now_ms);
	else
		file->identity = (struct identity){0};
	if (err == -ENOMEM)
		store_refuse(file->origin, "", "cannot read the file: out of memory");
}

static void tell_recovered(struct file_source *source)
{
	struct file *file;

	TAILQ_FOREACH(file, &source->files, entry) {
		bool has_refusals = store_has_refusals(file->origin);

		if (file->had_refusals && !has_refusals)
			source->sink->recovered(file->path, source->sink->arg);
		file->had_refusals = has_refusals;
	}
}

/* Read what is to be read and put what follows from it. Returns whether that is anything. */
static bool settle(struct file_source *source)
{
	uint64_t now_ms = clock_now_ms(), next_ms;
	struct timeval wait;
	struct file *file;

	while ((file = TAILQ_FIRST(&source->dirty)) != NULL) {
		TAILQ_REMOVE(&source->dirty, file, dirty_entry);
		file->is_dirty = false;
		read_file(file, now_ms);
	}
	tell_recovered(source);
	next_ms = store_expire(source->sink->store, now_ms);
	if (next_ms) {
		wait.tv_sec = (time_t)((next_ms - now_ms) / 1000);
		wait.tv_usec = (suseconds_t)((next_ms - now_ms) % 1000 * 1000);
		event_add(source->expired, &wait);
	}
	return store_take_changed(source->sink->store);
}

static void commit_if(const struct file_source *source, bool changed)
{
	if (changed)
		source->sink->commit(true, source->sink->arg);
}

/* A new file that its writer has yet to close: that will be another event. */
static bool is_unfinished(const struct inotify_event *event, const struct stat *status)
{
	return event->mask & IN_CREATE && S_ISREG(status->st_mode) && status->st_nlink == 1;
}

/* Something happened to a name in a directory of manifests. */
static void take_name(struct file_source *source, size_t argument,
		      const struct inotify_event *event)
{
	struct stat status;
	struct file *file;
	char *path;

	path = manifest_path_in(source->paths[argument], event->name);
	if (!path) {
		source->must_look = true;
		return;
	}
	if (lstat(path, &status)) {
		file = find_file(source, argument, path);
		if (file)
			drop_file(source, file);
	} else if (S_ISLNK(status.st_mode)) {
		source->must_look = true;
	} else if (!(event->mask & (IN_DELETE | IN_MOVED_FROM)) && !S_ISDIR(status.st_mode) &&
		   !is_unfinished(event, &status)) {
		/* After a removal a file of this name is a new one, with events of its own. */
		source->must_look |= look_at_file(source, argument, path, true) != 0;
	}
	free(path);
}

/* Something happened to what a path of --manifests ends at. */
static void take_end(struct file_source *source, size_t argument, const struct inotify_event *event)
{
	struct stat status;

	if (source->arguments[argument].wd >= 0 || event->mask & IN_ISDIR)
		source->must_look = true;
	else if (lstat(source->paths[argument], &status) || !is_unfinished(event, &status))
		look_at_argument(source, argument, true);
}

static void take_event(const struct inotify_event *event, void *arg)
{
	struct file_source *source = arg;
	const char *name = event->len ? event->name : "";
	size_t i, owner;

	if (event->mask &
	    (IN_Q_OVERFLOW | IN_IGNORED | IN_UNMOUNT | IN_DELETE_SELF | IN_MOVE_SELF)) {
		source->must_look = true;
		return;
	}
	switch (watches_find(source->watches, event->wd, name, &owner)) {
	case HIT_WAY:
		source->must_look = true;
		break;
	case HIT_END:
		take_end(source, owner, event);
		break;
	case HIT_NOTHING:
		break;
	}
	if (event->mask & IN_ISDIR || !manifest_is_named(name))
		return;
	for (i = 0; i < source->count; i++) {
		if (source->arguments[i].wd == event->wd)
			take_name(source, i, event);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct file_source *source = arg;

	(void)fd;
	(void)what;
	watches_read(source->watches, take_event, source);
	if (source->must_look)
		look_at_everything(source, false);
	commit_if(source, settle(source));
}

static void on_expired(evutil_socket_t fd, short what, void *arg)
{
	struct file_source *source = arg;

	(void)fd;
	(void)what;
	commit_if(source, settle(source));
}

int file_source_start(struct event_base *base, const char *const *paths, size_t count,
		      const struct sink *sink, struct file_source **ret)
{
	struct file_source *source = calloc(1, sizeof(*source));
	int err = -ENOMEM;

	if (!source)
		return -ENOMEM;
	source->paths = paths;
	source->count = count;
	source->sink = sink;
	TAILQ_INIT(&source->files);
	TAILQ_INIT(&source->dirty);
	source->arguments = calloc(count + 1, sizeof(*source->arguments));
	if (!source->arguments)
		goto fail;
	err = watches_open(&source->watches);
	if (err)
		goto fail;
	err = -ENOMEM;
	source->readable = event_new(base, watches_descriptor(source->watches),
				     EV_READ | EV_PERSIST, on_readable, source);
	source->expired = evtimer_new(base, on_expired, source);
	if (!source->readable || !source->expired || event_add(source->readable, NULL))
		goto fail;
	look_at_everything(source, true);
	settle(source);
	sink->commit(true, sink->arg);
	*ret = source;
	return 0;
fail:
	file_source_stop(source);
	return err;
}

static void leave(void *node)
{
	(void)node; /* it is in the list too */
}

void file_source_stop(struct file_source *source)
{
	struct file *file;

	if (!source)
		return;
	if (source->readable)
		event_free(source->readable);
	if (source->expired)
		event_free(source->expired);
	watches_close(source->watches);
	tdestroy(source->by_path, leave);
	while ((file = TAILQ_FIRST(&source->files)) != NULL) {
		TAILQ_REMOVE(&source->files, file, entry);
		free_file(file);
	}
	free(source->arguments);
	free(source);
}

void file_source_reload(struct file_source *source)
{
	look_at_everything(source, true);
	commit_if(source, settle(source));
}
