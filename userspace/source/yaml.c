// SPDX-License-Identifier: Apache-2.0
/*
 * libfyaml's events to jansson's values. Its documents and its JSON emitter are not used: events
 * need no recursion, no memory beyond the values, and no alias is ever followed.
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
	const struct document_visitor *visitor;
	char *message;
};

static int refuse(struct builder *builder, struct fy_token *token, const char *what)
{
	const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;

	if (mark)
		snprintf(builder->message, YAML_MESSAGE_MAX, "line %d: %s", mark->line + 1, what);
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

static int open_container(struct builder *builder, struct fy_token *token, json_t *value)
{
	int err;

	if (wants_key(builder) || builder->depth == YAML_DEPTH_MAX) {
		json_decref(value);
		return refuse(builder, token,
			      wants_key(builder) ? "a key must be text" : "nested too deeply");
	}
	err = add_value(builder, value);
	if (!err)
		builder->stack[builder->depth++] = value;
	return err;
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

static int take_scalar(struct builder *builder, struct fy_token *token)
{
	json_t *typed = NULL, *plain;
	const char *text;
	size_t length;

	text = fy_token_get_text(token, &length);
	if (!text)
		return -ENOMEM;
	plain = json_stringn(text, length);
	if (!plain || memchr(text, '\0', length)) {
		json_decref(plain);
		return refuse(builder, token, "not UTF-8 text");
	}
	if (wants_key(builder))
		return take_key(builder, token, plain);
	if (fy_token_scalar_style(token) == FYSS_PLAIN)
		typed = scalar_value(text, length);
	if (typed)
		json_decref(plain);
	return add_value(builder, typed ? typed : plain);
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
	err = builder->visitor->document(document, builder->visitor->arg);
	json_decref(document);
	return err;
}

static int take_event(struct builder *builder, const struct fy_event *event)
{
	static const char no_tags[] = "tags (such as '!!str') are not supported: leave it out";

	switch (event->type) {
	case FYET_ALIAS:
		return refuse(builder, event->alias.anchor,
			      "aliases (such as '*name') are not supported: write the value out");
	case FYET_MAPPING_START:
		if (event->mapping_start.tag)
			return refuse(builder, event->mapping_start.tag, no_tags);
		return open_container(builder, event->mapping_start.mapping_start, json_object());
	case FYET_SEQUENCE_START:
		if (event->sequence_start.tag)
			return refuse(builder, event->sequence_start.tag, no_tags);
		return open_container(builder, event->sequence_start.sequence_start, json_array());
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return end_container(builder);
	case FYET_SCALAR:
		if (event->scalar.tag)
			return refuse(builder, event->scalar.tag, no_tags);
		return take_scalar(builder, event->scalar.value);
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
static int check_text(const char *text, size_t size, char *message)
{
	size_t at = 0, line = 1, length;

	while (at < size) {
		length = character_length((const unsigned char *)text + at, size - at);
		if (!length) {
			snprintf(message, YAML_MESSAGE_MAX,
				 "line %zu: not UTF-8 text: save it as UTF-8 (iconv -t UTF-8)",
				 line);
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
static void take_message(struct fy_diag *diag, char *message)
{
	struct fy_diag_error *error;
	void *iterator = NULL;

	error = fy_diag_errors_iterate(diag, &iterator);
	if (error)
		snprintf(message, YAML_MESSAGE_MAX, "line %d: %s", error->line, error->msg);
}

int yaml_parse(const char *text, size_t size, const struct document_visitor *visitor, char *message)
{
	struct fy_diag_cfg diag_config;
	struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
					       FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE};
	struct input input = {.text = text, .size = size};
	struct builder builder = {.visitor = visitor, .message = message};
	struct fy_parser *parser = NULL;
	int err = -ENOMEM;

	*message = '\0';
	if (check_text(text, size, message))
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
		take_message(config.diag, message);
out:
	json_decref(builder.key);
	json_decref(builder.root);
	fy_parser_destroy(parser);
	fy_diag_destroy(config.diag);
	return err;
}
