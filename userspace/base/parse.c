// SPDX-License-Identifier: Apache-2.0
/* Numbers, durations and switches as people write them, without the leniency of strtoul(3). */
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DURATION_MAX_MS (24u * 3600u * 1000u)

static const struct {
	const char *suffix;
	uint32_t ms;
} units[] = {
	{"ms", 1},
	{"s", 1000},
	{"m", 60 * 1000},
	{"h", 3600 * 1000},
};

/* Read the digits that text begins with; -EINVAL if there are none. Stays at UINT32_MAX + 1 once
 * it is beyond, so that no number of digits wraps around. */
static int read_digits(const char *text, uint64_t *ret, const char **end)
{
	const uint64_t beyond = (uint64_t)UINT32_MAX + 1;
	uint64_t value = 0;
	const char *at;

	for (at = text; *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (uint64_t)(*at - '0');
		if (value > beyond)
			value = beyond;
	}
	if (at == text)
		return -EINVAL;
	*ret = value;
	*end = at;
	return 0;
}

int parse_u32(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
	uint64_t value;
	const char *end;
	int err;

	err = read_digits(text, &value, &end);
	if (err)
		return err;
	if (*end != '\0')
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

static uint32_t unit_ms(const char *suffix)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(suffix, units[i].suffix) == 0)
			return units[i].ms;
	}
	return 0;
}

int parse_duration_ms(const char *text, uint32_t *ret)
{
	uint64_t value;
	const char *end;
	uint32_t unit;
	int err;

	err = read_digits(text, &value, &end);
	if (err)
		return err;
	/* Only zero is the same in every unit. */
	unit = strcmp(text, "0") == 0 ? 1 : unit_ms(end);
	if (unit == 0)
		return -EINVAL;
	if (value > DURATION_MAX_MS / unit)
		return -ERANGE;
	*ret = (uint32_t)value * unit;
	return 0;
}

bool parse_bool(const char *text, bool *ret)
{
	bool value = strcmp(text, "true") == 0;

	if (!value && strcmp(text, "false") != 0)
		return false;
	*ret = value;
	return true;
}

bool parse_yaml_bool(const char *text, bool *ret)
{
	static const char *const words[] = {"yes", "on", "y", "no", "off", "n"};
	size_t i, count = sizeof(words) / sizeof(words[0]);

	for (i = 0; i < count; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret = i < count / 2;
			return true;
		}
	}
	return false;
}

int parse_instant(const char *text, double *ret)
{
	struct tm tm = {0};
	double seconds = 0;
	char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return -EINVAL;
	if (*rest == '.' && isdigit((unsigned char)rest[1]))
		seconds = strtod(rest, &rest);
	if (strcmp(rest, "Z") != 0)
		return -EINVAL;
	*ret = (double)timegm(&tm) + seconds;
	return 0;
}
