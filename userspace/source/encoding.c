// SPDX-License-Identifier: Apache-2.0
/* Windows PowerShell, for one, writes UTF-16 wherever output goes to a file. What is packed is told
 * by its first bytes: that it is no UTF-8 would not tell people what they have. */
#include "source/encoding.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char utf8_mark[] = "\xef\xbb\xbf";

/* In the order in which YAML 1.2 looks at them. */
static const struct encoding {
	const char *name; /* for iconv(1) */
	unsigned char begin[4];
	unsigned char mask[4]; /* 0: any byte but zero */
	size_t length;         /* of begin */
	size_t mark;           /* how much of it is a byte order mark */
	size_t unit;           /* bytes */
	bool little;
} encodings[] = {
	{"UTF-32", {0x00, 0x00, 0xfe, 0xff}, {1, 1, 1, 1}, 4, 4, 4, false},
	{"UTF-32BE", {0}, {1, 1, 1, 0}, 4, 0, 4, false},
	{"UTF-32", {0xff, 0xfe, 0x00, 0x00}, {1, 1, 1, 1}, 4, 4, 4, true},
	{"UTF-32LE", {0}, {0, 1, 1, 1}, 4, 0, 4, true},
	{"UTF-16", {0xfe, 0xff}, {1, 1}, 2, 2, 2, false},
	{"UTF-16BE", {0}, {1, 0}, 2, 0, 2, false},
	{"UTF-16", {0xff, 0xfe}, {1, 1}, 2, 2, 2, true},
	{"UTF-16LE", {0}, {0, 1}, 2, 0, 2, true},
};

static const struct {
	const char *name;
	const char *begin;
	size_t length;
	const char *command; /* that makes text of it */
} packed[] = {
	{"gzip", "\x1f\x8b", 2, "gunzip"},         {"xz", "\xfd\x37zXZ", 5, "unxz"},
	{"zstd", "\x28\xb5\x2f\xfd", 4, "unzstd"}, {"bzip2", "BZh", 3, "bunzip2"},
	{"zip", "PK\x03\x04", 4, "unzip"},
};

static int check_packed(const char *text, size_t size, char *message)
{
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
		if (size < packed[i].length || memcmp(text, packed[i].begin, packed[i].length) != 0)
			continue;
		snprintf(message, ENCODING_MESSAGE_MAX,
			 "it is packed by %s, and no text: unpack it (%s)", packed[i].name,
			 packed[i].command);
		return -EINVAL;
	}
	return 0;
}

static bool begins_with(const char *text, size_t size, const struct encoding *encoding)
{
	const unsigned char *bytes = (const unsigned char *)text;

	if (size < encoding->length)
		return false;
	for (size_t i = 0; i < encoding->length; i++) {
		if (encoding->mask[i] ? bytes[i] != encoding->begin[i] : !bytes[i])
			return false;
	}
	return true;
}

static uint32_t read_unit(const char *text, const struct encoding *encoding)
{
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t unit = 0;

	for (size_t i = 0; i < encoding->unit; i++)
		unit = unit << 8 | bytes[encoding->little ? encoding->unit - 1 - i : i];
	return unit;
}

/* The character at text and its length in bytes; 0 if there is none. */
static size_t read_character(const char *text, size_t left, const struct encoding *encoding,
			     uint32_t *ret)
{
	size_t length = encoding->unit;
	uint32_t low;

	if (left < length)
		return 0;
	*ret = read_unit(text, encoding);
	if (length == 2 && *ret >= 0xd800 && *ret < 0xdc00 && left >= 4) {
		low = read_unit(text + 2, encoding);
		if (low < 0xdc00 || low > 0xdfff)
			return 0;
		*ret = 0x10000 + ((*ret & 0x3ff) << 10) + (low & 0x3ff);
		length = 4;
	}
	return !*ret || *ret > 0x10ffff || (*ret >= 0xd800 && *ret <= 0xdfff) ? 0 : length;
}

static char *write_character(char *to, uint32_t code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	} else {
		*to++ = (char)(0xf0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3f));
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
		*to++ = (char)(0x80 | (code & 0x3f));
	}
	return to;
}

static int convert(const char *text, size_t size, const struct encoding *encoding, struct utf8 *ret,
		   char *message)
{
	size_t at = encoding->mark, length;
	uint32_t code;
	char *to;

	ret->copy = malloc(size / 2 * 3 + 4); /* two bytes become three at most */
	if (!ret->copy)
		return -ENOMEM;
	for (to = ret->copy; at < size; at += length) {
		length = read_character(text + at, size - at, encoding, &code);
		if (!length) {
			snprintf(message, ENCODING_MESSAGE_MAX,
				 "it begins as %s, but has no character of that at byte %zu: save "
				 "it as UTF-8 (iconv -f %s -t UTF-8; -Encoding utf8 in PowerShell)",
				 encoding->name, at, encoding->name);
			encoding_done(ret);
			return -EINVAL;
		}
		if (code != 0xfeff) /* marks of files that were put together */
			to = write_character(to, code);
	}
	ret->text = ret->copy;
	ret->size = (size_t)(to - ret->copy);
	return 0;
}

/* Files with byte order marks that were put together have some at the beginning of lines. */
static int remove_marks(struct utf8 *ret)
{
	static const char inner[] = "\n\xef\xbb\xbf";
	const char *from = ret->text, *end = from + ret->size, *mark;
	char *to;

	mark = memmem(from, ret->size, inner, strlen(inner));
	if (!mark)
		return 0;
	ret->copy = to = malloc(ret->size);
	if (!to)
		return -ENOMEM;
	for (; mark; mark = memmem(from, (size_t)(end - from), inner, strlen(inner))) {
		to = mempcpy(to, from, (size_t)(mark + 1 - from));
		from = mark + strlen(inner);
	}
	to = mempcpy(to, from, (size_t)(end - from));
	ret->text = ret->copy;
	ret->size = (size_t)(to - ret->copy);
	return 0;
}

int encoding_to_utf8(const char *text, size_t size, struct utf8 *ret, char *message)
{
	*ret = (struct utf8){.text = text, .size = size};
	if (check_packed(text, size, message))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		if (begins_with(text, size, &encodings[i]))
			return convert(text, size, &encodings[i], ret, message);
	}
	if (size >= strlen(utf8_mark) && !memcmp(text, utf8_mark, strlen(utf8_mark))) {
		ret->text += strlen(utf8_mark);
		ret->size -= strlen(utf8_mark);
	}
	return remove_marks(ret);
}

void encoding_done(struct utf8 *utf8)
{
	free(utf8->copy);
	*utf8 = (struct utf8){0};
}
