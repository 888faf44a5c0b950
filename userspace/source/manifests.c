// SPDX-License-Identifier: Apache-2.0
/*
 * Documents to objects. Each item of a List is decoded and freed before the next one is parsed, so
 * that a file of many costs the memory of one. Reading and listing files is in manifest_files.c.
 */
#include "source/manifests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source/encoding.h"
#include "source/fields.h"
#include "source/json_text.h"
#include "source/manifest_set.h"
#include "source/yaml.h"

struct reader {
	struct manifest_set set;
	bool in_event; /* of a watch: what comes later replaces what was there */
	size_t events;
	struct report report; /* what is wrong between the objects */
	size_t documents;
	bool has_early_items;           /* of the present document */
	char error[DECODE_MESSAGE_MAX]; /* why the file as such is refused */
};

static int fail(struct reader *reader, const char *what)
{
	snprintf(reader->error, sizeof(reader->error), "document %zu %s", reader->documents, what);
	return -EINVAL;
}

static void say_of(struct reader *reader, const char *kind, const char *namespace, const char *name,
		   const char *message)
{
	struct report *report = &reader->report;

	snprintf(report->object, sizeof(report->object), "%s '%s/%s'", kind, namespace, name);
	report_say(report, "%s", message);
	report->object[0] = '\0';
}

static void refuse_second(struct reader *reader, const char *kind, const char *namespace,
			  const char *name)
{
	say_of(reader, kind, namespace, name,
	       "it is there twice in this file: the first one is used (what a watch prints is read "
	       "if it was told --output-watch-events)");
}

static int add_service(struct reader *reader, const json_t *value)
{
	struct service *service;
	int err;

	err = decode_service(value, reader->report.refuse, reader->report.arg, &service);
	if (err)
		return err;
	err = manifest_set_add_service(&reader->set, service, reader->in_event);
	if (err == -EEXIST)
		refuse_second(reader, "Service", service->namespace, service->name);
	if (err)
		service_free(service);
	return err == -EEXIST ? 0 : err;
}

static int add_slice(struct reader *reader, const json_t *value)
{
	struct slice *slice;
	int err;

	err = decode_slice(value, reader->report.refuse, reader->report.arg, &slice);
	if (err)
		return err;
	err = manifest_set_add_slice(&reader->set, slice, reader->in_event);
	if (err == -EEXIST)
		refuse_second(reader, "EndpointSlice", slice->namespace, slice->name);
	if (err)
		slice_free(slice);
	return err == -EEXIST ? 0 : err;
}

/* One that has ended, or was never made, is no client. */
static int add_pod(struct reader *reader, const json_t *value)
{
	struct pod *pod;
	int err;

	err = decode_pod(value, reader->report.refuse, reader->report.arg, &pod);
	if (err == -ENOENT) {
		manifest_set_remove(&reader->set, OBJECT_POD, value);
		manifest_set_skip(&reader->set, value);
	}
	if (err)
		return err;
	err = manifest_set_add_pod(&reader->set, pod, reader->in_event);
	if (err == -EEXIST)
		refuse_second(reader, "Pod", pod->namespace, pod->name);
	if (err)
		pod_free(pod);
	return err == -EEXIST ? 0 : err;
}

static int add_endpoints(struct reader *reader, const json_t *value)
{
	struct slice **slices;
	size_t i, count;
	bool is_second = false;
	int err, first = 0;

	err = decode_endpoints(value, reader->report.refuse, reader->report.arg, &slices, &count);
	if (err)
		return err;
	if (reader->in_event)
		manifest_set_remove(&reader->set, OBJECT_ENDPOINTS, value);
	for (i = 0; i < count; i++) {
		err = is_second || first
			      ? -EEXIST
			      : manifest_set_add_slice(&reader->set, slices[i], reader->in_event);
		if (err == -EEXIST && !is_second && !first)
			refuse_second(reader, "Endpoints", slices[i]->namespace,
				      slices[i]->service);
		is_second |= err == -EEXIST;
		if (err && err != -EEXIST)
			first = err;
		if (err)
			slice_free(slices[i]);
	}
	free(slices);
	return first;
}

/* Which of ours an object is by its name alone, whatever its version. */
static enum object_kind kind_by_name(const char *kind)
{
	if (!strcasecmp(kind, "Service"))
		return OBJECT_SERVICE;
	if (!strcasecmp(kind, "Endpoints"))
		return OBJECT_ENDPOINTS;
	return strcasecmp(kind, "EndpointSlice") ? OBJECT_OTHER : OBJECT_SLICE;
}

/* Not an object of somebody else's, but one that says something of ours: not in silence. */
static int refuse_unreadable(struct reader *reader, const json_t *value)
{
	const char *kind = json_string_value(json_object_get(value, "kind"));
	const char *version = json_string_value(json_object_get(value, "apiVersion"));
	const char *text = json_string_value(json_object_get(value, "message"));
	char quoted_kind[QUOTE_MAX], quoted[QUOTE_MAX], message[DECODE_MESSAGE_MAX];
	const char *namespace, *name;

	quote(quoted_kind, kind);
	if (!strcasecmp(kind, "Table"))
		snprintf(message, sizeof(message),
			 "a Table is for people and cannot be read: get the objects with -o yaml");
	else if (!strcasecmp(kind, "Status"))
		snprintf(message, sizeof(message),
			 "the API server said this instead of an object: '%s': get it again",
			 quote(quoted, text ? text : ""));
	else
		snprintf(message, sizeof(message),
			 "apiVersion '%s' of kind '%s' cannot be read, and what it says is not "
			 "used: get it anew with kubectl get -o yaml, which gives v1 Service and "
			 "Endpoints, and discovery.k8s.io/v1 EndpointSlice",
			 quote(quoted, version ? version : ""), quoted_kind);
	if (decode_name(value, &namespace, &name)) {
		report_say(&reader->report, "%s", message);
		return 0;
	}
	say_of(reader, quoted_kind, namespace, name, message);
	return manifest_set_refuse(&reader->set, kind_by_name(kind), value);
}

static int read_object(struct reader *reader, enum object_kind kind, const json_t *value)
{
	int err = 0;

	switch (kind) {
	case OBJECT_SERVICE:
		err = add_service(reader, value);
		break;
	case OBJECT_SLICE:
		err = add_slice(reader, value);
		break;
	case OBJECT_ENDPOINTS:
		err = add_endpoints(reader, value);
		break;
	case OBJECT_POD:
		err = add_pod(reader, value);
		break;
	case OBJECT_UNREADABLE:
		return refuse_unreadable(reader, value);
	default:
		manifest_set_skip(&reader->set, value);
	}
	if (err == -ENOENT)
		return 0;
	return err == -EINVAL ? manifest_set_refuse(&reader->set, kind, value) : err;
}

static bool has_kind(const json_t *value)
{
	return json_is_string(json_object_get(value, "kind")) &&
	       json_is_string(json_object_get(value, "apiVersion"));
}

static int read_list(struct reader *reader, const json_t *list);

static int read_item(struct reader *reader, const json_t *list, const json_t *item)
{
	enum object_kind kind = decode_item_kind(list, item);

	if (kind == OBJECT_LIST)
		return read_list(reader, item);
	if (kind == OBJECT_OTHER && !has_kind(item)) {
		report_say(&reader->report, "an item of the List has no kind and is skipped");
		return 0;
	}
	return read_object(reader, kind, item);
}

/* A List may have Lists among its items, as deep as a text may be nested. */
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

static int read_value(struct reader *reader, const json_t *value)
{
	enum object_kind kind = decode_kind(value);

	return kind == OBJECT_LIST ? read_list(reader, value) : read_object(reader, kind, value);
}

/* What kubectl get --watch --output-watch-events prints, one after the other. */
static bool is_event(const json_t *value)
{
	return json_is_string(json_object_get(value, "type")) &&
	       json_is_object(json_object_get(value, "object"));
}

static int read_event(struct reader *reader, const json_t *event)
{
	const char *type = json_string_value(json_object_get(event, "type"));
	const json_t *object = json_object_get(event, "object");
	int err;

	reader->events++;
	if (!strcmp(type, "BOOKMARK"))
		return 0;
	if (!has_kind(object))
		return fail(reader, "is a watch's event of an object without kind and apiVersion");
	if (!strcmp(type, "DELETED")) {
		manifest_set_remove(&reader->set, decode_kind(object), object);
		return 0;
	}
	if (strcmp(type, "ADDED") && strcmp(type, "MODIFIED") && strcmp(type, "ERROR"))
		return fail(reader, "is a watch's event of a type that is not known");
	reader->in_event = true;
	err = read_value(reader, object);
	reader->in_event = false;
	return err;
}

static int read_document(const json_t *value, void *arg)
{
	struct reader *reader = arg;
	bool has_early_items = reader->has_early_items;

	reader->has_early_items = false;
	reader->documents++;
	if (!value || json_is_null(value))
		return 0;
	if (!has_kind(value) && is_event(value) && !has_early_items)
		return read_event(reader, value);
	if (json_is_array(value))
		return fail(reader,
			    "is an array, which has no kind and apiVersion: put the objects "
			    "into the items of a List, or one after the other");
	if (!has_kind(value))
		return fail(reader,
			    "has no kind and apiVersion: it is no manifest, or only a part");
	if (has_early_items && decode_kind(value) != OBJECT_LIST)
		return fail(reader, "has Services among its items, but is no List");
	return read_value(reader, value);
}

/* Blanks, and the lines that stand between documents. */
static size_t skip_separators(const char *text, size_t size, size_t at)
{
	for (;;) {
		while (at < size && text[at] && strchr(" \t\r\n", text[at]))
			at++;
		if (size - at >= 3 && !memcmp(text + at, "\xef\xbb\xbf", 3)) {
			at += 3; /* a byte order mark, where files were put together */
			continue;
		}
		if (size - at < 3 || memcmp(text + at, "---", 3))
			return at;
		at += 3;
	}
}

/* A brace alone may also begin YAML; a brace and a quote are JSON. */
static bool is_json(const char *text, size_t size, size_t at)
{
	if (at == size || text[at] != '{')
		return false;
	at = skip_separators(text, size, at + 1);
	return at < size && (text[at] == '"' || text[at] == '}');
}

static int read_yaml(struct reader *reader, const char *text, size_t size, size_t at,
		     const struct document_visitor *visitor)
{
	char message[YAML_MESSAGE_MAX];
	int err;

	err = yaml_parse(text, size, at, visitor, message);
	if (err == -EINVAL && *message)
		snprintf(reader->error, sizeof(reader->error), "YAML: %s", message);
	return err;
}

/* One JSON text after the other, as several kubectl commands into one file leave them. The first that
 * is none begins YAML, which may have JSON among its documents: so does kubectl read it. */
static int read_documents(struct reader *reader, const char *text, size_t size)
{
	const struct document_visitor visitor = {.item = read_early_item,
						 .document = read_document,
						 .arg = reader};
	char message[JSON_TEXT_MESSAGE_MAX];
	size_t read = 0, at = skip_separators(text, size, 0);
	int err = 0;

	while (!err && is_json(text, size, at)) {
		err = json_text_parse(text, size, &at, &visitor, message);
		if (err == -EINVAL && *message)
			snprintf(reader->error, sizeof(reader->error), "JSON: %s", message);
		read = at;
		at = skip_separators(text, size, at);
	}
	return err || at == size ? err : read_yaml(reader, text, size, read, &visitor);
}

static int read_text(struct reader *reader, const char *text, size_t size)
{
	char message[ENCODING_MESSAGE_MAX];
	struct utf8 utf8;
	int err;

	err = encoding_to_utf8(text, size, &utf8, message);
	if (err == -EINVAL)
		snprintf(reader->error, sizeof(reader->error), "%s", message);
	if (err)
		return err;
	err = read_documents(reader, utf8.text, utf8.size);
	encoding_done(&utf8);
	return err;
}

int manifest_parse(const char *text, size_t size, decode_refuse refuse, void *arg,
		   struct manifest *ret)
{
	struct reader reader = {0};
	char message[DECODE_MESSAGE_MAX];
	int err;

	report_init(&reader.report, refuse, arg);
	err = read_text(&reader, text, size);
	report_done(&reader.report);
	manifest_set_end(&reader.set);
	if (!err) {
		*ret = reader.set.manifest;
		return 0;
	}
	manifest_done(&reader.set.manifest);
	if (err != -EINVAL)
		return err;
	snprintf(message, sizeof(message), "cannot parse the file%s: %.400s; nothing of it is used",
		 reader.events ? " of a watch's events" : "", reader.error);
	refuse("", message, arg);
	return err;
}
