// SPDX-License-Identifier: Apache-2.0
/*
 * One pass over the text: a requirement is a key, an operator and values. Every word of the text is
 * copied once, behind the requirements, with a zero after it.
 */
#include "model/selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NAME_BYTES_MAX 63 /* of a value, and of a key behind its prefix */
#define PREFIX_BYTES_MAX 253

enum operator{
	IS_THERE,     /* "key" */
	IS_NOT_THERE, /* "!key" */
	IS_AMONG,     /* "key=a", "key==a", "key in (a,b)" */
	IS_NOT_AMONG, /* "key!=a", "key notin (a,b)": also where the key is not there */
	IS_GREATER,   /* "key>1" */
	IS_LESS,
};

struct requirement {
	const char *key;
	const char *values; /* one behind the other, each with its zero */
	size_t value_count;
	int64_t number; /* of the value, to compare with */
	enum operator operator;
};

struct selector {
	const char *text;
	size_t count;
	struct requirement items[];
};

struct parser {
	const char *at; /* what is left of the text */
	char *words;    /* where the next one goes */
	char *reason;
};

struct labels *labels_copy(const struct label *items, size_t count)
{
	size_t size = sizeof(struct labels) + count * sizeof(*items);
	struct labels *labels;
	char *end;

	for (size_t i = 0; i < count; i++)
		size += strlen(items[i].key) + strlen(items[i].value) + 2;
	labels = malloc(size);
	if (!labels)
		return NULL;
	labels->count = count;
	end = (char *)&labels->items[count];
	for (size_t i = 0; i < count; i++) {
		labels->items[i].key = end;
		end = stpcpy(end, items[i].key) + 1;
		labels->items[i].value = end;
		end = stpcpy(end, items[i].value) + 1;
	}
	return labels;
}

static int refuse(struct parser *parser, const char *found, const char *why)
{
	char quoted[TEXT_EXCERPT_MAX];

	if (*found)
		snprintf(parser->reason, SELECTOR_REASON_MAX, "at '%s' %s",
			 text_excerpt(found, quoted), why);
	else
		snprintf(parser->reason, SELECTOR_REASON_MAX, "at its end %s", why);
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct parser *parser)
{
	while (is_blank(*parser->at))
		parser->at++;
}

/* The length of the word that begins here; 0: there is none. */
static size_t word_length(const char *at)
{
	return strcspn(at, "=!(),>< \t\r\n");
}

/* Copy the word that begins here, which may be empty, and what blanks follow it. */
static const char *take_word(struct parser *parser)
{
	size_t length = word_length(parser->at);
	char *word = parser->words;

	memcpy(word, parser->at, length);
	word[length] = '\0';
	parser->words += length + 1;
	parser->at += length;
	skip_blanks(parser);
	return word;
}

/* "a", "a-b.c_d": letters and digits, between them also the three others. */
static bool is_name(const char *text, size_t length)
{
	if (!length || length > NAME_BYTES_MAX || !isalnum((unsigned char)text[0]) ||
	    !isalnum((unsigned char)text[length - 1]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)text[i]) && !strchr("-_.", text[i]))
			return false;
	return true;
}

/* A DNS subdomain: labels of small letters, digits and '-', which is never at their ends. */
static bool is_prefix(const char *text, size_t length)
{
	if (!length || length > PREFIX_BYTES_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool is_end = i == 0 || i == length - 1 || text[i - 1] == '.' || text[i + 1] == '.';

		if (islower((unsigned char)text[i]) || isdigit((unsigned char)text[i]))
			continue;
		if ((text[i] != '-' && text[i] != '.') || is_end)
			return false;
	}
	return true;
}

static bool is_key(const char *text)
{
	const char *slash = strchr(text, '/');

	if (slash && !is_prefix(text, (size_t)(slash - text)))
		return false;
	text = slash ? slash + 1 : text;
	return is_name(text, strlen(text));
}

static int take_key(struct parser *parser, struct requirement *ret)
{
	const char *start = parser->at;

	ret->key = take_word(parser);
	if (is_key(ret->key))
		return 0;
	return refuse(parser, start, "there is no label's key, such as 'app' or 'example.com/app'");
}

static int take_value(struct parser *parser, struct requirement *ret)
{
	const char *start = parser->at;
	const char *value = take_word(parser);

	ret->value_count++;
	if (!*value || is_name(value, strlen(value)))
		return 0;
	return refuse(parser, start,
		      "there is no label's value: up to 63 letters, digits, '-', '_' and '.'");
}

/* "(a,b)": any of them may be empty. */
static int take_values(struct parser *parser, struct requirement *ret)
{
	int err = 0;

	if (*parser->at != '(')
		return refuse(parser, parser->at, "a list such as (a,b) is missing");
	do {
		parser->at++;
		skip_blanks(parser);
		err = take_value(parser, ret);
	} while (!err && *parser->at == ',');
	if (!err && *parser->at != ')')
		err = refuse(parser, parser->at, "a ',' or ')' is missing");
	if (err)
		return err;
	parser->at++;
	skip_blanks(parser);
	return 0;
}

/* Whether it is a whole number, as a label's value can say it. */
static bool read_number(const char *text, int64_t *ret)
{
	char *end;

	if (!*text || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return !errno;
}

static int take_number(struct parser *parser, struct requirement *ret)
{
	const char *start = parser->at;
	int err = take_value(parser, ret);

	if (!err && !read_number(ret->values, &ret->number))
		err = refuse(parser, start, "there is no whole number, which '>' and '<' need");
	return err;
}

static const struct {
	const char *text;
	enum operator operator;
	int (*take)(struct parser *parser, struct requirement *ret);
} operators[] = {
	{"==", IS_AMONG, take_value},         {"=", IS_AMONG, take_value},
	{"!=", IS_NOT_AMONG, take_value},     {">", IS_GREATER, take_number},
	{"<", IS_LESS, take_number},          {"in", IS_AMONG, take_values},
	{"notin", IS_NOT_AMONG, take_values},
};

/* Whether the text goes on with this operator: one that is a word is so as a whole. */
static bool is_next(const char *at, const char *operator)
{
	size_t length = strlen(operator), word = word_length(at);

	return strncmp(at, operator, length) == 0 && (!word || word == length);
}

static int take_rest(struct parser *parser, struct requirement *ret)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		if (!is_next(parser->at, operators[i].text))
			continue;
		parser->at += strlen(operators[i].text);
		skip_blanks(parser);
		ret->operator= operators[i].operator;
		ret->values = parser->words;
		return operators[i].take(parser, ret);
	}
	return refuse(parser, parser->at, "one of =, ==, !=, in, notin, >, < or a ',' is missing");
}

static int take_requirement(struct parser *parser, struct requirement *ret)
{
	bool is_not = *parser->at == '!';
	int err;

	ret->operator= is_not ? IS_NOT_THERE : IS_THERE;
	if (is_not) {
		parser->at++;
		skip_blanks(parser);
	}
	err = take_key(parser, ret);
	if (err || !*parser->at || *parser->at == ',')
		return err;
	if (is_not)
		return refuse(parser, parser->at, "nothing but a ',' can follow '!' and a key");
	return take_rest(parser, ret);
}

static int parse(struct parser *parser, struct selector *selector)
{
	int err;

	for (;;) {
		err = take_requirement(parser, &selector->items[selector->count++]);
		if (err || !*parser->at)
			return err;
		if (*parser->at != ',')
			return refuse(parser, parser->at, "a ',' is missing");
		parser->at++;
		skip_blanks(parser);
	}
}

int selector_parse(const char *text, struct selector **ret, char reason[SELECTOR_REASON_MAX])
{
	struct parser parser = {.at = text, .reason = reason};
	size_t length = strlen(text), room = 1;
	struct selector *selector;
	int err;

	skip_blanks(&parser);
	if (!*parser.at) {
		*ret = NULL;
		return 0;
	}
	if (length > SELECTOR_BYTES_MAX) {
		snprintf(reason, SELECTOR_REASON_MAX, "it has %zu bytes, and %d at most are read",
			 length, SELECTOR_BYTES_MAX);
		return -EINVAL;
	}
	for (const char *comma = text; (comma = strchr(comma, ',')); comma++)
		room++;
	/* The text itself, and its words: each has a zero, and but for empty ones a byte of its own. */
	selector =
		calloc(1, sizeof(*selector) + room * sizeof(selector->items[0]) + 3 * (length + 1));
	if (!selector)
		return -ENOMEM;
	selector->text = strcpy((char *)&selector->items[room], text);
	parser.words = (char *)&selector->items[room] + length + 1;
	err = parse(&parser, selector);
	if (err)
		free(selector);
	else
		*ret = selector;
	return err;
}

static const char *value_of(const struct labels *labels, const char *key)
{
	for (size_t i = 0; labels && i < labels->count; i++)
		if (strcmp(labels->items[i].key, key) == 0)
			return labels->items[i].value;
	return NULL;
}

static bool is_among(const struct requirement *requirement, const char *value)
{
	const char *one = requirement->values;

	for (size_t i = 0; i < requirement->value_count; i++, one += strlen(one) + 1)
		if (strcmp(one, value) == 0)
			return true;
	return false;
}

static bool meets(const struct requirement *requirement, const char *value)
{
	int64_t number;

	switch (requirement->operator) {
	case IS_THERE:
		return value;
	case IS_NOT_THERE:
		return !value;
	case IS_AMONG:
		return value && is_among(requirement, value);
	case IS_NOT_AMONG:
		return !value || !is_among(requirement, value);
	case IS_GREATER:
		return value && read_number(value, &number) && number > requirement->number;
	case IS_LESS:
		return value && read_number(value, &number) && number < requirement->number;
	}
	return false;
}

bool selector_is_met(const struct selector *selector, const struct labels *labels)
{
	for (size_t i = 0; selector && i < selector->count; i++)
		if (!meets(&selector->items[i], value_of(labels, selector->items[i].key)))
			return false;
	return selector;
}

const char *selector_text(const struct selector *selector)
{
	return selector ? selector->text : "";
}
