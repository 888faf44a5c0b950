// SPDX-License-Identifier: Apache-2.0
/* Files by path, and reading those that changed. What their objects mean is in objects.c. */
#include "source/catalog.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/manifests.h"
#include "source/objects.h"

struct catalog {
	const struct sink *sink;
	struct objects *objects;
	void *by_path; /* tree of files by argument and path */
	struct file_list files;
	struct file_list dirty;
};

int file_compare(const struct file *a, const struct file *b)
{
	if (a->argument != b->argument)
		return a->argument < b->argument ? -1 : 1;
	return strcmp(a->path, b->path);
}

static int compare_files(const void *a, const void *b)
{
	return file_compare(a, b);
}

static void free_file(struct file *file)
{
	struct definition *definition, *next;

	for (definition = file->definitions; definition; definition = next) {
		next = definition->next_of_file;
		free(definition);
	}
	free(file->path);
	free(file);
}

int catalog_new(const struct sink *sink, struct catalog **ret)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		return -ENOMEM;
	if (objects_new(sink, &catalog->objects)) {
		free(catalog);
		return -ENOMEM;
	}
	catalog->sink = sink;
	TAILQ_INIT(&catalog->files);
	TAILQ_INIT(&catalog->dirty);
	*ret = catalog;
	return 0;
}

static void leave(void *node)
{
	(void)node;
}

void catalog_free(struct catalog *catalog)
{
	struct file *file;

	if (!catalog)
		return;
	tdestroy(catalog->by_path, leave);
	while ((file = TAILQ_FIRST(&catalog->files)) != NULL) {
		TAILQ_REMOVE(&catalog->files, file, entry);
		free_file(file);
	}
	objects_free(catalog->objects);
	free(catalog);
}

const struct file_list *catalog_files(const struct catalog *catalog)
{
	return &catalog->files;
}

struct file *catalog_find_file(struct catalog *catalog, size_t argument, const char *path)
{
	struct file key = { .argument = argument, .path = (char *)path };
	struct file **found = tfind(&key, &catalog->by_path, compare_files);

	return found ? *found : NULL;
}

int catalog_take_file(struct catalog *catalog, size_t argument, const char *path,
		      struct file **ret)
{
	struct file *file = catalog_find_file(catalog, argument, path);

	if (file) {
		*ret = file;
		return 0;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		return -ENOMEM;
	file->argument = argument;
	file->path = strdup(path);
	if (!file->path || !tsearch(file, &catalog->by_path, compare_files)) {
		free_file(file);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&catalog->files, file, entry);
	*ret = file;
	return 0;
}

void catalog_touch(struct catalog *catalog, struct file *file)
{
	if (file->is_dirty)
		return;
	file->is_dirty = true;
	TAILQ_INSERT_TAIL(&catalog->dirty, file, dirty_entry);
}

static void tell(struct catalog *catalog, struct file *file, const char *object,
		 const char *message)
{
	file->has_refusals = true;
	catalog->sink->refuse(file->path, object, message, catalog->sink->arg);
}

static void mend(struct catalog *catalog, struct file *file)
{
	if (file->has_refusals)
		catalog->sink->accept_all(file->path, catalog->sink->arg);
	file->has_refusals = false;
}

static void end_definition(struct catalog *catalog, struct definition *definition,
			   uint64_t until_ms)
{
	struct file *heir = objects_end(catalog->objects, definition, until_ms);

	if (heir)
		catalog_touch(catalog, heir);
}

void catalog_drop(struct catalog *catalog, struct file *file, uint64_t until_ms)
{
	struct definition *definition;

	while ((definition = file->definitions) != NULL) {
		file->definitions = definition->next_of_file;
		end_definition(catalog, definition, until_ms);
	}
	mend(catalog, file);
	if (file->is_dirty)
		TAILQ_REMOVE(&catalog->dirty, file, dirty_entry);
	tdelete(file, &catalog->by_path, compare_files);
	TAILQ_REMOVE(&catalog->files, file, entry);
	free_file(file);
}

static int define_all(struct catalog *catalog, struct file *file, struct manifest *manifest)
{
	struct object_key key;
	void *value;
	size_t i;
	int err = 0;

	for (i = 0; i < manifest->service_count && !err; i++) {
		value = manifest->services[i];
		key = (struct object_key){ OBJECT_SERVICE, manifest->services[i]->namespace,
					   manifest->services[i]->name };
		err = objects_define(catalog->objects, file, &key, &value);
		manifest->services[i] = value;
	}
	for (i = 0; i < manifest->slice_count && !err; i++) {
		value = manifest->slices[i];
		key = (struct object_key){ OBJECT_SLICE, manifest->slices[i]->namespace,
					   manifest->slices[i]->name };
		err = objects_define(catalog->objects, file, &key, &value);
		manifest->slices[i] = value;
	}
	for (i = 0; i < manifest->pod_count && !err; i++) {
		value = manifest->pods[i];
		key = (struct object_key){ OBJECT_POD, manifest->pods[i]->namespace,
					   manifest->pods[i]->name };
		err = objects_define(catalog->objects, file, &key, &value);
		manifest->pods[i] = value;
	}
	return err;
}

/* The slices that a refused Endpoints object was made into when it was good. */
static void keep_mirrored(struct catalog *catalog, struct file *file,
			  const struct manifest_name *refused)
{
	char name[GW_LONG_NAME_MAX + 32];
	struct object_key key = { OBJECT_SLICE, refused->namespace, name };
	struct definition *definition;
	size_t i = 0;

	do {
		snprintf(name, sizeof(name), "%s/%zu", refused->name, i++);
		definition = objects_find(catalog->objects, file, &key);
		if (definition)
			definition->is_fresh = true;
	} while (definition);
}

/* What was refused whole is not gone: the last good one stays. */
static void keep_refused(struct catalog *catalog, struct file *file,
			 const struct manifest *manifest)
{
	struct definition *definition;
	struct object_key key;
	size_t i;

	for (i = 0; i < manifest->refused_count; i++) {
		if (manifest->refused[i].kind == OBJECT_ENDPOINTS) {
			keep_mirrored(catalog, file, &manifest->refused[i]);
			continue;
		}
		key = (struct object_key){ manifest->refused[i].kind,
					   manifest->refused[i].namespace,
					   manifest->refused[i].name };
		definition = objects_find(catalog->objects, file, &key);
		if (definition)
			definition->is_fresh = true;
	}
}

static void end_stale(struct catalog *catalog, struct file *file)
{
	struct definition **place = &file->definitions, *stale;

	while ((stale = *place) != NULL) {
		if (stale->is_fresh) {
			place = &stale->next_of_file;
			continue;
		}
		*place = stale->next_of_file;
		end_definition(catalog, stale, 0);
	}
}

static int take_manifest(struct catalog *catalog, struct file *file, struct manifest *manifest)
{
	struct definition *definition;
	int err;

	for (definition = file->definitions; definition; definition = definition->next_of_file)
		definition->is_fresh = false;
	keep_refused(catalog, file, manifest);
	err = define_all(catalog, file, manifest);
	if (!err)
		end_stale(catalog, file);
	return err;
}

struct teller {
	struct catalog *catalog;
	struct file *file;
};

static void take_refusal(const char *object, const char *message, void *arg)
{
	struct teller *teller = arg;

	tell(teller->catalog, teller->file, object, message);
}

static void read_file(struct catalog *catalog, struct file *file)
{
	struct teller teller = { catalog, file };
	bool had_refusals = file->has_refusals;
	struct manifest manifest;
	int err;

	mend(catalog, file);
	err = manifest_read(file->path, take_refusal, &teller, &manifest);
	if (!err) {
		err = take_manifest(catalog, file, &manifest);
		manifest_done(&manifest);
	}
	if (err == -ENOMEM)
		tell(catalog, file, "", "cannot read the file: out of memory");
	if (err)
		file->identity = (struct identity){ 0 };
	if (had_refusals && !file->has_refusals)
		catalog->sink->recovered(file->path, catalog->sink->arg);
}

bool catalog_settle(struct catalog *catalog, uint64_t now_ms, uint64_t *next_ms)
{
	struct file *file;

	while ((file = TAILQ_FIRST(&catalog->dirty)) != NULL) {
		TAILQ_REMOVE(&catalog->dirty, file, dirty_entry);
		file->is_dirty = false;
		read_file(catalog, file);
	}
	*next_ms = objects_expire(catalog->objects, now_ms);
	return objects_have_changed(catalog->objects);
}
