// SPDX-License-Identifier: Apache-2.0
/*
 * Documents to objects. Each item of a List is decoded and freed before the next one is parsed, so
 * that a file of many costs the memory of one. Reading and listing files is in manifest_files.c.
 */
#include "source/manifests.h"

#include <errno.h>
#include <search.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/fields.h"
#include "source/json_text.h"
#include "source/yaml.h"

struct reader {
	struct manifest manifest;
	void *services; /* trees of what the manifest has, by name */
	void *slices;
	struct report report; /* what is wrong between the objects */
	size_t documents;
	bool has_early_items; /* of the present document */
	char error[DECODE_MESSAGE_MAX]; /* why the file as such is refused */
};

static int fail(struct reader *reader, const char *what)
{
	snprintf(reader->error, sizeof(reader->error), "document %zu %s", reader->documents, what);
	return -EINVAL;
}

/* Arrays grow whenever their count is a power of two. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

static int compare_services(const void *a, const void *b)
{
	const struct service *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

static int compare_slices(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;
	int order = strcmp(x->namespace, y->namespace);

	return order ? order : strcmp(x->name, y->name);
}

static void refuse_second(struct reader *reader, const char *kind, const char *namespace,
			 const char *name)
{
	struct report *report = &reader->report;

	snprintf(report->object, sizeof(report->object), "%s '%s/%s'", kind, namespace, name);
	report_say(report, "it is there twice in this file: the first one is used");
	report->object[0] = '\0';
}

static int add_service(struct reader *reader, struct service *service)
{
	struct manifest *manifest = &reader->manifest;
	struct service **larger, **found;

	larger = grow(manifest->services, manifest->service_count, sizeof(service));
	if (!larger)
		goto fail;
	manifest->services = larger;
	found = tsearch(service, &reader->services, compare_services);
	if (!found)
		goto fail;
	if (*found == service) {
		larger[manifest->service_count++] = service;
		return 0;
	}
	refuse_second(reader, "Service", service->namespace, service->name);
	service_free(service);
	return 0;
fail:
	service_free(service);
	return -ENOMEM;
}

static int add_slice(struct reader *reader, struct slice *slice)
{
	struct manifest *manifest = &reader->manifest;
	struct slice **larger, **found;

	larger = grow(manifest->slices, manifest->slice_count, sizeof(slice));
	if (!larger)
		goto fail;
	manifest->slices = larger;
	found = tsearch(slice, &reader->slices, compare_slices);
	if (!found)
		goto fail;
	if (*found == slice) {
		larger[manifest->slice_count++] = slice;
		return 0;
	}
	refuse_second(reader, "EndpointSlice", slice->namespace, slice->name);
	slice_free(slice);
	return 0;
fail:
	slice_free(slice);
	return -ENOMEM;
}

/* Keep the name of an object that was refused whole, if it has one. */
static int add_refused(struct reader *reader, enum object_kind kind, const json_t *value)
{
	struct manifest *manifest = &reader->manifest;
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

static int read_object(struct reader *reader, enum object_kind kind, const json_t *value)
{
	struct service *service;
	struct slice *slice;
	int err = 0;

	if (kind == OBJECT_SERVICE) {
		err = decode_service(value, reader->report.refuse, reader->report.arg, &service);
		if (!err)
			return add_service(reader, service);
	} else if (kind == OBJECT_SLICE) {
		err = decode_slice(value, reader->report.refuse, reader->report.arg, &slice);
		if (!err)
			return add_slice(reader, slice);
	}
	if (err == -ENOENT)
		return 0;
	return err == -EINVAL ? add_refused(reader, kind, value) : err;
}

static bool has_kind(const json_t *value)
{
	return json_is_string(json_object_get(value, "kind")) &&
	       json_is_string(json_object_get(value, "apiVersion"));
}

static int read_item(struct reader *reader, const json_t *list, const json_t *item)
{
	enum object_kind kind = decode_item_kind(list, item);

	if (kind == OBJECT_LIST || (kind == OBJECT_OTHER && !has_kind(item))) {
		report_say(&reader->report,
			   "an item of the List has no kind, or is a List itself");
		return 0;
	}
	return read_object(reader, kind, item);
}

static int read_list(struct reader *reader, const json_t *list)
{
	const json_t *items = json_object_get(list, "items");
	size_t i;
	int err = 0;

	if (items && !json_is_array(items) && !json_is_null(items))
		return fail(reader, "is a List whose items are no array");
	for (i = 0; i < json_array_size(items) && !err; i++)
		err = read_item(reader, list, json_array_get(items, i));
	return err;
}

/* An item that says itself what it is need not wait for the end of its List. */
static int read_early_item(const json_t *item, void *arg)
{
	struct reader *reader = arg;
	enum object_kind kind = decode_kind(item);
	int err;

	if (kind == OBJECT_LIST || !has_kind(item))
		return 0;
	reader->has_early_items |= kind != OBJECT_OTHER;
	err = read_object(reader, kind, item);
	return err ? err : 1;
}

static int read_document(const json_t *value, void *arg)
{
	struct reader *reader = arg;
	bool has_early_items = reader->has_early_items;
	enum object_kind kind;

	reader->has_early_items = false;
	reader->documents++;
	if (!value || json_is_null(value))
		return 0;
	if (!has_kind(value))
		return fail(reader, "has no kind and apiVersion: it is no manifest, or only a part");
	kind = decode_kind(value);
	if (has_early_items && kind != OBJECT_LIST)
		return fail(reader, "has Services among its items, but is no List");
	return kind == OBJECT_LIST ? read_list(reader, value) : read_object(reader, kind, value);
}

/* Blanks, and the lines that stand between documents. */
static size_t skip_separators(const char *text, size_t size, size_t at)
{
	for (;;) {
		while (at < size && text[at] && strchr(" \t\r\n", text[at]))
			at++;
		if (size - at < 3 || memcmp(text + at, "---", 3))
			return at;
		at += 3;
	}
}

/* A brace alone may also begin YAML; a brace and a quote are JSON. */
static bool is_json(const char *text, size_t size)
{
	size_t at = skip_separators(text, size, 0);

	if (at == size || text[at] != '{')
		return false;
	at = skip_separators(text, size, at + 1);
	return at < size && (text[at] == '"' || text[at] == '}');
}

/* One JSON text after the other, as several kubectl commands into one file leave them. */
static int read_json(struct reader *reader, const char *text, size_t size)
{
	const struct document_visitor visitor = { read_early_item, read_document, reader };
	char message[JSON_TEXT_MESSAGE_MAX];
	size_t at = skip_separators(text, size, 0);
	int err = 0;

	while (at < size && !err) {
		err = json_text_parse(text, size, &at, &visitor, message);
		if (err == -EINVAL && *message)
			snprintf(reader->error, sizeof(reader->error), "JSON: %s", message);
		at = skip_separators(text, size, at);
	}
	return err;
}

static int read_yaml(struct reader *reader, const char *text, size_t size)
{
	const struct document_visitor visitor = { read_early_item, read_document, reader };
	char message[YAML_MESSAGE_MAX];
	int err;

	err = yaml_parse(text, size, &visitor, message);
	if (err == -EINVAL && *message)
		snprintf(reader->error, sizeof(reader->error), "YAML: %s", message);
	return err;
}

static int read_text(struct reader *reader, const char *text, size_t size)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";

	if (size >= 3 && !memcmp(text, byte_order_mark, 3)) {
		text += 3;
		size -= 3;
	}
	return is_json(text, size) ? read_json(reader, text, size) : read_yaml(reader, text, size);
}

static void leave(void *node)
{
	(void)node; /* it is the manifest's */
}

int manifest_parse(const char *text, size_t size, decode_refuse refuse, void *arg,
		   struct manifest *ret)
{
	struct reader reader = { 0 };
	char message[DECODE_MESSAGE_MAX];
	int err;

	report_init(&reader.report, refuse, arg);
	err = read_text(&reader, text, size);
	tdestroy(reader.services, leave);
	tdestroy(reader.slices, leave);
	report_done(&reader.report);
	if (!err) {
		*ret = reader.manifest;
		return 0;
	}
	manifest_done(&reader.manifest);
	if (err != -EINVAL)
		return err;
	snprintf(message, sizeof(message), "cannot parse the file: %.440s; nothing of it is used",
		 reader.error);
	refuse("", message, arg);
	return err;
}

void manifest_done(struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->service_count; i++)
		service_free(manifest->services[i]);
	for (i = 0; i < manifest->slice_count; i++)
		slice_free(manifest->slices[i]);
	for (i = 0; i < manifest->refused_count; i++) {
		free(manifest->refused[i].namespace);
		free(manifest->refused[i].name);
	}
	free(manifest->services);
	free(manifest->slices);
	free(manifest->refused);
	memset(manifest, 0, sizeof(*manifest));
}
