/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest files that are known, and what of their objects the sink has been given. Reads files
 * when it is told to; knows nothing of watching them.
 */
#ifndef GWBPF_SOURCE_CATALOG_H
#define GWBPF_SOURCE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <time.h>

#include "source/sink.h"

struct catalog;
struct definition;

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

	/* Of whoever watches the files. */
	struct identity identity; /* reset when reading fails */
	unsigned int seen;
	bool is_link;

	/* Of the catalog. */
	bool is_dirty; /* to be read */
	bool has_refusals;
	struct definition *definitions;
	TAILQ_ENTRY(file) entry;
	TAILQ_ENTRY(file) dirty_entry;
};
TAILQ_HEAD(file_list, file);

/* Which of two files has an object that both define. As strcmp */
int file_compare(const struct file *a, const struct file *b);

/* sink must outlive the catalog. -ENOMEM */
int catalog_new(const struct sink *sink, struct catalog **ret);
void catalog_free(struct catalog *catalog); /* takes NULL; tells the sink nothing */

struct file *catalog_find_file(struct catalog *catalog, size_t argument, const char *path);
const struct file_list *catalog_files(const struct catalog *catalog);

/* The file of an argument, made if it is new. -ENOMEM */
int catalog_take_file(struct catalog *catalog, size_t argument, const char *path,
		      struct file **ret);

/* Read this one at the next catalog_settle(). */
void catalog_touch(struct catalog *catalog, struct file *file);

/* A file is gone; file is freed. What nobody else defines until until_ms is removed then. */
void catalog_drop(struct catalog *catalog, struct file *file, uint64_t until_ms);

/*
 * Read the files that were touched and give the sink what is new, changed and removed. Of two files
 * with the same object the one of the earlier argument, then of the lesser name has it; the other
 * one is told and takes over when the first lets go. A file that cannot be read keeps what it had,
 * and so does an object that is refused whole.
 * Returns whether the sink was given anything. next_ms: when to call again, 0 for never.
 */
bool catalog_settle(struct catalog *catalog, uint64_t now_ms, uint64_t *next_ms);

#endif
