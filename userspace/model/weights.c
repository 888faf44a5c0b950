// SPDX-License-Identifier: Apache-2.0
/* Lists of weights, sorted, so that a pod's name and its prefixes are found by halving. */
#include "model/weights.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/text.h"

#define POD_NAME_MAX 253 /* a DNS subdomain */

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Whether a pod can have this name, or one that begins with it and a '-'. */
static bool is_key(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > POD_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_letter_or_digit(text[i]) && text[i] != '-' && text[i] != '.')
			return false;
	}
	return is_letter_or_digit(text[0]) && is_letter_or_digit(text[length - 1]);
}

static int read_key(const char *text, struct weight *ret, char reason[WEIGHTS_REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	if (!is_key(text)) {
		snprintf(reason, WEIGHTS_REASON_MAX,
			 "'%s' is neither a pod's name nor what comes before a '-' in one",
			 text_excerpt(text, quoted));
		return -EINVAL;
	}
	ret->key = text;
	return 0;
}

/* "org1-peer1" */
static int read_name(char *item, struct weight *ret, char reason[WEIGHTS_REASON_MAX])
{
	ret->value = 0;
	return read_key(item, ret, reason);
}

/* "org1-peer1=3" */
static int read_pair(char *item, struct weight *ret, char reason[WEIGHTS_REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];
	char *equals = strchr(item, '=');
	uint32_t value;

	if (!equals || parse_u32(equals + 1, 0, UINT16_MAX, &value)) {
		snprintf(reason, WEIGHTS_REASON_MAX, "'%s' is not POD=WEIGHT, the weight 0 to %d",
			 text_excerpt(item, quoted), UINT16_MAX);
		return -EINVAL;
	}
	*equals = '\0';
	ret->value = (uint16_t)value;
	return read_key(item, ret, reason);
}

static int compare_weights(const void *a, const void *b)
{
	return strcmp(((const struct weight *)a)->key, ((const struct weight *)b)->key);
}

static int sort(struct weights *weights, char reason[WEIGHTS_REASON_MAX])
{
	char quoted[TEXT_EXCERPT_MAX];

	qsort(weights->items, weights->count, sizeof(weights->items[0]), compare_weights);
	for (size_t i = 1; i < weights->count; i++) {
		const char *key = weights->items[i].key;

		if (strcmp(weights->items[i - 1].key, key) == 0) {
			snprintf(reason, WEIGHTS_REASON_MAX, "'%s' is named twice",
				 text_excerpt(key, quoted));
			return -EINVAL;
		}
	}
	return 0;
}

static size_t count_items(const char *text)
{
	size_t count = 1;

	while ((text = strchr(text, ',')) != NULL) {
		count++;
		text++;
	}
	return count;
}

typedef int (*item_reader)(char *item, struct weight *ret, char reason[WEIGHTS_REASON_MAX]);

/* The text is copied behind the items, which point into it. */
static int parse(const char *text, item_reader read_item, struct weights **ret,
		 char reason[WEIGHTS_REASON_MAX])
{
	size_t room = count_items(text), length = strlen(text);
	struct weights *weights;
	char *rest, *item;
	int err = 0;

	if (length == 0) {
		*ret = NULL;
		return 0;
	}
	weights = calloc(1, sizeof(*weights) + room * sizeof(weights->items[0]) + length + 1);
	if (!weights)
		return -ENOMEM;
	rest = memcpy(&weights->items[room], text, length + 1);
	while (!err && (item = strsep(&rest, ",")))
		err = read_item(item, &weights->items[weights->count++], reason);
	if (!err)
		err = sort(weights, reason);
	if (err) {
		free(weights);
		return err;
	}
	*ret = weights;
	return 0;
}

int weights_parse(const char *text, struct weights **ret, char reason[WEIGHTS_REASON_MAX])
{
	return parse(text, read_pair, ret, reason);
}

int weights_parse_names(const char *text, struct weights **ret, char reason[WEIGHTS_REASON_MAX])
{
	return parse(text, read_name, ret, reason);
}

/* strcmp() with the first length characters of name. */
static int compare_prefix(const char *name, size_t length, const char *key)
{
	int order = strncmp(name, key, length);

	return order ? order : -(key[length] != '\0');
}

static const struct weight *find_prefix(const struct weights *weights, const char *name,
					size_t length)
{
	size_t low = 0, high = weights->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_prefix(name, length, weights->items[middle].key);

		if (order == 0)
			return &weights->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct weight *weights_find(const struct weights *weights, const char *pod)
{
	size_t length = strlen(pod);
	const struct weight *found;

	if (!weights)
		return NULL;
	while (length > 0) {
		found = find_prefix(weights, pod, length);
		if (found)
			return found;
		do
			length--;
		while (length > 0 && pod[length] != '-');
	}
	return NULL;
}

int weights_copy(const struct weights *weights, struct weights **ret)
{
	size_t size = sizeof(*weights);
	struct weights *copy;
	char *text;

	*ret = NULL;
	if (!weights)
		return 0;
	for (size_t i = 0; i < weights->count; i++)
		size += sizeof(weights->items[0]) + strlen(weights->items[i].key) + 1;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	copy->count = weights->count;
	text = (char *)&copy->items[copy->count];
	for (size_t i = 0; i < weights->count; i++) {
		copy->items[i] = (struct weight){text, weights->items[i].value};
		text = stpcpy(text, weights->items[i].key) + 1;
	}
	*ret = copy;
	return 0;
}

bool weights_equal(const struct weights *a, const struct weights *b)
{
	size_t count = a ? a->count : 0;

	if (count != (b ? b->count : 0))
		return false;
	for (size_t i = 0; i < count; i++)
		if (a->items[i].value != b->items[i].value ||
		    strcmp(a->items[i].key, b->items[i].key))
			return false;
	return true;
}
