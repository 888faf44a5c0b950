// SPDX-License-Identifier: Apache-2.0
/*
 * Lines for people and for collectors. A message may hold names and values that strangers chose:
 * it can neither end the line nor leave its quotes nor steer a terminal. Knows nothing of the
 * project; never writes anywhere but standard error.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define MESSAGE_MAX 4096 /* bytes; what is longer is cut and ends in "..." */

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

/* Both formats have their text in quotes. */
static char *escape_one(char *to, const char **text)
{
	if (**text != '"' && **text != '\\')
		return text_escape(to, text);
	*to++ = '\\';
	*to++ = *(*text)++;
	return to;
}

/* One write a line, so that lines of several processes do not mix. */
static void write_line(enum log_level level, const char *message)
{
	char line[MESSAGE_MAX * TEXT_ESCAPE_MAX + 128];
	char when[TEXT_TIME_MAX];
	char *at = line;
	struct timespec now;
	ssize_t written;

	clock_gettime(CLOCK_REALTIME, &now);
	text_time(&now, when);
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
