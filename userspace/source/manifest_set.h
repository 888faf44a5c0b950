/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of one manifest by name, while it is read. Only manifests.c uses it. */
#ifndef GWBPF_SOURCE_MANIFEST_SET_H
#define GWBPF_SOURCE_MANIFEST_SET_H

#include "source/manifests.h"

struct manifest_set {
	struct manifest manifest;
	void *services; /* trees of what the manifest has, by name */
	void *slices;
	void *pods;
};

/* Add an object, which is the set's from then on. If there is one of its name, it takes that one's
 * place, or -EEXIST without replaces. -ENOMEM. On error it stays the caller's. */
int manifest_set_add_service(struct manifest_set *set, struct service *service, bool replaces);
int manifest_set_add_slice(struct manifest_set *set, struct slice *slice, bool replaces);
int manifest_set_add_pod(struct manifest_set *set, struct pod *pod, bool replaces);

/* Remove the object that has the kind and name of value, if there is one. */
void manifest_set_remove(struct manifest_set *set, enum object_kind kind, const json_t *value);

/* Keep the name of an object that was refused whole, if it has one. -ENOMEM */
int manifest_set_refuse(struct manifest_set *set, enum object_kind kind, const json_t *value);

/* Count an object of a kind that has nothing to do with us. */
void manifest_set_skip(struct manifest_set *set, const json_t *value);

/* No more comes: the manifest is complete and the caller's. */
void manifest_set_end(struct manifest_set *set);

#endif
