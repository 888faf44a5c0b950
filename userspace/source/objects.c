// SPDX-License-Identifier: Apache-2.0
/*
 * Only fingerprints of objects are kept: whether a definition says something new can be told, what
 * it said cannot. So a file that inherits an object has to be read again.
 */
#include "source/objects.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/fingerprint.h"

struct object {
	struct object_key key; /* its texts belong to the object */
	bool is_delivered;
	bool is_orphan;       /* nobody defines it: in objects.orphans */
	uint64_t fingerprint; /* of what was delivered */
	uint64_t until_ms;    /* an orphan is kept until then */
	struct definition *definitions; /* in order of their files */
	TAILQ_ENTRY(object) orphan_entry;
};
TAILQ_HEAD(object_list, object);

struct objects {
	const struct sink *sink;
	void *by_key; /* tree */
	struct object_list orphans;
	bool have_changed;
};

static int compare_objects(const void *a, const void *b)
{
	const struct object_key *x = &((const struct object *)a)->key;
	const struct object_key *y = &((const struct object *)b)->key;
	int order = (int)x->kind - (int)y->kind;

	if (!order)
		order = strcmp(x->namespace, y->namespace);
	return order ? order : strcmp(x->name, y->name);
}

static void free_object(void *freed)
{
	struct object *object = freed;

	free((char *)object->key.namespace);
	free((char *)object->key.name);
	free(object);
}

int objects_new(const struct sink *sink, struct objects **ret)
{
	struct objects *objects = calloc(1, sizeof(*objects));

	if (!objects)
		return -ENOMEM;
	objects->sink = sink;
	TAILQ_INIT(&objects->orphans);
	*ret = objects;
	return 0;
}

void objects_free(struct objects *objects)
{
	if (!objects)
		return;
	tdestroy(objects->by_key, free_object);
	free(objects);
}

static struct object *find_object(struct objects *objects, const struct object_key *key)
{
	struct object wanted = { .key = *key };
	struct object **found = tfind(&wanted, &objects->by_key, compare_objects);

	return found ? *found : NULL;
}

static int add_object(struct objects *objects, const struct object_key *key, struct object **ret)
{
	struct object *object = calloc(1, sizeof(*object));

	if (!object)
		return -ENOMEM;
	object->key.kind = key->kind;
	object->key.namespace = strdup(key->namespace);
	object->key.name = strdup(key->name);
	if (!object->key.namespace || !object->key.name ||
	    !tsearch(object, &objects->by_key, compare_objects)) {
		free_object(object);
		return -ENOMEM;
	}
	/* Until its first definition is there. */
	object->is_orphan = true;
	TAILQ_INSERT_TAIL(&objects->orphans, object, orphan_entry);
	*ret = object;
	return 0;
}

static struct definition *find_definition(const struct object *object, const struct file *file)
{
	struct definition *definition = object->definitions;

	while (definition && definition->file != file)
		definition = definition->next_of_object;
	return definition;
}

struct definition *objects_find(struct objects *objects, const struct file *file,
				const struct object_key *key)
{
	const struct object *object = find_object(objects, key);

	return object ? find_definition(object, file) : NULL;
}

static const char *kind_name(enum object_kind kind)
{
	if (kind == OBJECT_POD)
		return "Pod";
	return kind == OBJECT_SERVICE ? "Service" : "EndpointSlice";
}

/* Tell a file that an object of it belongs to another one. */
static void tell_second(struct objects *objects, const struct definition *second)
{
	const struct object *object = second->object;
	char name[DECODE_MESSAGE_MAX], message[DECODE_MESSAGE_MAX];

	snprintf(name, sizeof(name), "%s '%s/%s'",
		 kind_name(object->key.kind),
		 object->key.namespace, object->key.name);
	snprintf(message, sizeof(message),
		 "another file that comes first has it, too: remove it from one of them: '%s'",
		 object->definitions->file->path);
	second->file->has_refusals = true;
	objects->sink->refuse(second->file->path, name, message, objects->sink->arg);
}

static int add_definition(struct objects *objects, struct object *object, struct file *file,
			  struct definition **ret)
{
	struct definition *added = calloc(1, sizeof(*added)), **place = &object->definitions;

	if (!added)
		return -ENOMEM;
	while (*place && file_compare((*place)->file, file) < 0)
		place = &(*place)->next_of_object;
	added->file = file;
	added->object = object;
	added->next_of_file = file->definitions;
	file->definitions = added;
	added->next_of_object = *place;
	*place = added;
	if (object->is_orphan)
		TAILQ_REMOVE(&objects->orphans, object, orphan_entry);
	object->is_orphan = false;
	/* The one that had it until now. */
	if (object->definitions == added && added->next_of_object)
		tell_second(objects, added->next_of_object);
	*ret = added;
	return 0;
}

static uint64_t fingerprint_of(enum object_kind kind, const void *value)
{
	if (kind == OBJECT_POD)
		return fingerprint_pod(value);
	return kind == OBJECT_SERVICE ? fingerprint_service(value) : fingerprint_slice(value);
}

static void deliver(struct objects *objects, struct object *object, void **value)
{
	const struct sink *sink = objects->sink;
	enum object_kind kind = object->key.kind;
	uint64_t fingerprint = fingerprint_of(kind, *value);

	if (object->is_delivered && object->fingerprint == fingerprint)
		return;
	object->is_delivered = true;
	object->fingerprint = fingerprint;
	objects->have_changed = true;
	if (kind == OBJECT_SERVICE)
		sink->put_service(*value, sink->arg);
	else if (kind == OBJECT_POD)
		sink->put_pod(*value, sink->arg);
	else
		sink->put_slice(*value, sink->arg);
	*value = NULL;
}

int objects_define(struct objects *objects, struct file *file, const struct object_key *key,
		   void **value)
{
	struct object *object = find_object(objects, key);
	struct definition *definition;
	int err = 0;

	if (!object)
		err = add_object(objects, key, &object);
	if (err)
		return err;
	definition = find_definition(object, file);
	if (!definition)
		err = add_definition(objects, object, file, &definition);
	if (err)
		return err;
	definition->is_fresh = true;
	if (object->definitions == definition)
		deliver(objects, object, value);
	else
		tell_second(objects, definition);
	return 0;
}

struct file *objects_end(struct objects *objects, struct definition *ended, uint64_t until_ms)
{
	struct object *object = ended->object;
	struct definition **place = &object->definitions;
	bool was_first = *place == ended;

	while (*place != ended)
		place = &(*place)->next_of_object;
	*place = ended->next_of_object;
	free(ended);
	if (object->definitions)
		return was_first ? object->definitions->file : NULL;
	object->is_orphan = true;
	object->until_ms = until_ms;
	TAILQ_INSERT_TAIL(&objects->orphans, object, orphan_entry);
	return NULL;
}

static void remove_object(struct objects *objects, struct object *object)
{
	const struct sink *sink = objects->sink;
	const struct object_key *key = &object->key;

	TAILQ_REMOVE(&objects->orphans, object, orphan_entry);
	tdelete(object, &objects->by_key, compare_objects);
	if (object->is_delivered) {
		objects->have_changed = true;
		if (key->kind == OBJECT_SERVICE)
			sink->remove_service(key->namespace, key->name, sink->arg);
		else if (key->kind == OBJECT_POD)
			sink->remove_pod(key->namespace, key->name, sink->arg);
		else
			sink->remove_slice(key->namespace, key->name, sink->arg);
	}
	free_object(object);
}

uint64_t objects_expire(struct objects *objects, uint64_t now_ms)
{
	struct object *object, *next;
	uint64_t next_ms = 0;

	for (object = TAILQ_FIRST(&objects->orphans); object; object = next) {
		next = TAILQ_NEXT(object, orphan_entry);
		if (object->until_ms <= now_ms)
			remove_object(objects, object);
		else if (!next_ms || object->until_ms < next_ms)
			next_ms = object->until_ms;
	}
	return next_ms;
}

bool objects_have_changed(struct objects *objects)
{
	bool changed = objects->have_changed;

	objects->have_changed = false;
	return changed;
}
