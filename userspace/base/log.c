// SPDX-License-Identifier: Apache-2.0
/*
 * Lines for people and for collectors. A message may hold names and values that strangers chose:
 * it can neither end the line nor leave its quotes nor steer a terminal. Knows nothing of the
 * project; never writes anywhere but standard error.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 4096 /* bytes; what is longer is cut and ends in "..." */
#define ESCAPE_MAX 6     /* bytes that one becomes at most: \u0000 */
#define TIME_MAX 32

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const char *const format_names[] = {
	[LOG_FORMAT_LOGFMT] = "logfmt",
	[LOG_FORMAT_JSON] = "json",
};

/* Code points that are never written as they are: controls, and what turns text around. */
static const struct {
	uint32_t first;
	uint32_t last;
} unwritable[] = {
	{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum log_level log_level = LOG_LEVEL_INFO;
static enum log_format log_format = LOG_FORMAT_LOGFMT;

void log_configure(enum log_level level, enum log_format format)
{
	log_level = level;
	log_format = format;
}

static int find_name(const char *const *names, size_t count, const char *text, size_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

int log_level_parse(const char *text, enum log_level *ret)
{
	size_t index;
	int err = find_name(level_names, COUNT(level_names), text, &index);

	if (!err)
		*ret = (enum log_level)index;
	return err;
}

int log_format_parse(const char *text, enum log_format *ret)
{
	size_t index;
	int err = find_name(format_names, COUNT(format_names), text, &index);

	if (!err)
		*ret = (enum log_format)index;
	return err;
}

/* The bytes of the UTF-8 sequence at text, whose code point goes to ret; 0 if it is none: cut
 * short, overlong, a surrogate, or beyond U+10FFFF. */
static size_t decode_utf8(const char *text, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
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
	for (size_t i = 0; i < COUNT(unwritable); i++) {
		if (point >= unwritable[i].first && point <= unwritable[i].last)
			return false;
	}
	return true;
}

/* Write what stands at *text at to, in the form that is right inside the quotes of both formats,
 * and step over it. */
static char *escape_one(char *to, const char **text)
{
	uint32_t point;
	size_t length = decode_utf8(*text, &point);

	if (length == 0) {
		point = 0xfffd; /* the replacement character */
		length = 1;
		to += sprintf(to, "\\u%04x", point);
	} else if (point == '"' || point == '\\') {
		*to++ = '\\';
		*to++ = (char)point;
	} else if (point == '\n') {
		*to++ = '\\';
		*to++ = 'n';
	} else if (!can_write(point)) {
		to += sprintf(to, "\\u%04x", point);
	} else {
		memcpy(to, *text, length);
		to += length;
	}
	*text += length;
	return to;
}

static void format_time(char buf[TIME_MAX])
{
	struct timespec now;
	struct tm utc;
	size_t length;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	length = strftime(buf, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(buf + length, TIME_MAX - length, ".%03ldZ", now.tv_nsec / 1000000);
}

/* One write a line, so that lines of several processes do not mix. */
static void write_line(enum log_level level, const char *message)
{
	char line[MESSAGE_MAX * ESCAPE_MAX + 128];
	char when[TIME_MAX];
	char *at = line;
	ssize_t written;

	format_time(when);
	if (log_format == LOG_FORMAT_JSON)
		at += sprintf(at, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\"", when,
			      level_names[level]);
	else
		at += sprintf(at, "time=%s level=%s msg=\"", when, level_names[level]);
	while (*message != '\0')
		at = escape_one(at, &message);
	*at++ = '"';
	if (log_format == LOG_FORMAT_JSON)
		*at++ = '}';
	*at++ = '\n';
	do {
		written = write(STDERR_FILENO, line, (size_t)(at - line));
	} while (written < 0 && errno == EINTR);
}

void log_write(enum log_level level, const char *format, ...)
{
	char message[MESSAGE_MAX];
	int saved = errno;
	va_list args;
	int length;

	if (level > log_level)
		return;
	va_start(args, format);
	length = vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (length >= MESSAGE_MAX)
		strcpy(message + MESSAGE_MAX - sizeof("..."), "...");
	if (length >= 0)
		write_line(level, message);
	errno = saved;
}
