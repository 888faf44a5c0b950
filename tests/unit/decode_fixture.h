/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the decoders: a good object, and the same with one member changed. */
#ifndef GWBPF_TESTS_UNIT_DECODE_FIXTURE_H
#define GWBPF_TESTS_UNIT_DECODE_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/addr.h"
#include "refusals.h"
#include "source/decode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A member, its bad value, and what the message must contain. */
struct bad {
	const char *path;
	const char *text;
	const char *what;
	const char *more;
};

/* JSON with ' for ". */
static inline json_t *value_of(const char *text)
{
	char *copy = strdup(text), *at;
	json_error_t error;
	json_t *value;

	for (at = copy; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	value = json_loads(copy, JSON_DECODE_ANY, &error);
	if (!value)
		fail_msg("%s in %s", error.text, copy);
	free(copy);
	return value;
}

/* A good object with members put over it: dotted paths and their JSON values, "" to remove. */
static inline json_t *changed(const char *base, const char *path, const char *text)
{
	json_t *value = value_of(base), *parent = value;
	char *copy = strdup(path), *key = copy, *dot;

	while ((dot = strchr(key, '.')) != NULL) {
		*dot = '\0';
		parent = *key >= '0' && *key <= '9' ? json_array_get(parent, (size_t)atoi(key))
						    : json_object_get(parent, key);
		key = dot + 1;
	}
	if (!*text)
		json_object_del(parent, key);
	else
		json_object_set_new(parent, key, value_of(text));
	free(copy);
	return value;
}

static inline const char *address_of(const struct gw_addr *address)
{
	static char text[ADDR_TEXT_MAX];

	return addr_format(address, text);
}

#endif
