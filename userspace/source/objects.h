/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects that files define, and which of several definitions is in force: the one of the first
 * file in order. Gives the sink what changes. Reads no file; only catalog.c uses it.
 */
#ifndef GWBPF_SOURCE_OBJECTS_H
#define GWBPF_SOURCE_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "source/catalog.h"
#include "source/decode.h"

struct objects;
struct object;

/* That a file has an object. */
struct definition {
	struct file *file;
	struct object *object;
	bool is_fresh; /* found when its file was last read */
	struct definition *next_of_file;
	struct definition *next_of_object;
};

struct object_key {
	enum object_kind kind;
	const char *namespace;
	const char *name;
};

int objects_new(const struct sink *sink, struct objects **ret); /* -ENOMEM */
void objects_free(struct objects *objects); /* takes NULL; not the definitions */

/*
 * A file has an object. Its definition is made if it is new, and fresh from then on. The sink is
 * given the object if the definition is in force and says something new: *value is NULL then. If
 * another file comes first, this one is told. -ENOMEM
 */
int objects_define(struct objects *objects, struct file *file, const struct object_key *key,
		   void **value);

/* The definition that a file has of an object, or NULL. */
struct definition *objects_find(struct objects *objects, const struct file *file,
				const struct object_key *key);

/*
 * A file no longer has an object; its own list of definitions is the caller's business. Returns the
 * file that must be read because it inherits the object, or NULL. What nobody inherits is kept
 * until until_ms.
 */
struct file *objects_end(struct objects *objects, struct definition *ended, uint64_t until_ms);

/* Remove what was kept until now. Returns when to call again, 0 for never. */
uint64_t objects_expire(struct objects *objects, uint64_t now_ms);

/* Whether the sink was given anything since the last call. */
bool objects_have_changed(struct objects *objects);

#endif
