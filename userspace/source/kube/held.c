// SPDX-License-Identifier: Apache-2.0
/* Names as keys of JSON objects: the hash table that is at hand. */
#include "source/kube/held.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define KEY_BYTES 512 /* two names of at most 253 bytes */

struct kube_held {
	json_t *names;  /* "namespace/name" */
	json_t *listed; /* those of the list under way; NULL: none is */
};

static const char *key_of(const char *namespace, const char *name, char *key)
{
	snprintf(key, KEY_BYTES, "%s/%s", namespace, name);
	return key;
}

int kube_held_new(struct kube_held **ret)
{
	struct kube_held *held = calloc(1, sizeof(*held));

	if (!held)
		return -ENOMEM;
	held->names = json_object();
	if (!held->names) {
		free(held);
		return -ENOMEM;
	}
	*ret = held;
	return 0;
}

void kube_held_free(struct kube_held *held)
{
	if (!held)
		return;
	json_decref(held->names);
	json_decref(held->listed);
	free(held);
}

int kube_held_add(struct kube_held *held, const char *namespace, const char *name)
{
	char key[KEY_BYTES];

	key_of(namespace, name, key);
	if (json_object_set_new_nocheck(held->names, key, json_true()) ||
	    (held->listed && json_object_set_new_nocheck(held->listed, key, json_true())))
		return -ENOMEM;
	return 0;
}

bool kube_held_drop(struct kube_held *held, const char *namespace, const char *name)
{
	char key[KEY_BYTES];

	key_of(namespace, name, key);
	json_object_del(held->listed, key);
	return json_object_del(held->names, key) == 0;
}

bool kube_held_has(const struct kube_held *held, const char *namespace, const char *name)
{
	char key[KEY_BYTES];

	return json_object_get(held->names, key_of(namespace, name, key)) != NULL;
}

size_t kube_held_count(const struct kube_held *held)
{
	return json_object_size(held->names);
}

int kube_held_inherit(struct kube_held *held, const struct kube_held *from)
{
	return json_object_update(held->names, from->names) ? -ENOMEM : 0;
}

int kube_held_begin_list(struct kube_held *held)
{
	json_decref(held->listed);
	held->listed = json_object();
	return held->listed ? 0 : -ENOMEM;
}

static void visit_key(const char *key, kube_held_visit visit, void *arg)
{
	char namespace[KEY_BYTES];
	size_t length = strcspn(key, "/");

	memcpy(namespace, key, length);
	namespace[length] = '\0';
	visit(namespace, key + length + 1, arg);
}

void kube_held_end_list(struct kube_held *held, kube_held_visit visit, void *arg)
{
	json_t *before = held->names;
	const char *key;
	json_t *value;

	/* First the new state, then the calls: they may ask for it. */
	held->names = held->listed;
	held->listed = NULL;
	json_object_foreach(before, key, value)
		if (!json_object_get(held->names, key))
			visit_key(key, visit, arg);
	json_decref(before);
}

void kube_held_drop_all(struct kube_held *held, kube_held_visit visit, void *arg)
{
	json_t *before = held->names;
	const char *key;
	json_t *value;

	json_object_clear(held->listed);
	held->names = json_object();
	json_object_foreach(before, key, value)
		visit_key(key, visit, arg);
	json_decref(before);
}
