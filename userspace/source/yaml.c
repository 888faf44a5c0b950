// SPDX-License-Identifier: Apache-2.0
/*
 * libfyaml's events to jansson's values. Its documents and its JSON emitter are not used: events
 * need no recursion and no memory beyond the values, and what aliases ask for is bounded here.
 */
#include "source/yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfyaml.h>

#include "source/scalar.h"
#include "source/yaml_anchors.h"
#include "source/yaml_tags.h"

/*
 * libfyaml reads ahead as long as what it has may still turn out to be a key, and a token takes it
 * hundreds of bytes. No manifest has this much between two events.
 */
#define AHEAD_BYTES_MAX (2u << 20)
#define AHEAD_OPEN_MAX 1000 /* brackets */

struct input {
	const char *text;
	size_t size;
	size_t at;
	size_t last;   /* where the last event was taken */
	size_t opened; /* brackets since, less those closed */
	bool stopped;  /* beyond one of the limits */
};

struct builder {
	json_t *root;
	json_t *stack[YAML_DEPTH_MAX]; /* what is open; all of it belongs to root */
	size_t depth;
	json_t *key; /* of the value that comes next; NULL: a key comes next */
	struct yaml_anchors anchors;
	const struct document_visitor *visitor;
	size_t line; /* of the text, in which the first document begins */
	char *message;
};

static int refuse(struct builder *builder, struct fy_token *token, const char *what)
{
	const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;

	if (mark)
		snprintf(builder->message, YAML_MESSAGE_MAX, "line %zu: %s",
			 builder->line + (size_t)mark->line, what);
	else
		snprintf(builder->message, YAML_MESSAGE_MAX, "%s", what);
	return -EINVAL;
}

/* Put a value where it belongs; it is builder's from then on. */
static int add_value(struct builder *builder, json_t *value)
{
	json_t *parent = builder->depth ? builder->stack[builder->depth - 1] : NULL;
	int err;

	if (!value)
		return -ENOMEM;
	if (!parent) {
		builder->root = value;
		return 0;
	}
	if (json_is_array(parent))
		return json_array_append_new(parent, value) ? -ENOMEM : 0;
	err = json_object_setn_new_nocheck(parent, json_string_value(builder->key),
					   json_string_length(builder->key), value);
	json_decref(builder->key);
	builder->key = NULL;
	return err ? -ENOMEM : 0;
}

static bool wants_key(const struct builder *builder)
{
	return builder->depth && json_is_object(builder->stack[builder->depth - 1]) &&
	       !builder->key;
}

/* The text of a token that may not be there. */
static const char *text_of(struct fy_token *token, size_t *length)
{
	const char *text = token ? fy_token_get_text(token, length) : NULL;

	if (!text)
		*length = 0;
	return text;
}

static int set_anchor(struct builder *builder, struct fy_token *anchor, json_t *value)
{
	size_t length;
	const char *name = text_of(anchor, &length);

	return name ? yaml_anchors_set(&builder->anchors, name, length, value) : 0;
}

static int refuse_tag(struct builder *builder, struct fy_token *tag)
{
	return refuse(builder, tag,
		      "this tag (such as '!name') is not known, or not right here: leave it out");
}

static int open_container(struct builder *builder, struct fy_token *token, struct fy_token *tag,
			  struct fy_token *anchor, json_t *value)
{
	size_t length;
	const char *name = text_of(tag, &length);
	int err;

	if (name && !yaml_tags_fit(name, length, value)) {
		json_decref(value);
		return refuse_tag(builder, tag);
	}
	if (wants_key(builder) || builder->depth == YAML_DEPTH_MAX) {
		json_decref(value);
		return refuse(builder, token,
			      wants_key(builder) ? "a key must be text" : "nested too deeply");
	}
	err = add_value(builder, value);
	if (err)
		return err;
	builder->stack[builder->depth++] = value;
	return set_anchor(builder, anchor, value);
}

static int take_key(struct builder *builder, struct fy_token *token, json_t *key)
{
	json_t *object = builder->stack[builder->depth - 1];

	if (!builder->visitor->last_key_wins &&
	    json_object_getn(object, json_string_value(key), json_string_length(key))) {
		json_decref(key);
		return refuse(builder, token, "this key is there twice");
	}
	builder->key = key;
	return 0;
}

/* A zero character, which only an escape can bring, becomes U+FFFD, as in JSON. */
static json_t *text_value(const char *text, size_t length)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t size = strlen(replacement) * length;
	char *copy, *to;
	json_t *value;

	if (!memchr(text, '\0', length))
		return json_stringn(text, length);
	to = copy = malloc(size);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (text[i])
			*to++ = text[i];
		else
			to = mempcpy(to, replacement, strlen(replacement));
	}
	value = json_stringn(copy, (size_t)(to - copy));
	free(copy);
	return value;
}

static int read_scalar(struct builder *builder, const struct fy_event *event, json_t **ret)
{
	struct fy_token *token = event->scalar.value, *tag = event->scalar.tag;
	size_t length, tag_length;
	const char *text = fy_token_get_text(token, &length), *name = text_of(tag, &tag_length);
	int err;

	if (!text)
		return -ENOMEM;
	*ret = NULL;
	if (name) {
		err = yaml_tags_scalar(name, tag_length, text, length, ret);
		return err == -EINVAL ? refuse_tag(builder, tag) : err;
	}
	if (!wants_key(builder) && fy_token_scalar_style(token) == FYSS_PLAIN)
		*ret = scalar_value(text, length);
	if (!*ret)
		*ret = text_value(text, length);
	return *ret ? 0 : refuse(builder, token, "not UTF-8 text");
}

/* Where a key or value belongs; it is builder's from then on. */
static int place(struct builder *builder, struct fy_token *token, json_t *value)
{
	if (!wants_key(builder))
		return add_value(builder, value);
	if (json_is_string(value))
		return take_key(builder, token, value);
	json_decref(value);
	return refuse(builder, token, "a key must be text");
}

static int take_scalar(struct builder *builder, const struct fy_event *event)
{
	json_t *value;
	int err = read_scalar(builder, event, &value);

	if (err)
		return err;
	err = set_anchor(builder, event->scalar.anchor, value);
	if (!err)
		return place(builder, event->scalar.value, value);
	json_decref(value);
	return err;
}

static bool is_open(const struct builder *builder, const json_t *value)
{
	for (size_t i = 0; i < builder->depth; i++) {
		if (builder->stack[i] == value)
			return true;
	}
	return false;
}

static int take_alias(struct builder *builder, struct fy_token *token)
{
	size_t length;
	const char *name = text_of(token, &length);
	const json_t *value = name ? yaml_anchors_find(&builder->anchors, name, length) : NULL;
	json_t *copy;
	int err;

	if (!value || is_open(builder, value))
		return refuse(builder, token,
			      value ? "an alias (such as '*name') within what it stands for"
				    : "no anchor (such as '&name') is before this alias");
	err = yaml_anchors_copy(&builder->anchors, value, YAML_DEPTH_MAX - builder->depth, &copy);
	if (err == -E2BIG)
		return refuse(builder, token,
			      "the aliases (such as '*name') stand for too much: write it out");
	return err ? err : place(builder, token, copy);
}

/* "<<" of YAML 1.1: what the objects that it has for a value say, and this one does not. */
static int merge(struct builder *builder, struct fy_token *token, json_t *object)
{
	static const char merge_key[] = "<<";
	json_t *value = json_object_get(object, merge_key);
	size_t count = json_is_array(value) ? json_array_size(value) : 1;
	int err = 0;

	if (!value)
		return 0;
	json_incref(value);
	json_object_del(object, merge_key);
	for (size_t i = 0; i < count && !err; i++) {
		json_t *from = json_is_array(value) ? json_array_get(value, i) : value;

		if (!json_is_object(from))
			err = refuse(builder, token, "'<<' must have an object, or some of them");
		else if (json_object_update_missing(object, from))
			err = -ENOMEM;
	}
	json_decref(value);
	return err;
}

static int end_container(struct builder *builder)
{
	json_t *array;
	size_t last;
	int taken;

	/* An object or array in the array "items" of the document. */
	if (--builder->depth != 2 || !builder->visitor->item)
		return 0;
	array = builder->stack[1];
	if (!json_is_array(array) || json_object_get(builder->root, "items") != array)
		return 0;
	last = json_array_size(array) - 1;
	taken = builder->visitor->item(json_array_get(array, last), builder->visitor->arg);
	if (taken > 0)
		json_array_remove(array, last);
	return taken < 0 ? taken : 0;
}

static int end_document(struct builder *builder)
{
	json_t *document = builder->root;
	int err;

	builder->root = NULL;
	yaml_anchors_clear(&builder->anchors);
	err = builder->visitor->document(document, builder->visitor->arg);
	json_decref(document);
	return err;
}

static int take_event(struct builder *builder, const struct fy_event *event)
{
	int err;

	switch (event->type) {
	case FYET_ALIAS:
		return take_alias(builder, event->alias.anchor);
	case FYET_MAPPING_START:
		return open_container(builder, event->mapping_start.mapping_start,
				      event->mapping_start.tag, event->mapping_start.anchor,
				      json_object());
	case FYET_SEQUENCE_START:
		return open_container(builder, event->sequence_start.sequence_start,
				      event->sequence_start.tag, event->sequence_start.anchor,
				      json_array());
	case FYET_MAPPING_END:
		err = merge(builder, event->mapping_end.mapping_end,
			    builder->stack[builder->depth - 1]);
		return err ? err : end_container(builder);
	case FYET_SEQUENCE_END:
		return end_container(builder);
	case FYET_SCALAR:
		return take_scalar(builder, event);
	default:
		return 0;
	}
}

/* The length of the character at text, or 0 if it is none that text may have. */
static size_t character_length(const unsigned char *text, size_t left)
{
	static const uint32_t smallest[] = {1, 0x80, 0x800, 0x10000};
	size_t more = *text < 0x80 ? 0 : *text < 0xe0 ? 1 : *text < 0xf0 ? 2 : 3, i;
	uint32_t code = more ? *text & (0x3fu >> more) : *text;

	if (more >= left || (*text >= 0x80 && *text < 0xc0) || *text > 0xf7)
		return 0;
	for (i = 1; i <= more; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < smallest[more] || code > 0x10ffff || (code & 0xfffff800) == 0xd800)
		return 0;
	return more + 1;
}

/* libfyaml takes some bytes that are no UTF-8 for the end of the text, without an error. */
static int check_text(const char *text, size_t size, size_t line, char *message)
{
	size_t at = 0, length;

	while (at < size) {
		length = character_length((const unsigned char *)text + at, size - at);
		if (!length) {
			snprintf(message, YAML_MESSAGE_MAX, "line %zu: %s", line,
				 text[at]
					 ? "not UTF-8 text: save it as UTF-8 (iconv -t UTF-8)"
					 : "a zero byte, which no text has: it may be what a crash "
					   "left of the file, so write it again");
			return -EINVAL;
		}
		line += text[at] == '\n';
		at += length;
	}
	return 0;
}

static size_t count_open(size_t opened, const char *text, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++) {
		if (text[i] == '[' || text[i] == '{')
			opened++;
		else if (opened && (text[i] == ']' || text[i] == '}'))
			opened--;
	}
	return opened;
}

static ssize_t read_input(void *user, void *buf, size_t count)
{
	struct input *input = user;

	if (input->stopped)
		return 0;
	if (count > input->size - input->at)
		count = input->size - input->at;
	memcpy(buf, input->text + input->at, count);
	input->opened = count_open(input->opened, buf, count);
	input->at += count;
	/* The end of the text is what makes libfyaml stop; an error does not. */
	input->stopped = input->at - input->last > AHEAD_BYTES_MAX ||
			 input->opened > AHEAD_OPEN_MAX;
	return input->stopped ? 0 : (ssize_t)count;
}

static int take_all(struct fy_parser *parser, struct builder *builder, struct input *input)
{
	struct fy_event *event;
	bool ended = false;
	int err = 0;

	while (!err && !ended) {
		event = fy_parser_parse(parser);
		if (!event)
			return refuse(builder, NULL, "not YAML");
		input->last = input->at;
		input->opened = 0;
		err = take_event(builder, event);
		if (!err && event->type == FYET_DOCUMENT_END)
			err = end_document(builder);
		ended = event->type == FYET_STREAM_END;
		fy_parser_event_free(parser, event);
	}
	return err;
}

/* What libfyaml itself objected to comes before what we made of it. */
static void take_message(struct fy_diag *diag, const struct builder *builder)
{
	struct fy_diag_error *error;
	void *iterator = NULL;

	error = fy_diag_errors_iterate(diag, &iterator);
	if (error)
		snprintf(builder->message, YAML_MESSAGE_MAX, "line %zu: %s",
			 builder->line + (size_t)error->line - 1, error->msg);
}

static size_t line_at(const char *text, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

int yaml_parse(const char *text, size_t size, size_t at, const struct document_visitor *visitor,
	       char *message)
{
	struct fy_diag_cfg diag_config;
	struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
					       FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE};
	struct input input = {.text = text + at, .size = size - at};
	struct builder builder = {.visitor = visitor,
				  .line = line_at(text, at),
				  .message = message};
	struct fy_parser *parser = NULL;
	int err = -ENOMEM;

	*message = '\0';
	if (check_text(input.text, input.size, builder.line, message))
		return -EINVAL;
	fy_diag_cfg_default(&diag_config);
	diag_config.fp = NULL;
	config.diag = fy_diag_create(&diag_config);
	if (!config.diag)
		return -ENOMEM;
	fy_diag_set_collect_errors(config.diag, true);
	parser = fy_parser_create(&config);
	if (!parser || fy_parser_set_input_callback(parser, &input, read_input))
		goto out;
	err = take_all(parser, &builder, &input);
	if (input.stopped)
		err = refuse(&builder, NULL, "nested too deeply, or one line of more than 2 MiB");
	else if (err == -EINVAL)
		take_message(config.diag, &builder);
out:
	yaml_anchors_clear(&builder.anchors);
	json_decref(builder.key);
	json_decref(builder.root);
	fy_parser_destroy(parser);
	fy_diag_destroy(config.diag);
	return err;
}
