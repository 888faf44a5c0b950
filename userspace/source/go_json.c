// SPDX-License-Identifier: Apache-2.0
/* Escapes stand in strings alone, so it does not matter where strings begin and end. */
#include "source/go_json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ESCAPE_LENGTH 6 /* \u and four digits */

static const char replacement[] = "\\ufffd";

/* Whether an escape by number begins at text. */
static bool read_escape(const char *text, const char *end, uint32_t *ret)
{
	char digits[5] = "";

	if (end - text < ESCAPE_LENGTH || text[0] != '\\' || text[1] != 'u')
		return false;
	memcpy(digits, text + 2, 4);
	if (strspn(digits, "0123456789abcdefABCDEF") != 4)
		return false;
	*ret = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}

static bool is_high(uint32_t code)
{
	return (code & 0xfc00) == 0xd800;
}

static bool is_low(uint32_t code)
{
	return (code & 0xfc00) == 0xdc00;
}

/* The first escape from text on that is no character; NULL if there is none. */
static const char *find_bad_escape(const char *text, const char *end)
{
	uint32_t code, next;

	while (text < end && (text = memchr(text, '\\', (size_t)(end - text))) != NULL) {
		if (!read_escape(text, end, &code)) {
			text += 2; /* the backslash and what it escapes */
			continue;
		}
		if (!code || is_low(code))
			return text;
		text += ESCAPE_LENGTH;
		if (!is_high(code))
			continue;
		if (!read_escape(text, end, &next) || !is_low(next))
			return text - ESCAPE_LENGTH;
		text += ESCAPE_LENGTH;
	}
	return NULL;
}

json_t *go_json_load(const char *text, size_t size, size_t flags, json_error_t *error)
{
	const char *bad = find_bad_escape(text, text + size);
	char *copy = bad ? malloc(size) : NULL;
	json_t *value;

	if (!copy)
		return json_loadb(text, size, flags, error);
	memcpy(copy, text, size);
	for (; bad; bad = find_bad_escape(bad + ESCAPE_LENGTH, text + size))
		memcpy(copy + (bad - text), replacement, ESCAPE_LENGTH);
	value = json_loadb(copy, size, flags, error);
	free(copy);
	return value;
}
