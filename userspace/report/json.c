// SPDX-License-Identifier: Apache-2.0
/* The parts that all JSON answers have in common. */
#include "report/json.h"

#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"

#define INDENT 2
#define DIGITS 15 /* what a double holds for sure: 0.1 is printed as 0.1 */

json_t *json_answer(const char *kind, const char *node)
{
	return json_pack("{s:s s:s s:o}", "apiVersion", "gwbpf.io/v1", "kind", kind, "observedBy",
			 json_text(node));
}

json_t *json_list(const char *kind, const char *node, json_t *items)
{
	return json_extend(json_answer(kind, node), json_pack("{so}", "items", items));
}

json_t *json_extend(json_t *object, json_t *more)
{
	if (!json_object_update_new(object, more))
		return object;
	json_decref(object);
	return NULL;
}

void json_add(json_t **array, json_t *item)
{
	if (!json_array_append_new(*array, item))
		return;
	json_decref(*array);
	*array = NULL;
}

/* Names cut to their place in a map may end within a character. */
json_t *json_text(const char *text)
{
	json_t *value = json_string(text);
	char *copy, *at;

	if (value)
		return value;
	copy = strdup(text);
	if (!copy)
		return NULL;
	for (at = copy; *at; at++)
		if (*at & 0x80)
			*at = '?';
	value = json_string(copy);
	free(copy);
	return value;
}

json_t *json_text_or_null(const char *text)
{
	return text && *text ? json_text(text) : json_null();
}

const char *json_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_t *json_identity(uint64_t value)
{
	return json_sprintf("%llu", (unsigned long long)value);
}

json_t *json_count(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *json_seconds(double seconds)
{
	/* To the microsecond: more digits are noise. */
	return seconds < 0 ? json_null() : json_real((double)(int64_t)(seconds * 1e6 + 0.5) / 1e6);
}

json_t *json_time(time_t time)
{
	char text[sizeof("2026-11-23T06:28:23Z") + 8];
	struct tm utc;

	gmtime_r(&time, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}

json_t *json_instant(double age_seconds)
{
	if (age_seconds < 0)
		return json_null();
	return json_time((time_t)(clock_read_seconds(CLOCK_REALTIME) - age_seconds));
}

json_t *json_address(const struct gw_addr *address)
{
	char text[ADDR_TEXT_MAX];

	return json_string(addr_format(address, text));
}

char *json_render(json_t *answer)
{
	char *text, *with_newline;
	size_t length;

	if (!answer)
		return NULL;
	text = json_dumps(answer, JSON_INDENT(INDENT) | JSON_REAL_PRECISION(DIGITS));
	json_decref(answer);
	if (!text)
		return NULL;
	length = strlen(text);
	with_newline = realloc(text, length + 2);
	if (!with_newline) {
		free(text);
		return NULL;
	}
	memcpy(with_newline + length, "\n", 2);
	return with_newline;
}
