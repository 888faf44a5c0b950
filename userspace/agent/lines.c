// SPDX-License-Identifier: Apache-2.0
#include "agent/lines.h"

#include <errno.h>
#include <event2/buffer.h>
#include <string.h>

#define DIGITS_MAX 20 /* of 2^64 - 1 */
#define NS_PER_SECOND 1000000000u
#define NS_DIGITS 9

void lines_init(struct lines *lines, struct evbuffer *to)
{
	lines->to = to;
	lines->used = 0;
	lines->err = 0;
}

int lines_flush(struct lines *lines)
{
	if (lines->used && evbuffer_add(lines->to, lines->room, lines->used))
		lines->err = -ENOMEM;
	lines->used = 0;
	return lines->err;
}

void lines_add(struct lines *lines, const char *text, size_t length)
{
	if (length > LINES_ROOM - lines->used)
		lines_flush(lines);
	if (length > LINES_ROOM) {
		if (evbuffer_add(lines->to, text, length))
			lines->err = -ENOMEM;
		return;
	}
	memcpy(lines->room + lines->used, text, length);
	lines->used += length;
}

void lines_add_text(struct lines *lines, const char *text)
{
	lines_add(lines, text, strlen(text));
}

/* Before end; returns where it begins. */
static char *write_digits(char *end, uint64_t value, size_t at_least)
{
	char *at = end;

	while (value || (size_t)(end - at) < at_least) {
		*--at = (char)('0' + value % 10);
		value /= 10;
	}
	return at;
}

void lines_add_number(struct lines *lines, uint64_t value)
{
	char digits[DIGITS_MAX], *end = digits + sizeof(digits);
	const char *at = write_digits(end, value, 1);

	lines_add(lines, at, (size_t)(end - at));
}

void lines_add_seconds(struct lines *lines, uint64_t ns)
{
	char digits[1 + NS_DIGITS];

	lines_add_number(lines, ns / NS_PER_SECOND);
	digits[0] = '.';
	write_digits(digits + sizeof(digits), ns % NS_PER_SECOND, NS_DIGITS);
	lines_add(lines, digits, sizeof(digits));
}
