// SPDX-License-Identifier: Apache-2.0
/*
 * Only where values begin and end is found here; whether they are JSON is jansson's to say, of each
 * item and of the object without its items.
 */
#include "source/json_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source/go_json.h"

struct scan {
	const char *text;
	size_t size;
	size_t at;
	size_t begin; /* of the object */
	const struct document_visitor *visitor;
	size_t items_begin; /* behind the bracket; 0: there are none */
	size_t items_end;
	json_t *stayed; /* items that the visitor did not take; NULL: there are none */
	char *message;
};

static size_t count_lines(const char *text, size_t size)
{
	const char *end = text + size;
	size_t lines = 0;

	while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		lines++;
		text++;
	}
	return lines;
}

static int refuse(const struct scan *scan, size_t line, const char *what)
{
	snprintf(scan->message, JSON_TEXT_MESSAGE_MAX, "line %zu: %.200s", line, what);
	return -EINVAL;
}

static int refuse_here(const struct scan *scan, const char *what)
{
	return refuse(scan, count_lines(scan->text, scan->at) + 1, what);
}

/* The next character that is no blank, or 0 at the end. */
static char peek(struct scan *scan)
{
	static const char blanks[] = {' ', '\t', '\r', '\n'};

	while (scan->at < scan->size && memchr(blanks, scan->text[scan->at], sizeof(blanks)))
		scan->at++;
	return scan->at < scan->size ? scan->text[scan->at] : '\0';
}

/* From one quote to behind the other. */
static int skip_string(struct scan *scan)
{
	const char *end = scan->text + scan->size, *at = scan->text + scan->at + 1;
	const char *quote, *back;

	while ((quote = memchr(at, '"', (size_t)(end - at))) != NULL) {
		for (back = quote; back > at && back[-1] == '\\'; back--)
			;
		at = quote + 1;
		if ((quote - back) % 2)
			continue;
		scan->at = (size_t)(at - scan->text);
		return 0;
	}
	return refuse_here(scan, "the text ends within a string");
}

static int skip_container(struct scan *scan)
{
	size_t depth = 0;
	int err;

	while (scan->at < scan->size) {
		switch (scan->text[scan->at]) {
		case '"':
			err = skip_string(scan);
			if (err)
				return err;
			continue;
		case '{':
		case '[':
			if (++depth >= JSON_TEXT_DEPTH_MAX)
				return refuse_here(scan, "nested too deeply");
			break;
		case '}':
		case ']':
			depth--;
			break;
		}
		scan->at++;
		if (!depth)
			return 0;
	}
	return refuse_here(scan, "the text ends within an object or array");
}

/* Over one value, or over nothing where there is none. */
static int skip_value(struct scan *scan)
{
	static const char ends[] = {' ', '\t', '\r', '\n', ',', ':', '}', ']', '"', '{', '['};

	switch (peek(scan)) {
	case '"':
		return skip_string(scan);
	case '{':
	case '[':
		return skip_container(scan);
	}
	while (scan->at < scan->size && !memchr(ends, scan->text[scan->at], sizeof(ends)))
		scan->at++;
	return 0;
}

static int take_item(struct scan *scan, size_t begin)
{
	json_error_t error;
	json_t *item;
	int taken;

	item = go_json_load(scan->text + begin, scan->at - begin,
			    JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!item)
		return refuse(scan, count_lines(scan->text, begin) + (size_t)error.line,
			      error.text);
	taken = scan->visitor->item ? scan->visitor->item(item, scan->visitor->arg) : 0;
	if (taken) {
		json_decref(item);
		return taken < 0 ? taken : 0;
	}
	if (!scan->stayed)
		scan->stayed = json_array();
	return json_array_append_new(scan->stayed, item) ? -ENOMEM : 0;
}

/* From behind the bracket that opens the items to behind the one that closes them. */
static int take_items(struct scan *scan)
{
	size_t begin;
	char c;
	int err;

	scan->items_begin = scan->at;
	for (c = peek(scan); c != ']'; c = peek(scan)) {
		begin = scan->at;
		err = skip_value(scan);
		if (!err)
			err = take_item(scan, begin);
		if (err)
			return err;
		if (peek(scan) == ']')
			break;
		if (peek(scan) != ',')
			return refuse_here(scan, "',' or ']' expected");
		scan->at++;
		if (peek(scan) == ']')
			return refuse_here(scan, "an item expected");
	}
	scan->items_end = scan->at++;
	return 0;
}

static int take_member(struct scan *scan)
{
	static const char items[] = "\"items\"";
	size_t begin = scan->at;
	bool is_items;
	int err;

	err = skip_string(scan);
	if (err)
		return err;
	is_items = scan->at - begin == strlen(items) &&
		   !memcmp(scan->text + begin, items, strlen(items));
	if (peek(scan) != ':')
		return refuse_here(scan, "':' expected");
	scan->at++;
	/* A second "items" stays with the rest, where jansson refuses it. */
	if (!is_items || scan->items_begin || peek(scan) != '[')
		return skip_value(scan);
	scan->at++;
	return take_items(scan);
}

static int take_members(struct scan *scan)
{
	char c;
	int err;

	scan->at++;
	while ((c = peek(scan)) != '}') {
		if (c != '"')
			return refuse_here(scan, "'\"' or '}' expected");
		err = take_member(scan);
		if (err)
			return err;
		if (peek(scan) == ',')
			scan->at++;
		else if (peek(scan) != '}')
			return refuse_here(scan, "',' or '}' expected");
	}
	scan->at++;
	return 0;
}

/* The object without its items: what is around them is copied together. */
static int load_rest(const struct scan *scan, json_t **ret)
{
	size_t cut = scan->items_end - scan->items_begin, size = scan->at - scan->begin - cut;
	size_t before = scan->items_begin ? scan->items_begin - scan->begin : 0;
	size_t line = count_lines(scan->text, scan->begin);
	json_error_t error;
	char *rest;

	rest = malloc(size);
	if (!rest)
		return -ENOMEM;
	memcpy(rest, scan->text + scan->begin, before);
	memcpy(rest + before, scan->text + (before ? scan->items_end : scan->begin), size - before);
	*ret = go_json_load(rest, size, JSON_REJECT_DUPLICATES, &error);
	free(rest);
	if (*ret)
		return 0;
	if ((size_t)error.position > before)
		line += count_lines(scan->text + scan->items_begin, cut);
	return refuse(scan, line + (size_t)error.line, error.text);
}

static int take_object(struct scan *scan)
{
	json_t *object;
	int err;

	err = take_members(scan);
	if (!err)
		err = load_rest(scan, &object);
	if (err)
		return err;
	if (scan->stayed && json_object_set(object, "items", scan->stayed))
		err = -ENOMEM;
	if (!err)
		err = scan->visitor->document(object, scan->visitor->arg);
	json_decref(object);
	return err;
}

int json_text_parse(const char *text, size_t size, size_t *at,
		    const struct document_visitor *visitor, char *message)
{
	struct scan scan = {.text = text,
			    .size = size,
			    .at = *at,
			    .visitor = visitor,
			    .message = message};
	int err;

	*message = '\0';
	if (peek(&scan) != '{')
		return refuse_here(&scan, "'{' expected");
	scan.begin = scan.at;
	err = take_object(&scan);
	json_decref(scan.stayed);
	*at = scan.at;
	return err;
}
