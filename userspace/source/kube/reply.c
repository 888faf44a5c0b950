// SPDX-License-Identifier: Apache-2.0
/* Answers of an API server, read with suspicion: a proxy between may say anything. */
#include "source/kube/reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/go_json.h"
#include "source/kube/config.h"

#define NAME_MAX_LENGTH 253

static const char *const event_types[] = {
	[KUBE_EVENT_ADDED] = "ADDED",     [KUBE_EVENT_MODIFIED] = "MODIFIED",
	[KUBE_EVENT_DELETED] = "DELETED", [KUBE_EVENT_BOOKMARK] = "BOOKMARK",
	[KUBE_EVENT_ERROR] = "ERROR",
};

/* "" for what is absent or no string. */
static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* What strangers wrote ends up in logs and JSON: no control character, no letter cut in two. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (!isprint((unsigned char)*text))
			*text = '?';
}

static int parse_object(const char *bytes, size_t size, char *message, json_t **ret)
{
	json_error_t error;
	json_t *root = go_json_load(bytes, size, 0, &error);

	if (!root) {
		kube_config_fail(message, -EINVAL, "it is not JSON: %s, at byte %d of %zu",
				 error.text, error.position, size);
		make_plain(message);
		return -EINVAL;
	}
	if (!json_is_object(root)) {
		json_decref(root);
		return kube_config_fail(message, -EINVAL, "it is JSON, but no object");
	}
	*ret = root;
	return 0;
}

/* What it says counts, although it says it in a place that is not its own. */
static int refuse_status(const json_t *object, char *message)
{
	struct kube_status status;

	kube_status_read(object, &status);
	return kube_config_fail(message, -EINVAL, "it is a Status (%ld): %.512s", status.code,
				status.text);
}

static int check_kind(const json_t *object, const struct kube_resource *resource,
		      const char *suffix, char *message)
{
	const char *kind = text_of(object, "kind"), *version = text_of(object, "apiVersion");
	size_t length = strlen(resource->kind);

	if (strcmp(kind, "Status") == 0)
		return refuse_status(object, message);
	if (strncmp(kind, resource->kind, length) == 0 && strcmp(kind + length, suffix) == 0 &&
	    strcmp(version, resource->api_version) == 0)
		return 0;
	return kube_config_fail(message, -EINVAL,
				"it is '%.64s' of '%.64s' instead of '%s%s' of "
				"'%s'",
				kind, version, resource->kind, suffix, resource->api_version);
}

static int read_page(struct kube_page *page, const struct kube_selection *selection, char *message)
{
	const json_t *metadata = json_object_get(page->root, "metadata");
	int err =
		check_kind(page->root, selection->resource, selection->get ? "" : "List", message);

	if (err)
		return err;
	page->position = text_of(metadata, "resourceVersion");
	page->next = selection->get ? "" : text_of(metadata, "continue");
	page->items = selection->get ? NULL : json_object_get(page->root, "items");
	if (!page->position[0])
		return kube_config_fail(message, -EINVAL, "it has no resourceVersion");
	/* An empty list of Go may come as null. */
	if (page->items && !json_is_array(page->items) && !json_is_null(page->items))
		return kube_config_fail(message, -EINVAL, "its items are no array");
	if (!page->items && !selection->get)
		return kube_config_fail(message, -EINVAL, "it has no items");
	return 0;
}

int kube_page_parse(const char *bytes, size_t size, const struct kube_selection *selection,
		    char *message, struct kube_page *ret)
{
	struct kube_page page = {0};
	int err = parse_object(bytes, size, message, &page.root);

	if (err)
		return err;
	err = read_page(&page, selection, message);
	if (!err) {
		*ret = page;
		return 0;
	}
	make_plain(message);
	json_decref(page.root);
	return err;
}

static int read_type(const char *text, enum kube_event_type *ret)
{
	for (size_t i = 0; i < sizeof(event_types) / sizeof(*event_types); i++) {
		if (strcmp(text, event_types[i]) == 0) {
			*ret = (enum kube_event_type)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_event(struct kube_event *event, const struct kube_selection *selection,
		      char *message)
{
	const char *type = text_of(event->root, "type");
	int err;

	event->object = json_object_get(event->root, "object");
	event->position = "";
	if (strcmp(text_of(event->root, "kind"), "Status") == 0)
		return refuse_status(event->root, message);
	if (read_type(type, &event->type))
		return kube_config_fail(message, -EINVAL, "it is an event of type '%.64s'", type);
	if (event->type == KUBE_EVENT_ERROR)
		return 0;
	err = check_kind(event->object, selection->resource, "", message);
	if (err)
		return err;
	event->position = text_of(json_object_get(event->object, "metadata"), "resourceVersion");
	if (!event->position[0])
		return kube_config_fail(message, -EINVAL, "it has no resourceVersion");
	return 0;
}

int kube_event_parse(const char *line, size_t size, const struct kube_selection *selection,
		     char *message, struct kube_event *ret)
{
	struct kube_event event = {0};
	int err = parse_object(line, size, message, &event.root);

	if (err)
		return err;
	err = read_event(&event, selection, message);
	if (!err) {
		*ret = event;
		return 0;
	}
	make_plain(message);
	json_decref(event.root);
	return err;
}

/* A slash would let one object pass for another: names are kept as namespace/name. */
static bool is_name(const char *text)
{
	return strlen(text) <= NAME_MAX_LENGTH && !strchr(text, '/');
}

int kube_object_name(const json_t *object, const char **namespace, const char **name)
{
	const json_t *metadata = json_object_get(object, "metadata");

	*namespace = text_of(metadata, "namespace");
	*name = text_of(metadata, "name");
	return (*name)[0] && is_name(*name) && is_name(*namespace) ? 0 : -EINVAL;
}

bool kube_object_fits(const json_t *object, const struct kube_resource *resource)
{
	const char *kind = text_of(object, "kind"), *version = text_of(object, "apiVersion");

	return json_is_object(object) && (!kind[0] || strcmp(kind, resource->kind) == 0) &&
	       (!version[0] || strcmp(version, resource->api_version) == 0);
}

void kube_status_read(const json_t *object, struct kube_status *ret)
{
	ret->code = (long)json_integer_value(json_object_get(object, "code"));
	snprintf(ret->text, sizeof(ret->text), "%s", text_of(object, "message"));
	make_plain(ret->text);
}

/* The first line of what is no Status: a proxy's page says at least whose it is. */
static void read_beginning(const char *bytes, size_t size, struct kube_status *ret)
{
	size_t length = 0;

	while (length < size && length < sizeof(ret->text) - 1 &&
	       isprint((unsigned char)bytes[length]))
		length++;
	memcpy(ret->text, bytes, length);
	ret->text[length] = '\0';
	ret->code = 0;
}

void kube_status_parse(const char *bytes, size_t size, struct kube_status *ret)
{
	json_error_t error;
	json_t *root = go_json_load(bytes, size, 0, &error);

	if (strcmp(text_of(root, "kind"), "Status") == 0)
		kube_status_read(root, ret);
	else
		read_beginning(bytes, size, ret);
	json_decref(root);
}
