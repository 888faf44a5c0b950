// SPDX-License-Identifier: Apache-2.0
/* A message quotes what a stranger wrote, but no more of it than leaves room for the remedy. */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Code points that are never written as they are: controls, what turns text around, and what takes
 * no room. */
static const struct {
	uint32_t first;
	uint32_t last;
} unwritable[] = {
	{0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200f},
	{0x2028, 0x202e}, {0x2060, 0x2069}, {0xfeff, 0xfeff},
};

const char *text_cut(const char *text, char *buf, size_t size)
{
	size_t length = strnlen(text, size);

	if (length < size) {
		memcpy(buf, text, length + 1);
		return buf;
	}
	length = size - sizeof("...");
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	memcpy(buf, text, length);
	strcpy(buf + length, "...");
	return buf;
}

const char *text_excerpt(const char *text, char buf[TEXT_EXCERPT_MAX])
{
	return text_cut(text, buf, TEXT_EXCERPT_MAX);
}

/* The bytes of the UTF-8 sequence at text, whose code point goes to ret; 0 if it is none: cut
 * short, overlong, a surrogate, or beyond U+10FFFF. */
static size_t decode_utf8(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = (uint8_t)text[0];
	size_t length;
	uint32_t point;

	if (first < 0x80) {
		*ret = first;
		return 1;
	}
	length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	if (first < 0xc0 || first >= 0xf8)
		return 0;
	point = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if (((uint8_t)text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | ((uint8_t)text[i] & 0x3f);
	}
	if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	*ret = point;
	return length;
}

static bool can_write(uint32_t point)
{
	for (size_t i = 0; i < sizeof(unwritable) / sizeof(unwritable[0]); i++) {
		if (point >= unwritable[i].first && point <= unwritable[i].last)
			return false;
	}
	return true;
}

bool text_is_shown(const char *text, size_t *length)
{
	uint32_t point;

	*length = decode_utf8(text, &point);
	if (*length)
		return can_write(point);
	*length = 1;
	return false;
}

char *text_escape(char *to, const char **text)
{
	uint32_t point;
	size_t length = decode_utf8(*text, &point);

	if (!length)
		to += sprintf(to, "\\ufffd"); /* the replacement character */
	else if (point == '\n')
		to = stpcpy(to, "\\n");
	else if (!can_write(point))
		to += sprintf(to, "\\u%04x", point);
	else
		to = mempcpy(to, *text, length);
	*text += length ? length : 1;
	return to;
}

const char *text_time(const struct timespec *time, char buf[TEXT_TIME_MAX])
{
	struct tm utc;
	size_t length;

	gmtime_r(&time->tv_sec, &utc);
	length = strftime(buf, TEXT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(buf + length, TEXT_TIME_MAX - length, ".%03ldZ", time->tv_nsec / 1000000);
	return buf;
}
