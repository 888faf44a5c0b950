// SPDX-License-Identifier: Apache-2.0
/*
 * An object that is replaced or removed stays at its place in the array: its content is exchanged,
 * and what has no name at the end was removed.
 */
#include "source/manifest_set.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Arrays grow whenever their count is a power of two. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

static int compare_names(const char *namespace_a, const char *a, const char *namespace_b,
			 const char *b)
{
	int order = strcmp(namespace_a, namespace_b);

	return order ? order : strcmp(a, b);
}

static int compare_services(const void *a, const void *b)
{
	const struct service *x = a, *y = b;

	return compare_names(x->namespace, x->name, y->namespace, y->name);
}

static int compare_slices(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	return compare_names(x->namespace, x->name, y->namespace, y->name);
}

static int compare_pods(const void *a, const void *b)
{
	const struct pod *x = a, *y = b;

	return compare_names(x->namespace, x->name, y->namespace, y->name);
}

int manifest_set_add_service(struct manifest_set *set, struct service *service, bool replaces)
{
	struct manifest *manifest = &set->manifest;
	struct service **larger, **found, old;

	larger = grow(manifest->services, manifest->service_count, sizeof(service));
	if (!larger)
		return -ENOMEM;
	manifest->services = larger;
	found = tsearch(service, &set->services, compare_services);
	if (!found)
		return -ENOMEM;
	if (*found == service) {
		larger[manifest->service_count++] = service;
		return 0;
	}
	if (!replaces)
		return -EEXIST;
	old = **found;
	**found = *service;
	*service = old;
	service_free(service);
	return 0;
}

int manifest_set_add_slice(struct manifest_set *set, struct slice *slice, bool replaces)
{
	struct manifest *manifest = &set->manifest;
	struct slice **larger, **found, old;

	larger = grow(manifest->slices, manifest->slice_count, sizeof(slice));
	if (!larger)
		return -ENOMEM;
	manifest->slices = larger;
	found = tsearch(slice, &set->slices, compare_slices);
	if (!found)
		return -ENOMEM;
	if (*found == slice) {
		larger[manifest->slice_count++] = slice;
		return 0;
	}
	if (!replaces)
		return -EEXIST;
	old = **found;
	**found = *slice;
	*slice = old;
	slice_free(slice);
	return 0;
}

int manifest_set_add_pod(struct manifest_set *set, struct pod *pod, bool replaces)
{
	struct manifest *manifest = &set->manifest;
	struct pod **larger, **found, old;

	larger = grow(manifest->pods, manifest->pod_count, sizeof(pod));
	if (!larger)
		return -ENOMEM;
	manifest->pods = larger;
	found = tsearch(pod, &set->pods, compare_pods);
	if (!found)
		return -ENOMEM;
	if (*found == pod) {
		larger[manifest->pod_count++] = pod;
		return 0;
	}
	if (!replaces)
		return -EEXIST;
	old = **found;
	**found = *pod;
	*pod = old;
	pod_free(pod);
	return 0;
}

static void remove_service(struct manifest_set *set, const char *namespace, const char *name)
{
	struct service key = {.namespace = (char *)namespace, .name = (char *)name};
	struct service **found = tfind(&key, &set->services, compare_services), *removed, *rest;

	if (!found)
		return;
	removed = *found;
	tdelete(removed, &set->services, compare_services);
	rest = calloc(1, sizeof(*rest));
	if (!rest) /* it stays, which is no worse than not to have read its removal */
		return;
	*rest = *removed;
	*removed = (struct service){0};
	service_free(rest);
}

static bool remove_slice(struct manifest_set *set, const char *namespace, const char *name)
{
	struct slice key = {.namespace = (char *)namespace, .name = (char *)name};
	struct slice **found = tfind(&key, &set->slices, compare_slices), *removed, *rest;

	if (!found)
		return false;
	removed = *found;
	tdelete(removed, &set->slices, compare_slices);
	rest = calloc(1, sizeof(*rest));
	if (!rest)
		return true;
	*rest = *removed;
	*removed = (struct slice){0};
	slice_free(rest);
	return true;
}

static void remove_pod(struct manifest_set *set, const char *namespace, const char *name)
{
	struct pod key = {.namespace = (char *)namespace, .name = (char *)name};
	struct pod **found = tfind(&key, &set->pods, compare_pods), *removed, *rest;

	if (!found)
		return;
	removed = *found;
	tdelete(removed, &set->pods, compare_pods);
	rest = calloc(1, sizeof(*rest));
	if (!rest)
		return;
	*rest = *removed;
	*removed = (struct pod){0};
	pod_free(rest);
}

/* The slices that an Endpoints object was made into. */
static void remove_mirrored(struct manifest_set *set, const char *namespace, const char *name)
{
	char mirrored[GW_LONG_NAME_MAX + 32];
	size_t i = 0;

	do
		snprintf(mirrored, sizeof(mirrored), "%s/%zu", name, i++);
	while (remove_slice(set, namespace, mirrored));
}

void manifest_set_remove(struct manifest_set *set, enum object_kind kind, const json_t *value)
{
	const char *namespace, *name;

	if (decode_name(value, &namespace, &name))
		return;
	if (kind == OBJECT_SERVICE)
		remove_service(set, namespace, name);
	else if (kind == OBJECT_SLICE)
		remove_slice(set, namespace, name);
	else if (kind == OBJECT_ENDPOINTS)
		remove_mirrored(set, namespace, name);
	else if (kind == OBJECT_POD)
		remove_pod(set, namespace, name);
}

int manifest_set_refuse(struct manifest_set *set, enum object_kind kind, const json_t *value)
{
	struct manifest *manifest = &set->manifest;
	struct manifest_name *refused;
	const char *namespace, *name;

	if (decode_name(value, &namespace, &name))
		return 0;
	refused = grow(manifest->refused, manifest->refused_count, sizeof(*refused));
	if (!refused)
		return -ENOMEM;
	manifest->refused = refused;
	refused = &manifest->refused[manifest->refused_count++];
	refused->kind = kind;
	refused->namespace = strdup(namespace);
	refused->name = strdup(name);
	return refused->namespace && refused->name ? 0 : -ENOMEM;
}

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);
	const char *at = words;

	while ((at = strstr(at, word)) != NULL) {
		if ((at == words || at[-1] == ' ') && (!at[length] || at[length] == ','))
			return true;
		at += length;
	}
	return false;
}

void manifest_set_skip(struct manifest_set *set, const json_t *value)
{
	struct manifest *manifest = &set->manifest;
	const char *kind = json_string_value(json_object_get(value, "kind"));
	char *words = manifest->skipped_kinds;
	size_t used = strlen(words);

	manifest->skipped_count++;
	if (!kind || !*kind || has_word(words, kind) ||
	    used + strlen(kind) + sizeof(", ") > sizeof(manifest->skipped_kinds))
		return;
	sprintf(words + used, "%s%s", used ? ", " : "", kind);
}

static void leave(void *node)
{
	(void)node; /* it is the manifest's */
}

void manifest_set_end(struct manifest_set *set)
{
	struct manifest *manifest = &set->manifest;
	size_t i, kept = 0;

	tdestroy(set->services, leave);
	tdestroy(set->slices, leave);
	tdestroy(set->pods, leave);
	set->services = set->slices = set->pods = NULL;
	for (i = 0; i < manifest->service_count; i++) {
		if (manifest->services[i]->name)
			manifest->services[kept++] = manifest->services[i];
		else
			service_free(manifest->services[i]);
	}
	manifest->service_count = kept;
	for (i = kept = 0; i < manifest->slice_count; i++) {
		if (manifest->slices[i]->name)
			manifest->slices[kept++] = manifest->slices[i];
		else
			slice_free(manifest->slices[i]);
	}
	manifest->slice_count = kept;
	for (i = kept = 0; i < manifest->pod_count; i++) {
		if (manifest->pods[i]->name)
			manifest->pods[kept++] = manifest->pods[i];
		else
			pod_free(manifest->pods[i]);
	}
	manifest->pod_count = kept;
}

void manifest_done(struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->service_count; i++)
		service_free(manifest->services[i]);
	for (i = 0; i < manifest->slice_count; i++)
		slice_free(manifest->slices[i]);
	for (i = 0; i < manifest->pod_count; i++)
		pod_free(manifest->pods[i]);
	for (i = 0; i < manifest->refused_count; i++) {
		free(manifest->refused[i].namespace);
		free(manifest->refused[i].name);
	}
	free(manifest->services);
	free(manifest->slices);
	free(manifest->pods);
	free(manifest->refused);
	memset(manifest, 0, sizeof(*manifest));
}
